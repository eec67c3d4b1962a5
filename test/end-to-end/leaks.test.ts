import {execFile} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {temporaryFolder} from '../support/machine/options.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

const PROGRAM = fileURLToPath(new URL('./leak-main.js', import.meta.url));
const MEBIBYTE = 1024 * 1024;

interface LeakReport {
	/** Heap and array buffers after 200,000 and after 1,000,000 packets. */
	readonly bytes: readonly [number, number];
	readonly answered: number;
	/** What is active after everything was closed. */
	readonly active: readonly string[];
}

test.serial(
	'memory stays flat from packet 200,000 to 1,000,000, and closing leaves nothing',
	async (t) => {
		t.timeout(300_000);
		const run = promisify(execFile);
		const {PATH = ''} = process.env;
		const {stdout} = await run(process.execPath, ['--expose-gc', PROGRAM, temporaryFolder(t)], {
			env: {PATH},
			timeout: 280_000,
		});
		const report: LeakReport = JSON.parse(stdout);
		const growth = report.bytes[1] - report.bytes[0];
		t.log(`${(growth / 1024).toFixed(0)} KiB over ${report.answered} datagrams and their answers`);
		t.true(report.answered >= 500_000);
		t.true(Math.abs(growth) < MEBIBYTE, `${growth} bytes`);
		t.deepEqual(report.active, []);
	},
);

const FLOWS = 20;

/** Two paths; every application had an answer and is silent from now on. */
function talkedWorld(): TunnelWorld {
	const world = new TunnelWorld({seed: 1, links: [{delay: 10}, {delay: 30}], echo: true}).start();
	for (let application = 0; application < FLOWS; application++) world.send(application);
	world.run(2000);
	return world;
}

function closedFlows(world: TunnelWorld): number {
	return world.serverEvents.filter(({event}) => event.type === 'flow-closed').length;
}

test('SOCKS flows of silent applications are gone after 300 s, those with one target live on', (t) => {
	const world = talkedWorld();
	const flowsAt = (end: 'client' | 'server') => world[end]?.status(world.now).sessions[0]?.flows;
	for (let i = 0; i < FLOWS; i++) world.sendTo(i, FLOWS + i);
	world.run(world.now + 2000);
	t.is(world.atClient.length, 2 * FLOWS);
	t.is(flowsAt('client'), 2 * FLOWS);
	world.run(290_000);
	t.is(closedFlows(world), 0);
	world.run(330_000);
	t.is(closedFlows(world), FLOWS);
	t.is(flowsAt('client'), FLOWS);
	t.is(flowsAt('server'), FLOWS);
	world.run(2 * 3_600_000);
	t.is(flowsAt('client'), FLOWS);
	t.is(flowsAt('server'), FLOWS);
	t.deepEqual(world.faults, []);
});

test('nothing of a client that vanished is left: session 180 s, flows 300 s, record 600 s', (t) => {
	const world = talkedWorld();
	world.killClient();
	world.run(170_000);
	t.is(world.server?.status(world.now).sessions.length, 1);
	world.run(190_000);
	t.is(world.server?.status(world.now).sessions.length, 0);
	t.is(closedFlows(world), 0);
	world.run(310_000);
	t.is(closedFlows(world), FLOWS);
	t.not(world.server?.nextTimeout(), Number.POSITIVE_INFINITY);
	world.run(1_000_000);
	// Armed as long as there is a session, a flow, a record or a handshake.
	t.is(world.server?.nextTimeout(), Number.POSITIVE_INFINITY);
	t.is(world.server?.slots.out, 0);
	t.deepEqual(world.faults, []);
});

test('an end that is closed has no timer left', (t) => {
	const world = talkedWorld();
	world.poke('client', ({client, now}) => client?.close(now));
	world.run(4000);
	t.is(world.client?.nextTimeout(), Number.POSITIVE_INFINITY);
	world.poke('server', ({server, now}) => server?.close(now));
	world.run(6000);
	t.is(world.server?.nextTimeout(), Number.POSITIVE_INFINITY);
	t.deepEqual(world.faults, []);
});
