import {randomBytes} from 'node:crypto';
import test, {type ExecutionContext} from 'ava';
import {SocksClient} from 'socks';
import {type Account, Budget} from '../../../src/core/budget.ts';
import {TcpForward} from '../../../src/net/tcp/forward.ts';
import {RefusalCode, StreamCode} from '../../../src/wire/constants.ts';
import {toHex} from '../../crypto/fixtures.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {portOf} from '../../support/machine/options.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {GREETING, SocksWorld, StreamsOfTest, TcpPeer} from '../../support/sockets/socks-world.ts';
import type {MemoryStream} from '../../support/sockets/stream-pair.ts';

const OK = '0500';
const CONNECT = '05010001010203040050';
const BOUND = Uint8Array.of(1, 198, 51, 100, 1, 0x12, 0x34);
const SUCCESS = '05000001c63364011234';
const ZEROS = '0001000000000000';

/** Everything that a server's end of a stream has got, as text. */
function readAll(stream: MemoryStream): string {
	let text = '';
	for (let bytes = stream.read(); bytes !== undefined; bytes = stream.read()) {
		text += Buffer.from(bytes).toString();
		stream.consumed(bytes.length);
	}
	return text;
}

test('the npm client socks connects by name, and hears the address at the server', async (t) => {
	const world = await SocksWorld.open(t);
	const asked = SocksClient.createConnection({
		proxy: {host: '127.0.0.1', port: world.port, type: 5},
		command: 'connect',
		destination: {host: 'www.example', port: 443},
	});
	const stream = await world.tcp.next();
	t.is(toHex(stream.target), `030b${Buffer.from('www.example').toString('hex')}01bb`);
	stream.accept(BOUND);
	world.tcp.streamsChanged();
	const {socket, remoteHost} = await asked;
	t.teardown(() => socket.destroy());
	t.deepEqual(remoteHost, {host: '198.51.100.1', port: 0x1234});
	socket.write('hello');
	await waitFor(() => stream.peer.written === 5);
	t.is(readAll(stream), 'hello');
});

test('the reply waits for the server, and what came with the request does not', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}${Buffer.from('early').toString('hex')}`);
	const stream = await world.tcp.next();
	world.tcp.streamsChanged();
	t.is(readAll(stream), 'early');
	t.is(await tcp.receive(2), OK);
	tcp.socket.write('later');
	await waitFor(() => stream.peer.written === 10);
	t.is(readAll(stream), 'later');
	t.is(tcp.received, OK);
	stream.accept(BOUND);
	stream.write(Uint8Array.from(Buffer.from('answer')));
	world.tcp.streamsChanged();
	t.is(await tcp.receive(18), `${OK}${SUCCESS}${Buffer.from('answer').toString('hex')}`);
	t.is(world.server.connections, 0);
	t.is(world.tcp.streams.count, 1);
});

test('both directions end apart, and the connection is forgotten', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}`);
	const stream = await world.tcp.next();
	stream.accept(BOUND);
	world.tcp.streamsChanged();
	await tcp.receive(12);
	tcp.socket.end('question');
	await waitFor(() => readAll(stream) !== '' || stream.finished);
	await waitFor(() => stream.finished);
	t.false(tcp.ended);
	stream.write(Uint8Array.of(0x61));
	stream.end();
	world.tcp.streamsChanged();
	await tcp.end();
	t.is(tcp.received, `${OK}${SUCCESS}61`);
	await waitFor(() => world.tcp.streams.count === 0);
});

for (const [code, reply] of [
	[RefusalCode.REFUSED, 5],
	[RefusalCode.NET_UNREACHABLE, 3],
	[RefusalCode.HOST_UNREACHABLE, 4],
	[RefusalCode.UNRESOLVABLE, 4],
	[RefusalCode.TIMED_OUT, 4],
	[RefusalCode.DENIED, 2],
	[RefusalCode.NO_TARGET, 2],
	[RefusalCode.DESCRIPTORS, 1],
] as const) {
	test(`the refusal ${code} is a whole reply ${reply} and the end`, async (t) => {
		const world = await SocksWorld.open(t);
		const tcp = world.connect();
		tcp.send(`${GREETING}${CONNECT}61`);
		(await world.tcp.next()).reject(code);
		world.tcp.streamsChanged();
		await tcp.end();
		t.is(tcp.received, `${OK}050${reply}${ZEROS}`);
		t.deepEqual(world.tcp.refused, [code]);
		tcp.socket.end();
		await waitFor(() => world.tcp.streams.count === 0);
	});
}

