import {existsSync, readFileSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import type {StatusSnapshot} from '../../src/app/observe/status.ts';
import {Stage, type Tunnel} from '../support/e2e/stage.ts';

const DELAY = 20;
/**
 * Milliseconds in which traffic returns on a busy machine. The simulation shows how soon it is on time;
 * an end that waits for the silence of the other takes longer than this.
 */
const SOON = 5000;

/** Three direct paths. */
const direct = (port: number) => ['a', 'b', 'c'].map((name) => `127.0.0.1 ${port} name=${name}`);

/** Both ends with three links of 20 ms each way between them, and traffic both ways. */
async function underTraffic(t: ExecutionContext): Promise<Tunnel> {
	const stage = new Stage(t);
	const words = ['--delay', `${DELAY}ms`];
	const lines = async (port: number) => {
		const ports = [
			await stage.link(port, words),
			await stage.link(port, words),
			await stage.link(port, words),
		];
		return ports.map((link) => `127.0.0.1 ${link}`);
	};
	const tunnel = await stage.tunnel({lines});
	await tunnel.start(3);
	tunnel.application.start(200);
	await tunnel.application.hears(200);
	return tunnel;
}

test.serial('after a server restart traffic returns in time', async (t) => {
	const tunnel = await underTraffic(t);
	const {application, target} = tunnel;
	await tunnel.crash('server');
	await tunnel.startServer();
	const listening = performance.now();
	await application.isAnswered();
	const took = performance.now() - listening;
	const limit = SOON;
	t.log(`answered ${took.toFixed(0)} ms after the server listens (at most ${limit})`);
	t.true(took <= limit);
	await application.settle();
	t.deepEqual(target.repeated, []);
});

test.serial('after a clean restart of the server clients are told that it is back', async (t) => {
	const tunnel = await underTraffic(t);
	const {application, target} = tunnel;
	await tunnel.stop('server');
	const goodbyes = `${tunnel.stateOf('server')}/goodbyes.json`;
	const {goodbyes: list} = JSON.parse(readFileSync(goodbyes, 'utf8'));
	t.is(list.length, 3, 'one for each path');
	await tunnel.startServer();
	const listening = performance.now();
	await application.isAnswered();
	t.log(`answered ${(performance.now() - listening).toFixed(0)} ms after the server listens`);
	t.false(existsSync(goodbyes));
	await application.settle();
	t.deepEqual(target.repeated, []);
});

test.serial(
	'a clean restart of the server costs direct paths little more than its absence',
	async (t) => {
		const tunnel = await new Stage(t).tunnel({lines: direct});
		await tunnel.start(3);
		const {application, target} = tunnel;
		application.start(200);
		await application.hears(200);
		const asked = performance.now();
		await tunnel.stop('server');
		const gone = performance.now();
		await tunnel.startServer();
		const listening = performance.now();
		await application.isAnswered();
		await application.settle();
		const answers = [...application.answeredAt.values()].toSorted((a, b) => a - b);
		const back = answers.find((at) => at > gone) ?? Number.POSITIVE_INFINITY;
		const last = answers.findLast((at) => at <= gone) ?? asked;
		const late = [...application.answeredAt].map(
			([number, at]) => at - application.sentAt[number]!,
		);
		const [stopping, starting] = [gone - asked, listening - gone].map((millis) =>
			millis.toFixed(0),
		);
		t.log(
			`${stopping} ms to stop, ${starting} ms to start, ${(back - listening).toFixed(0)} ms to the first answer`,
		);
		t.log(
			`a gap of ${(back - last).toFixed(0)} ms; nothing came more than ${Math.max(...late).toFixed(0)} ms late`,
		);
		// It lingers for 300 ms; what waits goes as soon as there is a session, unless it is 500 ms old.
		t.true(back - listening <= 10 * 100);
		t.true(Math.max(...late) <= 10 * 500);
		t.deepEqual(target.repeated, []);
	},
);

test.serial('after a client restart traffic returns in time, with the same port', async (t) => {
	const tunnel = await underTraffic(t);
	const {application, target} = tunnel;
	await tunnel.crash('client');
	await tunnel.startClient();
	const listening = performance.now();
	await application.isAnswered();
	const took = performance.now() - listening;
	const limit = SOON;
	t.log(`answered ${took.toFixed(0)} ms after the client listens (at most ${limit})`);
	t.true(took <= limit);
	await application.settle();
	t.deepEqual(target.repeated, []);
	t.is(target.ports.length, 1, 'the target sees the port of before');
});

test.serial('on direct paths the client may start three seconds before the server', async (t) => {
	const tunnel = await new Stage(t).tunnel({lines: direct});
	await tunnel.startClient();
	tunnel.application.start(50);
	const hasWaited = ({connection}: StatusSnapshot) =>
		connection?.up === false && (connection.for ?? 0) >= 3000;
	await tunnel.until('client', hasWaited, 'three seconds without a connection');
	await tunnel.startServer();
	await tunnel.application.isAnswered();
	await t.notThrowsAsync(tunnel.untilUp(3));
});

test.serial('on direct paths both ends may be killed at once under traffic', async (t) => {
	const tunnel = await new Stage(t).tunnel({lines: direct});
	await tunnel.start(3);
	tunnel.application.start(200);
	await tunnel.application.hears(100);
	await Promise.all([tunnel.crash('client'), tunnel.crash('server')]);
	await tunnel.startClient();
	await tunnel.startServer();
	await tunnel.application.isAnswered();
	await t.notThrowsAsync(tunnel.untilUp(3));
	await tunnel.application.settle();
	t.deepEqual(tunnel.target.repeated, []);
});

for (const end of ['client', 'server'] as const) {
	for (const signal of ['SIGINT', 'SIGTERM'] as const) {
		test.serial(`${signal} ends the ${end} under traffic`, async (t) => {
			const tunnel = await new Stage(t).tunnel({lines: direct});
			await tunnel.start(3);
			tunnel.application.start(200);
			await tunnel.application.hears(100);
			await tunnel.stop(end, signal);
			t.is(tunnel[end].code, 0);
			for (const program of [tunnel.client, tunnel.server]) t.is(program.stdout, '');
		});
	}
}
