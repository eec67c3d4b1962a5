import test from 'ava';
import {ExitPolicy} from '../../../src/exit/policy.ts';
import {type Route, routeOf, WaitingDatagrams} from '../../../src/net/exit/routes.ts';
import type {NameAnswer} from '../../../src/net/names/names.ts';
import {RefusalCode} from '../../../src/wire/constants.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {
	ExitSetUp,
	found,
	NOT_FOUND,
	named,
	rules,
	target,
} from '../../support/sockets/exit-set-up.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

const {DENIED, UNRESOLVABLE} = RefusalCode;

/** A lookup that the test ends. */
function held() {
	let give: (answer: NameAnswer) => void = () => {};
	const answer = new Promise<NameAnswer>((resolve) => {
		give = resolve;
	});
	return {answer, give: (value: NameAnswer) => give(value)};
}

const texts = (peer: UdpPeer) => peer.received.map(({text}) => text);

test.serial('the newest four datagrams of a target wait for its name, in order', async (t) => {
	const peer = await UdpPeer.open();
	const setUp = new ExitSetUp(t);
	const lookup = held();
	setUp.resolve = () => lookup.answer;
	const to = named(3, 'App.Test', peer.port);
	for (let i = 0; i < 6; i++) setUp.send(1, to, `${i}`);
	t.is(setUp.sockets.drops['exit-name-queue-full'], 2);
	lookup.give(found('127.0.0.1'));
	await waitFor(() => peer.received.length === 4);
	t.deepEqual(texts(peer), ['2', '3', '4', '5']);
	t.deepEqual(setUp.lookups, ['ann app.test']);
	await peer.close();
});

test.serial('a slow name delays no other target of the flow', async (t) => {
	const peer = await UdpPeer.open();
	const setUp = new ExitSetUp(t);
	setUp.resolve = (name) => (name === 'slow.test' ? held().answer : found('127.0.0.1'));
	setUp.send(1, named(0, 'slow.test', peer.port), 'slow');
	setUp.send(1, named(1, 'fast.test', peer.port), 'fast');
	await waitFor(() => peer.received.length === 1);
	t.deepEqual(texts(peer), ['fast']);
	await peer.close();
});

test.serial('the first allowed address of a name is used, whatever stands before it', async (t) => {
	const peer = await UdpPeer.open(0, '127.0.0.3');
	const policy = new ExitPolicy({allow: rules('127.0.0.3', '127.0.0.4')});
	const setUp = new ExitSetUp(t, {policy});
	setUp.resolve = () => found('10.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4');
	setUp.send(1, named(0, 'mixed.test', peer.port), 'x');
	await waitFor(() => peer.received.length === 1);
	t.deepEqual(setUp.refused, []);
	await peer.close();
});

test.serial('a name that has only denied addresses is denied', async (t) => {
	const setUp = new ExitSetUp(t, {policy: new ExitPolicy()});
	setUp.resolve = () => found('127.0.0.1', '10.0.0.1');
	const to = named(9, 'rebind.test', 80);
	setUp.send(1, to, 'x');
	setUp.send(1, to, 'y');
	await waitFor(() => setUp.sockets.drops['exit-denied'] === 2);
	t.deepEqual(setUp.refused, [`1 9 ${DENIED}`]);
	t.like(setUp.reporter.fields[0], {user: 'ann', target: 'rebind.test:80'});
	t.is(setUp.budget.of('ann').used, 0);
});

test.serial('a name that is bound to a denied address later is denied from then on', async (t) => {
	const peer = await UdpPeer.open();
	const policy = new ExitPolicy({allow: rules('127.0.0.1')});
	const setUp = new ExitSetUp(t, {policy});
	setUp.resolve = () => found('127.0.0.1');
	const to = named(0, 'rebind.test', peer.port);
	setUp.send(1, to, 'a');
	await waitFor(() => peer.received.length === 1);
	setUp.resolve = () => found('127.0.0.2');
	setUp.now = 59_999;
	setUp.send(1, to, 'b');
	await waitFor(() => peer.received.length === 2);
	t.is(setUp.lookups.length, 1);
	setUp.now = 60_000;
	setUp.send(1, to, 'while asking');
	await waitFor(() => peer.received.length === 3);
	setUp.send(1, to, 'denied');
	t.deepEqual(setUp.refused, [`1 0 ${DENIED}`]);
	t.is(setUp.lookups.length, 2);
	await peer.close();
});