test('a refused client that does not close is cut off after 10 seconds', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}`);
	(await world.tcp.next()).reject(RefusalCode.DENIED);
	world.tcp.streamsChanged();
	await tcp.end();
	world.pass(9999);
	t.is(world.tcp.streams.count, 1);
	world.pass(1);
	await waitFor(() => world.tcp.streams.count === 0);
	t.pass();
});

test('without a session CONNECT is refused after 5 seconds, not counting those with one', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}`);
	const stream = await world.tcp.next();
	await tcp.receive(2);
	world.pass(4000);
	world.tcp.hasSession = false;
	world.pass(4999);
	t.is(stream.peer.state, 'opening');
	world.pass(1);
	await tcp.end();
	t.is(tcp.received, `${OK}0501${ZEROS}`);
	t.is(stream.resetCode, StreamCode.TIMED_OUT);
	t.deepEqual(world.tcp.refused, [RefusalCode.NO_SESSION]);
});

test('a server that says nothing for 25 seconds is not waited for', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}`);
	const stream = await world.tcp.next();
	await tcp.receive(2);
	world.pass(24_999);
	t.false(tcp.ended);
	world.pass(1);
	await tcp.end();
	t.is(tcp.received, `${OK}0501${ZEROS}`);
	t.is(stream.resetCode, StreamCode.TIMED_OUT);
});

test('a session that is lost before the answer is a reply, not a reset', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}`);
	const stream = await world.tcp.next();
	stream.peer.resetBy(StreamCode.SESSION_LOST);
	world.tcp.streamsChanged();
	await tcp.end();
	t.is(tcp.received, `${OK}0501${ZEROS}`);
});

test('an application that resets its connection before the answer ends its stream', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}`);
	const stream = await world.tcp.next();
	await tcp.receive(2);
	tcp.socket.resetAndDestroy();
	await waitFor(() => stream.resetCode === StreamCode.CONNECTION_RESET);
	await waitFor(() => world.tcp.streams.count === 0);
	t.deepEqual(world.tcp.refused, []);
});

test('one stream too many is refused with a reply', async (t) => {
	const world = await SocksWorld.open(t);
	const all = Array.from({length: 4}, () => world.connect());
	for (const tcp of all) {
		tcp.send(`${GREETING}${CONNECT}`);
		await world.tcp.next();
	}
	const extra = world.connect();
	extra.send(`${GREETING}${CONNECT}`);
	await extra.end();
	t.is(extra.received, `${OK}0501${ZEROS}`);
	t.deepEqual(world.tcp.refused, [RefusalCode.LIMIT]);
	extra.socket.destroy();
	await waitFor(() => world.tcp.streams.count === 4);
});

async function optimistic(t: ExecutionContext) {
	const world = await SocksWorld.open(t, {}, {}, true);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}61`);
	const stream = await world.tcp.next();
	t.is(await tcp.receive(12), `${OK}0500${ZEROS}`);
	t.is(stream.peer.state, 'opening');
	return {world, tcp, stream};
}

test('an optimistic reply comes before the server has said a word', async (t) => {
	const {world, tcp, stream} = await optimistic(t);
	t.is(readAll(stream), 'a');
	stream.accept(BOUND);
	stream.write(Uint8Array.of(0x62));
	world.tcp.streamsChanged();
	t.is(await tcp.receive(13), `${OK}0500${ZEROS}62`);
});

