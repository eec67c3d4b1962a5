import test, {type ExecutionContext} from 'ava';
import {IO_BACK_ENDS} from '../../src/config/io-name.ts';
import type {LaneStatus} from '../../src/core/events.ts';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage, type Tunnel, type TunnelPlan} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';
import {SocksApplication} from '../support/sockets/socks-application.ts';
import {UdpPeer} from '../support/sockets/udp-peer.ts';

const LOSS = 0.1;
const RATE = 500;
/** What one path alone loses there and back. */
const UNCODED = 1 - (1 - LOSS) ** 2;
/**
 * Most of the round trips that fail. A machine that is busy sends in bursts, behind which a window
 * of 40 ms holds few packets: a simulation shows what a code reaches.
 */
const MOST_LOST = UNCODED / 2;

/** Both ends with three links of 10 % loss and 20 ms between them. */
async function overLinks(stage: Stage, plan: Partial<TunnelPlan> = {}): Promise<Tunnel> {
	const words = ['--loss', `${100 * LOSS}%`, '--delay', '20ms'];
	const lines = async (port: number) => {
		const ports = [1, 2, 3].map((seed) => stage.link(port, [...words, '--seed', `${seed}`]));
		return (await Promise.all(ports)).map((link, path) => `127.0.0.1 ${link} name=p${path}`);
	};
	const clientWords = ['--policy', 'fec 1.5', ...(plan.clientWords ?? [])];
	return await stage.tunnel({lines, ...plan, clientWords});
}

/** Sends numbers for a while: few are lost, and none comes twice. */
async function carries(t: ExecutionContext, {application, target}: Tunnel, most = MOST_LOST) {
	const from = application.sentAt.length;
	application.start(RATE);
	await application.hears(1500);
	const lost = (await application.settle()).filter((number) => number >= from);
	const sent = application.sentAt.length - from;
	t.log(`${lost.length} of ${sent} lost there and back`);
	t.true(lost.length <= most * sent, `${lost.length} of ${sent}`);
	t.deepEqual(target.repeated, []);
	t.is(application.repeated, 0);
}

/** The lanes of both ends, by their policies. */
async function lanesOf(tunnel: Tunnel): Promise<readonly Map<string, LaneStatus>[]> {
	const ends = await Promise.all([tunnel.status('client'), tunnel.status('server')]);
	return ends.map((end) => {
		const lanes = end?.sessions.at(-1)?.lanes ?? [];
		return new Map(lanes.map((lane) => [lane.policy, lane]));
	});
}

/** The lane of both ends sends each datagram about once and a half, and mends losses. */
async function isCoded(t: ExecutionContext, tunnel: Tunnel, policy = 'fec 1.5', least = 500) {
	for (const lanes of await lanesOf(tunnel)) {
		const {sending, receiving} = lanes.get(policy) ?? {};
		t.true(sending!.sources > least, `${sending!.sources} sources`);
		t.true(receiving!.recovered > 0, `${receiving!.recovered} recovered`);
		// Where lengths differ, a factor below 2 may rise to 2.
		t.true(sending!.meanTraffic < 2.05, `T ${sending!.meanTraffic}`);
	}
}

test.serial('fec 1.5 over three links of 10 % loss', async (t) => {
	const tunnel = await overLinks(new Stage(t));
	await tunnel.start(3);
	await carries(t, tunnel);
	await isCoded(t, tunnel);
});

test.serial('the same without a key', async (t) => {
	const tunnel = await overLinks(new Stage(t), {keyless: true});
	await tunnel.start(3);
	await carries(t, tunnel);
	await isCoded(t, tunnel);
});

for (const keyless of [false, true]) {
	test.serial(`the same without encryption, ${keyless ? 'without' : 'with'} a key`, async (t) => {
		const env = {MPTUNNEL_ENCRYPT: '0'};
		const tunnel = await overLinks(new Stage(t), {keyless, env});
		await tunnel.start(3);
		await carries(t, tunnel);
		await isCoded(t, tunnel);
	});
}

for (const io of IO_BACK_ENDS) {
	needing({batch: io === 'batch'}).serial(`the same with ${io} sockets at both ends`, async (t) => {
		const words = ['--io', io];
		const tunnel = await overLinks(new Stage(t), {clientWords: words, serverWords: words});
		await tunnel.start(3);
		await carries(t, tunnel);
		await isCoded(t, tunnel);
	});
}

for (const end of ['server', 'client'] as const) {
	for (const how of ['crash', 'stop'] as const) {
		test.serial(`lanes begin anew after a ${how} of the ${end} under traffic`, async (t) => {
			const tunnel = await overLinks(new Stage(t));
			await tunnel.start(3);
			const {application} = tunnel;
			application.start(RATE);
			await application.hears(500);
			await tunnel[how](end);
			await (end === 'server' ? tunnel.startServer() : tunnel.startClient());
			await application.isAnswered();
			await application.settle();
			await tunnel.untilUp(3);
			// In its first seconds a session does not know the loss yet.
			await carries(t, tunnel, UNCODED);
			await isCoded(t, tunnel, 'fec 1.5', 200);
		});
	}
}

/** A file of rules, each target by a port of its own. */
function rulesFile(
	ports: Readonly<Record<string, number>>,
	links: readonly number[],
): readonly string[] {
	const rules = Object.entries(ports).map(
		([policy, port]) => `  - { port: ${port}, policy: ${policy} }`,
	);
	return [
		'paths:',
		...links.map((port, path) => `  - 127.0.0.1 ${port} name=p${path}`),
		'policies:',
		'  calls: { residual: 0.1%, within: 60ms, traffic: 2, floor: 1.5 }',
		'  named: { residual: 0.1%, within: 50ms, traffic: 2, floor: 1.5 }',
		'rules:',
		...rules,
		'default: fec 1.5',
		'',
	];
}