test.serial('while its address answers a name keeps it', async (t) => {
	const peer = await UdpPeer.open();
	peer.answerWith('here');
	const setUp = new ExitSetUp(t);
	setUp.resolve = () => found('127.0.0.1');
	const to = named(0, 'pool.test', peer.port);
	setUp.send(1, to, 'a');
	await waitFor(() => setUp.answers.length === 1);
	setUp.resolve = () => found('127.0.0.2');
	for (const now of [50_000, 100_000, 150_000]) {
		setUp.now = now;
		const before = setUp.answers.length;
		setUp.send(1, to, 'b');
		await waitFor(() => setUp.answers.length === before + 1);
	}
	t.is(setUp.lookups.length, 1);
	// Silent for a minute: asked again, and the new address is used.
	const moved = await UdpPeer.open(peer.port, '127.0.0.2');
	setUp.now = 210_000;
	setUp.send(1, to, 'c');
	await waitFor(() => setUp.lookups.length === 2);
	setUp.send(1, to, 'd');
	await waitFor(() => moved.received.length === 1);
	t.deepEqual(texts(moved), ['d']);
	await Promise.all([peer.close(), moved.close()]);
});

test.serial('a name without an answer is refused and tried again after five seconds', async (t) => {
	const peer = await UdpPeer.open();
	const setUp = new ExitSetUp(t);
	setUp.resolve = () => NOT_FOUND;
	const to = named(2, 'gone.test', peer.port);
	setUp.send(1, to, 'a');
	await waitFor(() => setUp.refused.length === 1);
	setUp.send(1, to, 'b');
	t.deepEqual(setUp.refused, [`1 2 ${UNRESOLVABLE}`]);
	t.is(setUp.sockets.drops['exit-unresolvable'], 2);
	t.is(setUp.reporter.lines[0], 'info: a target cannot be resolved');
	const reason = 'the name is not known';
	t.like(setUp.reporter.fields[0], {target: `gone.test:${peer.port}`, reason});
	setUp.resolve = () => found('127.0.0.1');
	setUp.now = 5000;
	setUp.send(1, to, 'c');
	await waitFor(() => peer.received.length === 1);
	t.deepEqual(texts(peer), ['c']);
	await peer.close();
});

test.serial('a name keeps its address while name servers are silent', async (t) => {
	const peer = await UdpPeer.open();
	const setUp = new ExitSetUp(t);
	setUp.resolve = () => found('127.0.0.1');
	const to = named(0, 'app.test', peer.port);
	setUp.send(1, to, 'a');
	await waitFor(() => peer.received.length === 1);
	setUp.resolve = () => NOT_FOUND;
	setUp.now = 61_000;
	setUp.send(1, to, 'b');
	await waitFor(() => setUp.lookups.length === 2);
	setUp.send(1, to, 'c');
	await waitFor(() => peer.received.length === 3);
	t.deepEqual(setUp.refused, []);
	await peer.close();
});

test.serial('addresses in the place of names need no lookup, odd spellings get none', async (t) => {
	const peer = await UdpPeer.open();
	const setUp = new ExitSetUp(t);
	setUp.send(1, named(0, '127.0.0.1', peer.port), 'literal');
	await waitFor(() => peer.received.length === 1);
	const odd = ['127.1', '2130706433', '0x7f.1', '0177.0.0.1', '127.0.0.01', '-', '..', 'a..b'];
	for (const [i, name] of odd.entries()) setUp.send(1, named(i + 1, name, peer.port), 'odd');
	t.is(setUp.sockets.drops['exit-unresolvable'], odd.length - 1);
	t.deepEqual(
		setUp.lookups.filter((line) => line !== 'ann -'),
		[],
	);
	t.deepEqual(texts(peer), ['literal']);
	await peer.close();
});