test('a refusal after an optimistic reply is a reset', async (t) => {
	const {world, tcp, stream} = await optimistic(t);
	stream.reject(RefusalCode.REFUSED);
	world.tcp.streamsChanged();
	await waitFor(() => tcp.closed);
	t.false(tcp.ended);
	t.is(tcp.received, `${OK}0500${ZEROS}`);
	t.deepEqual(world.tcp.refused, [RefusalCode.REFUSED]);
	await waitFor(() => world.tcp.streams.count === 0);
});

test('closing resets the connections', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}${CONNECT}`);
	const stream = await world.tcp.next();
	stream.accept(BOUND);
	world.tcp.streamsChanged();
	await tcp.receive(12);
	world.tcp.streams.close();
	await world.server.close();
	await waitFor(() => tcp.closed);
	t.false(tcp.ended);
	t.is(stream.resetCode, StreamCode.STOPPED);
});

async function forward(t: ExecutionContext, tunnel = new StreamsOfTest(() => 0), share?: Account) {
	const target = Uint8Array.of(1, 192, 0, 2, 7, 0, 22);
	const place = {host: '127.0.0.1', port: 0, target};
	const one = new TcpForward(place, tunnel.streams, new FakeReporter(), share && [share]);
	await one.open();
	t.teardown(() => {
		tunnel.streams.close();
		return one.close();
	});
	const connect = () => {
		const peer = new TcpPeer(portOf(one.addresses[0]));
		t.teardown(() => peer.socket.destroy());
		return peer;
	};
	return {tunnel, target, one, connect};
}

test('a forward opens a stream to its target for every connection, and says nothing itself', async (t) => {
	const {tunnel, target, connect} = await forward(t);
	const peers = [connect(), connect()];
	for (const [index, peer] of peers.entries()) {
		peer.socket.write(`${index}`);
		const stream = await tunnel.next();
		t.deepEqual(stream.target, target);
		await waitFor(() => stream.peer.written === 1);
		stream.accept(BOUND);
		tunnel.streamsChanged();
		t.is(readAll(stream), `${index}`);
		const answer = randomBytes(10);
		stream.write(Uint8Array.from(answer));
		tunnel.streamsChanged();
		t.is(await peer.receive(10), answer.toString('hex'));
	}
});

test('connections of a forward leave CONNECT its share, and the other way round', async (t) => {
	const budget = new Budget(8, 2);
	const tunnel = new StreamsOfTest(() => 0, false, 0, budget.account());
	const {connect} = await forward(t, tunnel, budget.account());
	// What has no share is refused without a stream.
	const forwarded = Array.from({length: 12}, connect);
	await waitFor(() => tunnel.opened.length === 6);
	await waitFor(() => forwarded.filter(({closed}) => closed).length === 6, 'the refusals');
	const service = await forward(t, tunnel);
	const others = Array.from({length: 4}, service.connect);
	await waitFor(() => tunnel.opened.length === 8);
	await waitFor(() => others.filter(({closed}) => closed).length === 2, 'the refusals');
	for (const stream of tunnel.opened.slice(0, 6)) stream.reject(RefusalCode.REFUSED);
	tunnel.streamsChanged();
	await waitFor(() => budget.borrowed === 0);
	for (let i = 0; i < 4; i++) service.connect();
	await waitFor(() => tunnel.opened.length === 12);
	t.is(budget.borrowed, 4);
});

test('a target of a forward that cannot be reached is a reset', async (t) => {
	const {tunnel, connect} = await forward(t);
	const peer = connect();
	(await tunnel.next()).reject(RefusalCode.REFUSED);
	tunnel.streamsChanged();
	await waitFor(() => peer.closed);
	t.false(peer.ended);
	t.deepEqual(tunnel.refused, [RefusalCode.REFUSED]);
});

test('the port of a forward that is taken is said', async (t) => {
	const {tunnel, one, target} = await forward(t);
	const port = portOf(one.addresses[0]);
	const place = {host: '127.0.0.1', port, target};
	const other = new TcpForward(place, tunnel.streams, new FakeReporter());
	await t.throwsAsync(other.open(), {
		message: `cannot open TCP 127.0.0.1:${port} for a forward: the port is in use`,
	});
});
