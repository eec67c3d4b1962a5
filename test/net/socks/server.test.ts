import {Buffer} from 'node:buffer';
import test, {type ExecutionContext} from 'ava';
import {SocksClient} from 'socks';
import {waitFor} from '../../support/machine/wait-for.ts';
import {
	ASSOCIATE,
	GREETING,
	SocksWorld,
	TO_IPV4,
	UdpBytes,
} from '../../support/sockets/socks-world.ts';

const OK = '0500';
const LOGIN = `0105${Buffer.from('alice').toString('hex')}06${Buffer.from('secret').toString('hex')}`;
const USERS = [
	{name: 'bob', password: 'x'},
	{name: 'alice', password: 'secret'},
];

async function established(t: ExecutionContext, world: SocksWorld, login = {}) {
	const client = new SocksClient({
		proxy: {host: '127.0.0.1', port: world.port, type: 5, ...login},
		command: 'associate',
		destination: {host: '0.0.0.0', port: 0},
	});
	const info = new Promise<{remoteHost?: {host: string; port: number}}>((resolve, reject) => {
		client.on('established', resolve);
		client.on('error', reject);
	});
	client.connect();
	const {remoteHost} = await info;
	t.truthy(remoteHost);
	return remoteHost!;
}

for (const [name, users, login] of [
	['without a login', [], {}],
	['with a login', USERS, {userId: 'alice', password: 'secret'}],
] as const) {
	test(`the npm client socks exchanges datagrams ${name}`, async (t) => {
		const world = await SocksWorld.open(t, {users});
		const {host, port} = await established(t, world, login);
		t.is(host, '127.0.0.1');
		const udp = await UdpBytes.open(t);
		const remoteHost = {host: 'dns.example', port: 53};
		const frame = SocksClient.createUDPFrame({remoteHost, data: Buffer.from('question')});
		udp.send(frame.toString('hex'), port);
		await waitFor(() => world.sent.length === 1);
		const {application, user, target, payload} = world.sent[0]!;
		t.is(user, 'userId' in login ? login.userId : '');
		t.is(application.port, udp.port);
		t.is(target, `030b${Buffer.from('dns.example').toString('hex')}0035`);
		t.is(Buffer.from(payload, 'hex').toString(), 'question');
		world.answer(application, [9, 8, 7, 6], 53, '616e73776572');
		await waitFor(() => udp.received.length === 1);
		const answer = SocksClient.parseUDPFrame(Buffer.from(udp.received[0]!, 'hex'));
		t.deepEqual(answer.remoteHost, {host: '9.8.7.6', port: 53});
		t.is(answer.data.toString(), 'answer');
		t.is(answer.frameNumber ?? 0, 0);
	});
}

test('a login that is missing and one that nobody needs are told apart in the log', async (t) => {
	for (const [users, hello, line] of [
		[USERS, '050100', 'the client offers no login, which is required'],
		[[], '050102', 'the client offers only a login, and no users are configured'],
	] as const) {
		const world = await SocksWorld.open(t, {users});
		world.connect().send(hello);
		const said = () => world.reporter.lines.includes(`warn: SOCKS5: ${line}`);
		await waitFor(said, `${line} in ${world.reporter.lines.join()}`);
		t.pass();
	}
});

test('a handshake that comes byte by byte is answered as one that comes at once', async (t) => {
	const world = await SocksWorld.open(t, {users: USERS});
	const tcp = world.connect();
	const bytes = `050102${LOGIN}${ASSOCIATE}`;
	for (let at = 0; at < bytes.length; at += 2) tcp.send(bytes.slice(at, at + 2));
	const slow = await tcp.receive(14);
	const other = world.connect();
	other.send(bytes);
	const fast = await other.receive(14);
	t.is(slow.slice(0, -4), '050201000500000' + '17f000001');
	t.is(fast.slice(0, -4), slow.slice(0, -4));
	t.is(world.server.associations, 2);
});

test('BIND is refused with a whole reply', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(`${GREETING}05020001010203040050`);
	await tcp.end();
	t.is(tcp.received, `${OK}05070001000000000000`);
	t.is(world.server.associations, 0);
	t.true(world.reporter.lines.includes('warn: SOCKS5: BIND is not supported'));
});

test('a wrong password and a missing login are refused and the connection ends', async (t) => {
	const world = await SocksWorld.open(t, {users: USERS});
	const wrong = world.connect();
	wrong.send(`0501020105${Buffer.from('alice').toString('hex')}0178`);
	await wrong.end();
	t.is(wrong.received, '05020101');
	const none = world.connect();
	none.send(GREETING);
	await none.end();
	t.is(none.received, '05ff');
	t.true(world.reporter.lines.includes('warn: SOCKS5: wrong user or password'));
	t.false(world.reporter.fields.some((fields) => JSON.stringify(fields).includes('alice')));
});

test('the answer to a login can begin with 5', async (t) => {
	const world = await SocksWorld.open(t, {users: USERS, authReply: 5});
	const tcp = world.connect();
	tcp.send(`050102${LOGIN}`);
	t.is(await tcp.receive(4), '05020500');
});

test('SOCKS4, HTTP and garbage end without an answer', async (t) => {
	const world = await SocksWorld.open(t);
	for (const bytes of [
		'04010050010203040000',
		Buffer.from('GET / HTTP/1.1\r\n').toString('hex'),
		'ff',
	]) {
		const tcp = world.connect();
		tcp.send(bytes);
		await tcp.end();
		t.is(tcp.received, '');
	}
});

