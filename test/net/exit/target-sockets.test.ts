import test, {type ExecutionContext} from 'ava';
import {TargetSockets, type TargetSocketsInit} from '../../../src/net/exit/target-sockets.ts';
import {DgramBackEnd} from '../../../src/net/udp/dgram-socket.ts';
import {flowSocketLimit, readSoftLimit} from '../../../src/net/udp/socket-budget.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {socketBudget} from '../../support/sockets/socket-budget.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

function setUp(t: ExecutionContext, init: Partial<TargetSocketsInit> & {port: number}) {
	const reporter = new FakeReporter();
	const answers: string[] = [];
	const failed: number[] = [];
	const targets = new TargetSockets({
		host: '127.0.0.1',
		budget: socketBudget(100),
		userOf: () => 'ann',
		backEnd: new DgramBackEnd(),
		resolver: async (host) => [host],
		reporter,
		now: () => performance.now(),
		events: {
			answered: (flow, batch) => {
				const text = Buffer.from(batch.arena.subarray(0, batch.lengths[0])).toString();
				answers.push(`${flow} ${text}`);
			},
			failed: (flow) => failed.push(flow),
		},
		...init,
	});
	t.teardown(() => targets.close());
	const send = (flow: number, text: string) =>
		targets.send(flow, Buffer.from(text), 0, text.length);
	return {targets, reporter, answers, failed, send};
}

test.serial('gives every flow a port of its own and brings answers back to it', async (t) => {
	const target = await UdpPeer.open();
	target.answerWith('answer');
	const budget = socketBudget(100);
	const {targets, answers, send} = setUp(t, {port: target.port, budget});
	await targets.start();
	send(7, 'a');
	send(8, 'b');
	send(7, 'c');
	await waitFor(() => answers.length === 3);
	t.deepEqual([...answers].sort(), ['7 answer', '7 answer', '8 answer']);
	t.is(new Set(target.received.map(({from}) => from.port)).size, 2);
	targets.end(7);
	t.is(budget.of('ann').used, 1);
	await target.close();
});

test.serial('does not hear anybody but the target', async (t) => {
	const [target, stranger] = [await UdpPeer.open(), await UdpPeer.open()];
	const {targets, answers, send} = setUp(t, {port: target.port});
	await targets.start();
	send(1, 'a');
	await waitFor(() => target.received.length === 1);
	const port = target.received[0]!.from.port;
	stranger.send('evil', port);
	target.send('good', port);
	await waitFor(() => answers.length === 1);
	t.deepEqual(answers, ['1 good']);
	await Promise.all([target.close(), stranger.close()]);
});

test.serial('keeps the newest datagrams until the name is resolved', async (t) => {
	const target = await UdpPeer.open();
	let resolve: (addresses: readonly string[]) => void = () => {};
	const resolver = () => new Promise<readonly string[]>((done) => (resolve = done));
	const {targets, send} = setUp(t, {port: target.port, host: 'vpn.test', resolver});
	const starting = targets.start();
	for (let i = 0; i < 68; i++) send(1, `${i}`);
	t.is(targets.failures, 4);
	resolve(['127.0.0.1']);
	await starting;
	await waitFor(() => target.received.length === 64);
	t.is(target.received[0]?.text, '4');
	t.is(target.received.at(-1)?.text, '67');
	await target.close();
});

test.serial(
	'a burst of a new flow loses nothing while others wait for their sockets too',
	async (t) => {
		const target = await UdpPeer.open();
		const {targets, send} = setUp(t, {port: target.port});
		await targets.start();
		for (let flow = 2; flow < 12; flow++) send(flow, 'other');
		for (let i = 0; i < 60; i++) send(1, `${i}`);
		await waitFor(() => target.received.length === 70);
		const burst = target.received.map(({text}) => text).filter((text) => text !== 'other');
		t.deepEqual(
			burst,
			Array.from({length: 60}, (_, i) => `${i}`),
		);
		t.is(targets.failures, 0);
		await target.close();
	},
);

test.serial('a target that is not there costs a warning and nothing else', async (t) => {
	const gone = await UdpPeer.open();
	const {port} = gone;
	await gone.close();
	const {targets, reporter, failed, send} = setUp(t, {port});
	await targets.start();
	send(1, 'x');
	await waitFor(() => targets.failures > 0);
	t.true(reporter.lines.includes('warn: the target cannot be reached'));
	const back = await UdpPeer.open(port);
	send(1, 'y');
	await waitFor(() => back.received.length > 0);
	t.deepEqual(failed, []);
	await back.close();
});

test.serial('refuses flows beyond the limit of sockets', async (t) => {
	const target = await UdpPeer.open();
	const {targets, failed, send} = setUp(t, {port: target.port, budget: socketBudget(2)});
	await targets.start();
	for (const flow of [1, 2, 3]) send(flow, 'x');
	t.deepEqual(failed, [3]);
	targets.end(1);
	send(4, 'x');
	t.deepEqual(failed, [3]);
	await target.close();
});

test.serial('reaches a target over IPv6', async (t) => {
	let target: UdpPeer;
	try {
		target = await UdpPeer.open(0, '::1');
	} catch {
		t.pass('no IPv6 here');
		return;
	}
	target.answerWith('six');
	const {targets, answers, send} = setUp(t, {port: target.port, host: '::1'});
	await targets.start();
	send(1, 'x');
	await waitFor(() => answers.length === 1);
	t.deepEqual(answers, ['1 six']);
	await target.close();
});

test('keeps descriptors back', (t) => {
	t.is(flowSocketLimit(4096), 3584);
	t.is(flowSocketLimit(300), 16);
	t.is(flowSocketLimit(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
	t.true(readSoftLimit() > 0);
	t.is(readSoftLimit('/nonexistent'), Number.POSITIVE_INFINITY);
});