test.serial('a name that a rule denies is never looked up', async (t) => {
	const deny = rules('intranet.test', '*:25');
	const setUp = new ExitSetUp(t, {policy: new ExitPolicy({deny})});
	setUp.send(1, named(0, 'InTranet.test.', 80), 'x');
	setUp.send(1, named(1, 'other.test', 25), 'x');
	t.deepEqual(setUp.refused, [`1 0 ${DENIED}`, `1 1 ${DENIED}`]);
	t.deepEqual(setUp.lookups, []);
});

test.serial('an answer that comes after the end of the flow is for nobody', async (t) => {
	const setUp = new ExitSetUp(t);
	const lookup = held();
	setUp.resolve = () => lookup.answer;
	setUp.send(1, named(0, 'late.test', 9), 'x');
	setUp.sockets.end(1);
	t.is(setUp.sockets.drops['exit-name-queue-full'], 1);
	lookup.give(found('127.0.0.1'));
	await lookup.answer;
	await Promise.resolve();
	t.is(setUp.budget.of('ann').used, 0);
});

test('what waits for names is bounded over all targets', (t) => {
	const waiting = new WaitingDatagrams(1000);
	const policy = new ExitPolicy();
	const [a, b] = [0, 1].map((i) => routeOf(named(i, `${i}.test`, 53), policy)) as [Route, Route];
	waiting.push(a, new Uint8Array(600));
	waiting.push(b, new Uint8Array(401));
	t.is(waiting.lost, 1);
	waiting.push(b, new Uint8Array(400));
	waiting.push(b, new Uint8Array(0));
	t.is(waiting.take(b).length, 2);
	waiting.forget(a);
	t.is(waiting.lost, 2);
	waiting.push(b, new Uint8Array(1000));
	t.is(waiting.take(b).length, 1);
});

test.serial(
	'the address of a name is reported with its reference, and when it changes',
	async (t) => {
		const [first, second] = [
			await UdpPeer.open(0, '127.0.0.2'),
			await UdpPeer.open(0, '127.0.0.3'),
		];
		const {port} = first;
		const setUp = new ExitSetUp(t);
		setUp.resolve = () => found('127.0.0.2');
		const to = named(3, 'app.test', port);
		setUp.send(1, to, 'x');
		await waitFor(() => first.received.length === 1);
		t.deepEqual(setUp.reached, [`1 3 1 127.0.0.2:${port}`]);
		setUp.send(1, to, 'y');
		await waitFor(() => first.received.length === 2);
		t.is(setUp.reached.length, 1);
		setUp.resolve = () => found('127.0.0.3');
		setUp.now = 61_000;
		setUp.send(1, to, 'z');
		await waitFor(() => setUp.lookups.length === 2);
		setUp.send(1, to, 'z');
		await waitFor(() => {
			setUp.send(1, to, 'z');
			return setUp.reached.length === 2;
		});
		t.is(setUp.reached[1], `1 3 1 127.0.0.3:${port}`);
		await Promise.all([first.close(), second.close()]);
	},
);

test.serial('an address in another spelling is reported like that of a name', async (t) => {
	const peer = await UdpPeer.open();
	const {port} = peer;
	const setUp = new ExitSetUp(t);
	setUp.send(1, named(0, '127.0.0.1', port), 'as a name');
	setUp.send(1, target(1, '::ffff:127.0.0.1', port), 'mapped');
	setUp.send(1, target(2, '127.0.0.1', port), 'plain');
	await waitFor(() => peer.received.length === 3);
	t.deepEqual(setUp.reached, [`1 0 1 127.0.0.1:${port}`, `1 1 1 127.0.0.1:${port}`]);
	await peer.close();
});
