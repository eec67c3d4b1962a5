import {randomBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {needing} from '../support/e2e/needs.ts';
import {freePort, isBound} from '../support/e2e/ports.ts';
import type {Child} from '../support/e2e/process.ts';
import {Stage, type Tunnel} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';

interface Bridged {
	readonly stage: Stage;
	readonly tunnel: Tunnel;
	readonly bridges: readonly Child[];
	/** The ports on which the bridges listen. */
	readonly ports: readonly number[];
}

/** Server, three plain bridges and client, in the order in which the README starts them. */
async function cross(t: ExecutionContext, words = '', looped = false): Promise<Bridged> {
	const stage = new Stage(t);
	const ports = [await freePort(), await freePort(), await freePort()];
	const lines = ports.map((port) => `127.0.0.1 ${port} ${words}`);
	const tunnel = await stage.tunnel({lines: () => lines});
	await tunnel.startServer();
	const bridges: Child[] = [];
	for (const port of ports) {
		bridges.push(await stage[looped ? 'loopedSocat' : 'socat'](port, tunnel.port));
	}
	await tunnel.startClient();
	await tunnel.untilUp(3);
	return {stage, tunnel, bridges, ports};
}

const SOCAT = {programs: ['socat']} as const;

needing(SOCAT).serial(
	'the commands of the README carry datagrams over three plain bridges',
	async (t) => {
		const stage = new Stage(t);
		const [server, listen] = [await freePort(), await freePort()];
		const ports = [await freePort(), await freePort(), await freePort()];
		const target = await stage.echo();
		const key = stage.path('tunnel.key');
		t.is(await stage.program('mptunnel', ['keygen', key]).end(), 0);
		const words = [`${server}`, '127.0.0.1', `${target.port}`, '--key-file', key];
		const mpserver = stage.program('mpserver', words);
		await mpserver.says('mpserver runs');
		for (const port of ports) await stage.socat(port, server);
		const conf = ports.map((port) => `127.0.0.1 ${port}\r\n`).join('');
		const file = stage.write('mpclient.conf', `# bridges\r\n\r\n${conf}`);
		const place = `127.0.0.1:${listen}`;
		const mpclient = stage.program('mpclient', [file, '--key-file', key, '--listen', place]);
		await mpclient.says('a session is up');
		const application = await stage.application(listen);
		application.start(100);
		await application.hears(100);
		t.deepEqual(await application.settle(), []);
		t.deepEqual(target.repeated, []);
		t.is(application.repeated, 0);
		t.is(target.ports.length, 1);
		for (const program of [mpclient, mpserver]) t.is(program.stdout, '');
	},
);

needing(SOCAT).serial('killing one bridge and then another loses nothing', async (t) => {
	const {tunnel, bridges} = await cross(t);
	const {application, target} = tunnel;
	// Slow enough for socat's small receive buffer when it does not run for a second.
	application.start(150);
	await application.hears(200);
	await bridges[0]!.kill();
	await application.hears(250);
	await bridges[1]!.kill();
	await application.hears(250);
	const lost = await application.settle();
	for (const end of ['client', 'server'] as const) {
		const snapshot = await tunnel.status(end);
		const saturated = snapshot?.sessions[0]?.paths.map((path) => path.saturated).join();
		t.log(`${end}: saturated ${saturated}, ${JSON.stringify(snapshot?.drops)}`);
	}
	t.deepEqual(lost, []);
	t.deepEqual(target.repeated, []);
	t.is(application.repeated, 0);
	t.true(bridges[2]!.alive);
});

needing(SOCAT).serial(
	'datagrams of 1 to 65,507 bytes get through socat, which cuts at 8,192',
	async (t) => {
		const {tunnel} = await cross(t);
		const {application} = tunnel;
		const sizes = [1, 100, 1173, 1445, 8192, 8193, 20_000, 60_000, 65_507];
		for (const [index, size] of sizes.entries()) {
			const bytes = randomBytes(size);
			bytes[0] = 'x'.charCodeAt(0);
			application.send(bytes);
			await waitFor(() => application.received.length > index, `${size} bytes`);
			t.true(application.received[index]!.equals(bytes), `${size} bytes`);
		}
	},
);

/** The least time between a probe that is answered and the next of the server's own, less reserve. */
const SERVER_SILENCE = 1200;

/** How long each path of the client has been silent, in ms. */
function silences({sessions}: StatusSnapshot): readonly number[] {
	return sessions.flatMap(({paths}) => paths).map(({silence}) => silence ?? 0);
}

/** Kills the client when the server has just spoken on all paths; resolves with when it may again. */
async function crashInSilence(tunnel: Tunnel): Promise<number> {
	// While data flows there are ten probes a second, afterwards one.
	const calm = (snapshot: StatusSnapshot) => silences(snapshot).every((silence) => silence > 400);
	await tunnel.until('client', calm, 'a calm session');
	const recent = (snapshot: StatusSnapshot) =>
		silences(snapshot).every((silence) => silence > 30 && silence < 600);
	const snapshot = await tunnel.until('client', recent, 'a moment at which the server is silent');
	const quietUntil = performance.now() + SERVER_SILENCE - Math.max(...silences(snapshot));
	await tunnel.crash('client');
	return quietUntil;
}

/** Attempts at what a machine that is busy for a moment cannot do in time. */
const ATTEMPTS = 10;

/** Repeats what resolves with false when the machine was too slow for it to show anything. */
async function whenFastEnough(t: ExecutionContext, run: () => Promise<boolean>): Promise<void> {
	for (let attempt = 1; attempt <= ATTEMPTS; attempt++) if (await run()) return;
	t.fail(`this machine was too slow ${ATTEMPTS} times`);
}

needing(SOCAT).serial(
	'a client that is killed while the server is silent finds its bridges alive',
	async (t) => {
		await whenFastEnough(t, async () => {
			const {tunnel, bridges} = await cross(t);
			const {application, target} = tunnel;
			application.start(50);
			await application.hears(50);
			t.deepEqual(await application.settle(), []);
			const places =
				(await tunnel.status('client'))?.places.flatMap((place) => place.localPorts) ?? [];
			t.is(places.length, 3);
			const quietUntil = await crashInSilence(tunnel);
			const starting = tunnel.startClient();
			await waitFor(() => places.every(isBound), 'the ports of the client');
			const late = performance.now() - quietUntil;
			await starting;
			if (late > 0) {
				t.log(`${late.toFixed(0)} ms late`);
				return false;
			}
			application.start(50);
			await application.isAnswered();
			await tunnel.untilUp(3);
			t.true(bridges.every(({alive}) => alive));
			t.deepEqual(await application.settle(), []);
			t.is(target.ports.length, 1, 'the port towards the target is the same');
			return true;
		});
	},
);

/** Milliseconds that an end may be away before the other uses the bridges again. */
const AWAY = 1500;

for (const end of ['client', 'server'] as const) {
	needing(SOCAT).serial(`bridges survive a clean stop of the ${end} that is back at once`, (t) =>
		whenFastEnough(t, async () => {
			const {tunnel, bridges} = await cross(t);
			const {application} = tunnel;
			application.start(200);
			await application.hears(200);
			await tunnel.stop(end);
			const stopped = performance.now();
			await (end === 'client' ? tunnel.startClient() : tunnel.startServer());
			const away = performance.now() - stopped;
			t.log(`back after ${away.toFixed(0)} ms`);
			if (away >= AWAY) return false;
			await application.isAnswered();
			await tunnel.untilUp(3);
			t.true(
				bridges.every(({alive}) => alive),
				bridges.map(({output}) => output).join(''),
			);
			return true;
		}),
	);
}

/** The processes that a process has started and not yet seen end. */
function childrenOf(pid: number): string {
	return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
}

needing(SOCAT).serial(
	'a socat in a loop does not end at a clean restart of the server, nor does mptunnel link',
	async (t) => {
		const stage = new Stage(t);
		const looped = await freePort();
		let link = 0;
		const tunnel = await stage.tunnel({
			lines: async (server) => {
				link = await stage.link(server);
				return [`127.0.0.1 ${looped} name=loop`, `127.0.0.1 ${link} name=link`];
			},
		});
		await tunnel.startServer();
		const loop = await stage.loopedSocat(looped, tunnel.port);
		await tunnel.startClient();
		await tunnel.untilUp(2);
		const {application} = tunnel;
		application.start(200);
		await application.hears(200);
		const socat = childrenOf(loop.pid);
		t.regex(socat, /^[0-9]+$/);
		await tunnel.stop('server');
		await tunnel.startServer();
		await application.isAnswered();
		await tunnel.untilUp(2);
		t.is(childrenOf(loop.pid), socat);
	},
);

needing(SOCAT).serial(
	'with bridges in a loop traffic returns after the server was killed',
	async (t) => {
		const {tunnel} = await cross(t, '', true);
		const {application} = tunnel;
		application.start(200);
		await application.hears(200);
		await tunnel.crash('server');
		await tunnel.startServer();
		const back = performance.now();
		await application.isAnswered();
		t.log(`answered ${(performance.now() - back).toFixed(0)} ms after the server listens`);
		await t.notThrowsAsync(tunnel.untilUp(3));
	},
);

/** True when a client has looked for its server for three seconds. */
function hasWaited({connection}: StatusSnapshot): boolean {
	return connection?.up === false && (connection.for ?? 0) >= 3000;
}

needing(SOCAT).serial(
	'with bridges in a loop the client may start before the server',
	async (t) => {
		const stage = new Stage(t);
		const ports = [await freePort(), await freePort(), await freePort()];
		const tunnel = await stage.tunnel({lines: () => ports.map((port) => `127.0.0.1 ${port}`)});
		for (const port of ports) await stage.loopedSocat(port, tunnel.port);
		await tunnel.startClient();
		tunnel.application.start(50);
		await tunnel.until('client', hasWaited, 'three seconds without a connection');
		await tunnel.startServer();
		await tunnel.application.isAnswered();
		await t.notThrowsAsync(tunnel.untilUp(3));
	},
);

needing(SOCAT).serial(
	'a bridge whose name does not resolve stops none of the others',
	async (t) => {
		const stage = new Stage(t);
		const port = await freePort();
		const lines = [`nosuch.invalid 4000 name=lost`, `127.0.0.1 ${port} name=good`];
		const tunnel = await stage.tunnel({lines: () => lines});
		await tunnel.startServer();
		await stage.socat(port, tunnel.port);
		await tunnel.startClient();
		tunnel.application.start(50);
		await tunnel.application.hears(20);
		await tunnel.client.says(/cannot be resolved.*lost|lost.*cannot be resolved/);
		t.deepEqual(await tunnel.application.settle(), []);
	},
);