test('a client that closes, half or with a reset, in the middle of its handshake is forgotten', async (t) => {
	const world = await SocksWorld.open(t);
	const half = world.connect();
	half.send('0501');
	half.socket.end();
	const reset = world.connect();
	reset.send(GREETING);
	await reset.receive(2);
	reset.socket.resetAndDestroy();
	await half.end();
	await waitFor(() => world.server.connections === 0);
	t.is((await world.associate()).bound, '017f000001');
});

test('a handshake that takes 10 seconds is given up', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send(GREETING);
	await tcp.receive(2);
	world.pass(9999);
	t.false(tcp.ended);
	world.pass(1);
	await tcp.end();
	t.is(tcp.received, OK);
});

test('a refused client that does not close is cut off after 10 seconds', async (t) => {
	const world = await SocksWorld.open(t);
	const tcp = world.connect();
	tcp.send('ff');
	await tcp.end();
	t.is(world.server.connections, 1);
	world.pass(10_000);
	await waitFor(() => world.server.connections === 0);
	t.pass();
});

test('an association ends with its TCP connection: its flows and its port are gone', async (t) => {
	// An address of its own: on a common one another test might be given the port that comes free.
	const host = '127.0.0.31';
	const world = await SocksWorld.open(t, {listen: {host, port: 0}});
	const {tcp, relay} = await world.associate(host);
	const udp = await UdpBytes.open(t);
	udp.send(`${TO_IPV4}61`, relay, host);
	await waitFor(() => world.sent.length === 1);
	tcp.socket.end();
	await waitFor(() => world.ended.length === 1);
	t.is(world.ended[0]?.key, world.sent[0]?.application.key);
	await waitFor(() => world.server.connections === 0);
	t.is(world.server.associations, 0);
	world.answer(world.sent[0]!.application, [1, 2, 3, 4], 53, '62');
	t.is(world.server.drops['socks-closed'], 1);
	const again = await UdpBytes.open(t, host, relay);
	t.is(again.port, relay);
});

test('after 300 seconds without a datagram the association and its connection end', async (t) => {
	const world = await SocksWorld.open(t);
	const {tcp, relay} = await world.associate();
	const udp = await UdpBytes.open(t);
	world.pass(299_000);
	udp.send(`${TO_IPV4}61`, relay);
	await waitFor(() => world.sent.length === 1);
	world.pass(299_000);
	t.is(world.server.associations, 1);
	world.pass(1000);
	await tcp.end();
	t.is(world.server.associations, 0);
	t.is(world.ended.length, 1);
});

test('what comes on the TCP connection of an association is read and forgotten, slowly', async (t) => {
	const world = await SocksWorld.open(t);
	const {tcp, relay} = await world.associate();
	let written = false;
	tcp.socket.write(new Uint8Array(8_000_000), () => (written = true));
	await waitFor(() => {
		world.pass(1);
		return written;
	});
	const udp = await UdpBytes.open(t);
	udp.send(`${TO_IPV4}61`, relay);
	await waitFor(() => world.sent.length === 1);
	t.false(tcp.ended);
	tcp.socket.end();
	await waitFor(() => {
		world.pass(1);
		return world.server.associations === 0;
	});
});

test('too many associations are refused with a reply, too many connections without', async (t) => {
	const world = await SocksWorld.open(t, {}, {associations: 2, connections: 3});
	await world.associate();
	await world.associate();
	const third = world.connect();
	third.send(GREETING + ASSOCIATE);
	t.is(await third.receive(12), `${OK}05010001000000000000`);
	await third.end();
	third.socket.destroy();
	await waitFor(() => world.server.connections === 2);
	const waiting = [world.connect(), world.connect(), world.connect()];
	await waitFor(() => world.server.connections === 5);
	const extra = world.connect();
	await extra.end();
	t.true(waiting.every(({ended}) => !ended));
	t.true(world.reporter.lines.includes('warn: SOCKS5: too many associations'));
	t.true(world.reporter.lines.includes('warn: SOCKS5: too many connections'));
});

test('connections that ask for nothing leave descriptors for associations and for CONNECT', async (t) => {
	const world = await SocksWorld.open(t, {}, {}, false, 24);
	// 12 are for whoever comes first, and 4 are kept for each kind.
	const idle = Array.from({length: 30}, () => world.connect());
	await waitFor(() => world.reporter.lines.includes('warn: SOCKS5: too many connections'));
	await waitFor(() => idle.filter(({ended}) => ended).length === 14);
	t.is(world.server.connections, 16);
	// Some of them ask after all.
	const [associated, connected] = idle.filter(({ended}) => !ended);
	associated!.send(GREETING + ASSOCIATE);
	t.regex(await associated!.receive(12), /^050005000001/);
	connected!.send(`${GREETING}05010001c6336401${'0050'}`);
	const stream = await world.tcp.next();
	stream.accept(Uint8Array.of(1, 192, 0, 2, 1, 4, 210));
	world.tcp.streamsChanged();
	t.regex(await connected!.receive(12), /^05000500/);
	t.is(world.server.connections, 15);
});

test('a port that is taken is said, and nothing stays open', async (t) => {
	const world = await SocksWorld.open(t);
	const {port} = world;
	const listen = {host: '127.0.0.1', port};
	await t.throwsAsync(SocksWorld.open(t, {listen}), {
		message: `cannot open TCP 127.0.0.1:${port} for SOCKS5: the port is in use`,
	});
	const udp = await UdpBytes.open(t);
	await t.throwsAsync(SocksWorld.open(t, {udpPort: udp.port}), {
		message: `cannot open UDP 127.0.0.1:${udp.port}: the port is in use`,
	});
});

test('closing ends everything, twice too', async (t) => {
	const world = await SocksWorld.open(t);
	const {tcp} = await world.associate();
	await world.server.close();
	await tcp.end();
	t.is(world.server.associations, 0);
	await world.server.close();
});
