import test from 'ava';
import {ExitPolicy} from '../../../src/exit/policy.ts';
import {DgramBackEnd} from '../../../src/net/udp/dgram-socket.ts';
import {
	SocketError,
	type UdpBackEnd,
	type UdpHandlers,
	type UdpSocket,
} from '../../../src/net/udp/udp.ts';
import {RefusalCode} from '../../../src/wire/constants.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {ExitSetUp, ip, named, rules, target} from '../../support/sockets/exit-set-up.ts';
import {socketBudget} from '../../support/sockets/socket-budget.ts';
import {UdpPeer} from '../../support/sockets/udp-peer.ts';

const {DENIED, DESCRIPTORS, SOCKET} = RefusalCode;

test.serial('all targets of a flow see one port, another flow has another', async (t) => {
	const [a, b] = [await UdpPeer.open(), await UdpPeer.open(0, '127.0.0.2')];
	const setUp = new ExitSetUp(t);
	setUp.send(7, target(0, '127.0.0.1', a.port), 'one');
	setUp.send(7, target(1, '127.0.0.2', b.port), 'two');
	setUp.send(8, target(0, '127.0.0.1', a.port), 'three');
	await waitFor(() => a.received.length === 2 && b.received.length === 1);
	const [first, other] = a.received;
	t.is(first?.from.port, b.received[0]?.from.port);
	t.not(first?.from.port, other?.from.port);
	t.deepEqual([first?.text, b.received[0]?.text, other?.text], ['one', 'two', 'three']);
	t.is(setUp.budget.of('ann').used, 2);
	await Promise.all([a.close(), b.close()]);
});

test.serial(
	'answers of any host come with their source, also of one never written to',
	async (t) => {
		const [a, b] = [await UdpPeer.open(), await UdpPeer.open(0, '127.0.0.2')];
		const setUp = new ExitSetUp(t);
		setUp.send(7, target(0, '127.0.0.1', a.port), 'x');
		await waitFor(() => a.received.length === 1);
		const {port} = a.received[0]!.from;
		a.send('from a', port);
		b.send('from b', port);
		await waitFor(() => setUp.answers.length === 2);
		t.deepEqual(setUp.answers.toSorted(), [
			`7 1 127.0.0.1:${a.port} from a`,
			`7 1 127.0.0.2:${b.port} from b`,
		]);
		await Promise.all([a.close(), b.close()]);
	},
);

test.serial('IPv6 has a socket of its own, and its answers come as IPv6', async (t) => {
	const six = await UdpPeer.open(0, '::1').catch(() => undefined);
	if (six === undefined) {
		t.pass('no IPv6 here');
		return;
	}
	six.answerWith('six');
	const four = await UdpPeer.open();
	four.answerWith('four');
	const setUp = new ExitSetUp(t);
	setUp.send(1, target(0, '::1', six.port), 'x');
	setUp.send(1, target(1, '127.0.0.1', four.port), 'x');
	await waitFor(() => setUp.answers.length === 2);
	t.deepEqual(setUp.answers.toSorted(), [
		`1 1 127.0.0.1:${four.port} four`,
		`1 4 [::1]:${six.port} six`,
	]);
	t.is(setUp.budget.of('ann').used, 2);
	const port = six.received[0]!.from.port;
	setUp.sockets.end(1);
	t.is(setUp.budget.of('ann').used, 0);
	// Both ports are free again.
	const again = await Promise.all([
		UdpPeer.open(port, '::1'),
		UdpPeer.open(four.received[0]!.from.port),
	]);
	await Promise.all([six.close(), four.close(), ...again.map((peer) => peer.close())]);
});

test.serial('empty datagrams and IPv4 inside IPv6 arrive', async (t) => {
	const peer = await UdpPeer.open();
	peer.answerWith('');
	const setUp = new ExitSetUp(t);
	setUp.send(1, target(0, '::ffff:127.0.0.1', peer.port), '');
	await waitFor(() => setUp.answers.length === 1);
	t.deepEqual(setUp.answers, [`1 1 127.0.0.1:${peer.port} `]);
	t.deepEqual(
		peer.received.map(({text}) => text),
		[''],
	);
	await peer.close();
});

test.serial('a denied source is not heard', async (t) => {
	const [good, evil] = [await UdpPeer.open(), await UdpPeer.open(0, '127.0.0.66')];
	const policy = new ExitPolicy({allow: rules('127.0.0.0/8'), deny: rules('127.0.0.66')});
	const setUp = new ExitSetUp(t, {policy});
	setUp.send(1, target(0, '127.0.0.1', good.port), 'x');
	await waitFor(() => good.received.length === 1);
	const {port} = good.received[0]!.from;
	evil.send('evil', port);
	await waitFor(() => setUp.sockets.drops['exit-source-denied'] === 1);
	good.send('good', port);
	await waitFor(() => setUp.answers.length > 0);
	t.deepEqual(setUp.answers, [`1 1 127.0.0.1:${good.port} good`]);
	await Promise.all([good.close(), evil.close()]);
});