/** The numbers that each target answered, in the order in which the answers came. */
function answersOf({received}: SocksApplication, name: string): readonly number[] {
	return received.flatMap((text) => {
		const [, from, number] = /^\S+ (\w+) (\d+)$/.exec(text) ?? [];
		return from === name ? [Number(number)] : [];
	});
}

/** A target that puts its name in front of what it sends back. */
async function namedTarget(t: ExecutionContext, name: string, host?: string): Promise<UdpPeer> {
	const peer = await UdpPeer.open(0, host);
	t.teardown(() => peer.close());
	peer.echoWith(`${name} `);
	return peer;
}

const HOSTS = {
	named: 'localhost',
	calls: '127.0.0.2',
	plain: '127.0.0.3',
} as const;

type Name = keyof typeof HOSTS;
const NAMES = Object.keys(HOSTS) as readonly Name[];

interface Rules {
	readonly tunnel: Tunnel;
	readonly chosen: SocksApplication;
	/** Sends a number to each target. */
	readonly send: (number: number) => void;
}

/** A client with rules: each target of an association by a policy of its own. */
async function withRules(t: ExecutionContext, link: readonly string[] | undefined): Promise<Rules> {
	const stage = new Stage(t);
	const [named, calls, plain] = [
		await namedTarget(t, 'named'),
		await namedTarget(t, 'calls', HOSTS.calls),
		await namedTarget(t, 'plain', HOSTS.plain),
	];
	const peers = {named, calls, plain};
	const socks = await freePort();
	const lines = async (port: number) => {
		const ports = link === undefined ? [port, port, port] : [];
		for (let path = 0; ports.length < 3; path++) {
			ports.push(await stage.link(port, [...link!, '--seed', `${path}`]));
		}
		return rulesFile({named: named.port, calls: calls.port, redundant: plain.port}, ports);
	};
	const tunnel = await stage.tunnel({
		lines,
		file: 'mpclient.yaml',
		clientWords: ['--socks', `127.0.0.1:${socks}`],
		serverWords: ['--exit', '--allow', '127.0.0.0/8'],
	});
	await tunnel.start(3);
	const chosen = await SocksApplication.open(t, socks);
	const send = (number: number) => {
		for (const name of NAMES) chosen.send(HOSTS[name], peers[name].port, `${number}`);
	};
	return {tunnel, chosen, send};
}

const ROUNDS = 200;

test.serial('targets of an association each by its rule: all comes, in order', async (t) => {
	const {tunnel, chosen, send} = await withRules(t, undefined);
	for (let round = 0; round < ROUNDS; round++) {
		send(round);
		await waitFor(() => chosen.received.length === NAMES.length * (round + 1), `round ${round}`);
	}
	const rounds = Array.from({length: ROUNDS}, (_, round) => round);
	for (const name of NAMES) t.deepEqual(answersOf(chosen, name), rounds);
	for (const lanes of await lanesOf(tunnel)) {
		t.deepEqual([...lanes.keys()].toSorted(), ['calls', 'named', 'redundant']);
		for (const lane of lanes.values()) {
			if (lane.policy === 'redundant') continue;
			t.is(lane.sending!.sources, ROUNDS, lane.policy);
			t.is(lane.receiving!.received + lane.receiving!.recovered, ROUNDS, lane.policy);
		}
	}
});

test.serial('targets of an association each by its rule, over links of 10 % loss', async (t) => {
	const {tunnel, chosen, send} = await withRules(t, ['--loss', '10%', '--delay', '20ms']);
	const {application} = tunnel;
	application.start(RATE);
	for (let number = 0; number < 4 * ROUNDS; number++) {
		await application.hears(1);
		send(number);
	}
	await application.settle();
	for (const name of NAMES) {
		const answers = answersOf(chosen, name);
		t.is(new Set(answers).size, answers.length, `${name}: answered twice`);
		const lost = 4 * ROUNDS - answers.length;
		t.log(`${name}: ${lost} of ${4 * ROUNDS} lost there and back`);
		t.true(lost <= MOST_LOST * 4 * ROUNDS, `${name}: ${lost} lost`);
	}
	await isCoded(t, tunnel, 'fec 1.5', 200);
});

test.serial('a forward has the policy that is written behind it', async (t) => {
	const stage = new Stage(t);
	const target = await namedTarget(t, 'forward');
	const listen = await freePort();
	const tunnel = await stage.tunnel({
		lines: (port) => ['a', 'b', 'c'].map((name) => `127.0.0.1 ${port} name=${name}`),
		clientWords: ['--forward', `udp:${listen}=127.0.0.1:${target.port},policy=fec 1.5`],
		serverWords: ['--exit', '--allow', '127.0.0.0/8'],
	});
	await tunnel.start(3);
	const peer = await UdpPeer.open();
	t.teardown(() => peer.close());
	for (let round = 0; round < ROUNDS; round++) {
		peer.send(`${round}`, listen);
		await waitFor(() => peer.received.length === round + 1, `round ${round}`);
	}
	const expected = Array.from({length: ROUNDS}, (_, round) => `forward ${round}`);
	t.deepEqual(
		peer.received.map(({text}) => text),
		expected,
	);
	for (const lanes of await lanesOf(tunnel)) {
		t.is(lanes.get('fec 1.5')!.sending!.sources, ROUNDS);
	}
});