test('a denied target opens no socket, is counted, logged, and told once a second', (t) => {
	const setUp = new ExitSetUp(t, {policy: new ExitPolicy()});
	const loopback = target(5, '127.0.0.1', 53);
	for (let i = 0; i < 3; i++) setUp.send(1, loopback, 'x');
	setUp.send(1, target(6, '::ffff:127.0.0.1', 53), 'x');
	setUp.send(1, target(7, '169.254.169.254', 80), 'x');
	setUp.send(1, target(8, '192.0.2.1', 0), 'x');
	setUp.now = 1000;
	setUp.send(1, loopback, 'x');
	t.deepEqual(
		setUp.refused,
		[5, 6, 7, 8, 5].map((reference) => `1 ${reference} ${DENIED}`),
	);
	t.is(setUp.sockets.drops['exit-denied'], 7);
	t.is(setUp.budget.of('ann').used, 0);
	t.is(setUp.reporter.lines[0], 'info: a target is denied');
	t.like(setUp.reporter.fields[0], {user: 'ann', target: '127.0.0.1:53'});
	t.regex(JSON.stringify(setUp.reporter.fields[0]), /loopback/);
});

test.serial('a verdict holds until rules or own addresses change', async (t) => {
	const peer = await UdpPeer.open();
	const deny = rules('late.test');
	const setUp = new ExitSetUp(t, {
		policy: new ExitPolicy({allow: rules('127.0.0.1'), deny}),
	});
	const to = target(0, '127.0.0.1', peer.port);
	setUp.send(1, to, 'a');
	deny.setAddresses('late.test', [ip('127.0.0.1')]);
	setUp.sockets.policyChanged();
	setUp.send(1, to, 'b');
	deny.setAddresses('late.test', []);
	setUp.sockets.policyChanged();
	setUp.send(1, to, 'c');
	await waitFor(() => peer.received.length === 2);
	t.deepEqual(
		peer.received.map(({text}) => text),
		['a', 'c'],
	);
	await peer.close();
});

test.serial('beyond the limit of descriptors targets are refused, until a flow ends', async (t) => {
	const peer = await UdpPeer.open();
	const setUp = new ExitSetUp(t, {budget: socketBudget(1)});
	const to = (reference: number) => target(reference, '127.0.0.1', peer.port);
	setUp.send(1, to(0), 'a');
	setUp.send(2, to(4), 'b');
	setUp.send(1, target(1, '::1', peer.port), 'c');
	t.deepEqual(setUp.refused, [`2 4 ${DESCRIPTORS}`, `1 1 ${DESCRIPTORS}`]);
	t.is(setUp.sockets.drops['exit-no-socket'], 2);
	setUp.send(1, to(0), 'd');
	setUp.sockets.end(1);
	setUp.send(2, to(4), 'e');
	await waitFor(() => peer.received.length === 3);
	t.deepEqual(peer.received.map(({text}) => text).toSorted(), ['a', 'd', 'e']);
	t.is(setUp.budget.of('ann').used, 1);
	await peer.close();
});

/** The real back end where IPv6 cannot be opened, or fails when it sends. */
class HalfBroken implements UdpBackEnd {
	readonly name = 'dgram';
	readonly bindsInterfaces = false;
	readonly #real = new DgramBackEnd();
	readonly handlers: {socket: UdpSocket; handlers: UdpHandlers}[] = [];
	readonly #refused: string;

	constructor(refused: string) {
		this.#refused = refused;
	}

	open(binding: {address: string; port: number}, handlers: UdpHandlers): UdpSocket {
		if (binding.address === this.#refused) throw new SocketError('EAFNOSUPPORT', 'no IPv6');
		const socket = this.#real.open(binding, handlers);
		this.handlers.push({socket, handlers});
		return socket;
	}
}

test.serial('without IPv6 its targets are refused, IPv4 goes on and names use it', async (t) => {
	const peer = await UdpPeer.open();
	const setUp = new ExitSetUp(t, {backEnd: new HalfBroken('::')});
	setUp.resolve = () => ({addresses: [ip('::1'), ip('127.0.0.1')], failure: undefined});
	setUp.send(1, target(0, '::1', peer.port), 'six');
	t.deepEqual(setUp.refused, [`1 0 ${SOCKET}`]);
	setUp.send(1, target(1, '127.0.0.1', peer.port), 'four');
	await waitFor(() => peer.received.length === 1);
	setUp.send(2, named(0, 'both.test', peer.port), 'name');
	await waitFor(() => peer.received.length === 2);
	t.deepEqual(
		peer.received.map(({text}) => text),
		['four', 'name'],
	);
	t.is(setUp.budget.of('ann').used, 2);
	await peer.close();
});

test.serial(
	'errors of one socket end nothing, and names leave a family without a route',
	async (t) => {
		const peer = await UdpPeer.open();
		const backEnd = new HalfBroken('');
		const setUp = new ExitSetUp(t, {
			backEnd,
			policy: new ExitPolicy({allow: rules('127.0.0.0/8', '::1', 'fd00::/8')}),
		});
		setUp.resolve = () => ({addresses: [ip('::1'), ip('127.0.0.1')], failure: undefined});
		const name = named(0, 'both.test', peer.port);
		setUp.send(1, name, 'lost');
		await waitFor(() => backEnd.handlers.length === 1);
		for (const code of ['ECONNREFUSED', 'EMSGSIZE', 'ENETUNREACH']) {
			const {socket, handlers} = backEnd.handlers[0]!;
			handlers.onError(socket, code, 1, undefined);
		}
		t.is(setUp.sockets.drops['exit-send-failed'], 3);
		setUp.send(1, name, 'four');
		await waitFor(() => peer.received.length === 1);
		t.is(peer.received[0]?.text, 'four');
		t.deepEqual(setUp.refused, []);
		await peer.close();
	},
);
