import {networkInterfaces} from 'node:os';
import test from 'ava';
import {waitFor} from '../../support/machine/wait-for.ts';
import {
	ASSOCIATE,
	GREETING,
	SocksWorld,
	TO_IPV4,
	UdpBytes,
} from '../../support/sockets/socks-world.ts';

const LOOPBACK = '017f00000';

test('the reply names the address that the client reached, and the relay listens there', async (t) => {
	const world = await SocksWorld.open(t, {listen: {host: '0.0.0.0', port: 0}});
	const {relay, bound} = await world.associate('127.0.0.3');
	t.is(bound, `${LOOPBACK}3`);
	const udp = await UdpBytes.open(t);
	udp.send(`${TO_IPV4}61`, relay, '127.0.0.3');
	await waitFor(() => world.sent.length === 1);
	t.is(world.sent[0]?.target, '01010203040035');
});

test('an address in IPv6 clothes is answered as IPv4', async (t) => {
	const world = await SocksWorld.open(t, {listen: {host: '::', port: 0}});
	const {relay, bound} = await world.associate('127.0.0.1');
	t.is(bound, `${LOOPBACK}1`);
	const udp = await UdpBytes.open(t);
	udp.send(`${TO_IPV4}61`, relay);
	await waitFor(() => world.sent.length === 1);
	t.is(world.sent[0]?.application.host, '127.0.0.1');
});

test('the advertised address stands in the reply instead', async (t) => {
	const world = await SocksWorld.open(t, {advertise: '192.0.2.1'});
	t.is((await world.associate()).bound, '01c0000201');
});

test('datagrams go in and answers come out with their real source, of every size', async (t) => {
	const world = await SocksWorld.open(t);
	const {relay} = await world.associate();
	const udp = await UdpBytes.open(t);
	for (const length of [0, 1, 1500, 60_000]) {
		const payload = '5a'.repeat(length);
		udp.send(TO_IPV4 + payload, relay);
		const sent = await world.nextSent();
		t.is(sent.payload, payload);
		const count = udp.received.length;
		world.answer(sent.application, [1, 2, 3, 4], 53, payload);
		await waitFor(() => udp.received.length === count + 1);
		t.is(udp.received[count], TO_IPV4 + payload);
	}
	const {application} = world.sent[0]!;
	world.answer(application, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 53, '61');
	await waitFor(() => udp.received.length === 5);
	t.is(udp.received[4], '0000000420010db8000000000000000000000001003561');
	world.answer(application, [1, 2, 3, 4], 53, '00'.repeat(65_500));
	t.is(world.server.drops['socks-too-long'], 1);
});

test('a literal sent as a name and IPv4 inside IPv6 reach the tunnel as addresses', async (t) => {
	const world = await SocksWorld.open(t);
	const {relay} = await world.associate();
	const udp = await UdpBytes.open(t);
	const name = Buffer.from('::1').toString('hex');
	for (const [address, target] of [
		['0307312e322e332e340035', '01010203040035'],
		[`0303${name}0035`, '04000000000000000000000000000000010035'],
		['0400000000000000000000ffff010203040035', '01010203040035'],
	] as const) {
		udp.send(`000000${address}61`, relay);
		t.is((await world.nextSent()).target, target);
	}
});

test('nobody but the peer of the TCP connection can use its relay', async (t) => {
	const world = await SocksWorld.open(t);
	const {relay} = await world.associate();
	const stranger = await UdpBytes.open(t, '127.0.0.2');
	const udp = await UdpBytes.open(t);
	// Nor is it looked up who the sender is: the address alone decides.
	world.users.tcp = 1000;
	world.users.udp.set(stranger.port, 1001);
	stranger.send(`${TO_IPV4}62`, relay);
	await waitFor(() => world.server.drops['socks-wrong-source'] === 1);
	udp.send(`${TO_IPV4}61`, relay);
	t.is((await world.nextSent()).payload, '61');
	t.is(world.sent.length, 1);
});

test('on loopback the first source port is the only one, unless all are allowed', async (t) => {
	for (const udpAnyPort of [false, true]) {
		const world = await SocksWorld.open(t, {udpAnyPort});
		const {relay} = await world.associate();
		const [first, second] = [await UdpBytes.open(t), await UdpBytes.open(t)];
		first.send(`${TO_IPV4}61`, relay);
		const {application} = await world.nextSent();
		second.send(`${TO_IPV4}62`, relay);
		if (!udpAnyPort) {
			await waitFor(() => world.server.drops['socks-wrong-port'] === 1);
			t.is(world.sent.length, 1);
			continue;
		}
		const other = await world.nextSent();
		t.not(other.application.key, application.key);
		world.answer(other.application, [1, 2, 3, 4], 53, '63');
		await waitFor(() => second.received.length === 1);
		t.is(first.received.length, 0);
	}
});

const OUTSIDE = Object.values(networkInterfaces())
	.flatMap((addresses) => addresses ?? [])
	.find(({internal, family}) => !internal && family === 'IPv4')?.address;

(OUTSIDE === undefined ? test.skip : test)(
	'beyond loopback an application may use several ports, and an address has its limit',
	async (t) => {
		const listen = {host: '0.0.0.0', port: 0};
		const world = await SocksWorld.open(t, {listen}, {perAddress: 1});
		const {relay} = await world.associate(OUTSIDE);
		const [first, second] = [await UdpBytes.open(t, OUTSIDE), await UdpBytes.open(t, OUTSIDE)];
		first.send(`${TO_IPV4}61`, relay, OUTSIDE);
		t.is((await world.nextSent()).application.port, first.port);
		second.send(`${TO_IPV4}62`, relay, OUTSIDE);
		t.is((await world.nextSent()).application.port, second.port);
		const other = world.connect(OUTSIDE);
		other.send(GREETING + ASSOCIATE);
		t.is(await other.receive(12), '050005010001000000000000');
		await world.associate();
		await world.associate();
		t.is(world.server.associations, 3);
		world.connect(OUTSIDE);
		await waitFor(() => world.server.connections === 5);
		await world.connect(OUTSIDE).end();
		t.true(world.reporter.lines.includes('warn: SOCKS5: too many connections'));
	},
);

test('what is malformed is dropped and counted, never answered', async (t) => {
	const world = await SocksWorld.open(t);
	const {relay} = await world.associate();
	const udp = await UdpBytes.open(t);
	for (const hex of [
		'',
		'00',
		'0000000901020304003561',
		'000000030200610035',
		'00000001010203040000',
	]) {
		udp.send(hex, relay);
	}
	udp.send(`${TO_IPV4}61`, relay);
	await waitFor(() => world.sent.length === 1);
	t.like(world.server.drops, {
		'socks-malformed-header': 3,
		'socks-bad-name': 1,
		'socks-port-zero': 1,
	});
	t.deepEqual(udp.received, []);
});

test('fragments go into the tunnel as one datagram', async (t) => {
	const world = await SocksWorld.open(t);
	const {relay} = await world.associate();
	const udp = await UdpBytes.open(t);
	udp.send('0000010101020304003561', relay);
	udp.send('0000820101020304003562', relay);
	t.like(await world.nextSent(), {payload: '6162', target: '01010203040035'});
});

test('with the filter only hosts that were sent to may answer, by name too', async (t) => {
	const world = await SocksWorld.open(t, {filter: 'address'});
	const {relay} = await world.associate();
	const udp = await UdpBytes.open(t);
	udp.send(`${TO_IPV4}61`, relay);
	const {application} = await world.nextSent();
	world.answer(application, [6, 6, 6, 6], 53, '62');
	t.is(world.server.drops['socks-filtered'], 1);
	world.answer(application, [1, 2, 3, 4], 9999, '63');
	await waitFor(() => udp.received.length === 1);
	udp.send(`000000030361626300353135`, relay);
	await world.nextSent();
	world.answer(application, [7, 7, 7, 7], 53, '64');
	await waitFor(() => udp.received.length === 2);
	world.answer(application, [8, 8, 8, 8], 53, '65');
	world.answer(application, [7, 7, 7, 7], 54, '66');
	await waitFor(() => udp.received.length === 3);
	t.deepEqual(
		udp.received.map((hex) => hex.slice(-2)),
		['63', '64', '66'],
	);
});

async function freePort(t: Parameters<typeof UdpBytes.open>[0]): Promise<number> {
	const probe = await UdpBytes.open({...t, teardown: () => {}});
	const {port} = probe;
	await new Promise<void>((resolve) => probe.socket.close(() => resolve()));
	return port;
}

test('one fixed UDP port serves several associations, each with its own flow and end', async (t) => {
	const udpPort = await freePort(t);
	const world = await SocksWorld.open(t, {udpPort});
	const one = await world.associate();
	const two = await world.associate();
	t.deepEqual([one.relay, two.relay], [udpPort, udpPort]);
	const [first, second] = [await UdpBytes.open(t), await UdpBytes.open(t)];
	first.send(`${TO_IPV4}61`, udpPort);
	const a = await world.nextSent();
	second.send(`${TO_IPV4}62`, udpPort);
	const b = await world.nextSent();
	world.answer(b.application, [1, 2, 3, 4], 53, '63');
	await waitFor(() => second.received.length === 1);
	t.is(first.received.length, 0);
	one.tcp.socket.end();
	await waitFor(() => world.ended.length === 1);
	t.is(world.ended[0]?.key, a.application.key);
	second.send(`${TO_IPV4}64`, udpPort);
	t.is((await world.nextSent()).application.key, b.application.key);
	const stranger = await UdpBytes.open(t, '127.0.0.2');
	stranger.send(`${TO_IPV4}65`, udpPort);
	await waitFor(() => world.server.drops['socks-wrong-source'] === 1);
	two.tcp.socket.end();
	await waitFor(() => world.server.associations === 0);
	t.is((await world.associate()).relay, udpPort);
});

test('an application that changes its port keeps its association where the user is known', async (t) => {
	const world = await SocksWorld.open(t);
	world.users.tcp = 1000;
	const {tcp, relay} = await world.associate();
	const [first, second, other] = await Promise.all([1, 2, 3].map(() => UdpBytes.open(t)));
	for (const {port} of [first!, second!]) world.users.udp.set(port, 1000);
	world.users.udp.set(other!.port, 1001);
	first!.send(`${TO_IPV4}61`, relay);
	const a = await world.nextSent();
	second!.send(`${TO_IPV4}62`, relay);
	const b = await world.nextSent();
	world.answer(a.application, [1, 2, 3, 4], 53, '63');
	world.answer(b.application, [1, 2, 3, 4], 53, '64');
	await waitFor(() => first!.received.length === 1 && second!.received.length === 1);
	other!.send(`${TO_IPV4}65`, relay);
	await waitFor(() => world.server.drops['socks-wrong-user'] === 1);
	t.is(world.sent.length, 2);
	t.regex(world.reporter.lines.join(), /datagrams of another user of this machine.* are dropped/);
	// The port that was given up makes room, that in use stays.
	world.pass(200_000);
	world.answer(b.application, [1, 2, 3, 4], 53, '66');
	world.pass(150_000);
	t.deepEqual(
		world.ended.map(({port}) => port),
		[first!.port],
	);
	tcp.socket.end();
	await waitFor(() => world.ended.length === 2);
});

test('the first datagram of another user takes no association', async (t) => {
	const world = await SocksWorld.open(t);
	world.users.tcp = 1000;
	const {relay} = await world.associate();
	const [thief, owner] = await Promise.all([1, 2].map(() => UdpBytes.open(t)));
	world.users.udp.set(thief!.port, 1001).set(owner!.port, 1000);
	thief!.send(`${TO_IPV4}61`, relay);
	await waitFor(() => world.server.drops['socks-wrong-user'] === 1);
	owner!.send(`${TO_IPV4}62`, relay);
	t.is((await world.nextSent()).payload, '62');
});

test('where nobody knows the users a further port is dropped, with a line that names the option', async (t) => {
	const world = await SocksWorld.open(t);
	const {relay} = await world.associate();
	const [first, second] = await Promise.all([1, 2].map(() => UdpBytes.open(t)));
	first!.send(`${TO_IPV4}61`, relay);
	await world.nextSent();
	second!.send(`${TO_IPV4}62`, relay);
	await waitFor(() => world.server.drops['socks-wrong-port'] === 1);
	t.regex(world.reporter.lines.join(), /another port than the first.*--socks-udp-any-port/);
	t.deepEqual(world.reporter.fields.at(-1), {from: `127.0.0.1:${second!.port}`});
});

test('of several associations on one port a datagram goes to one of its own user', async (t) => {
	const world = await SocksWorld.open(t, {udpPort: await freePort(t)});
	world.users.tcp = 1000;
	const one = await world.associate();
	const [first, second] = await Promise.all([1, 2].map(() => UdpBytes.open(t)));
	world.users.udp.set(first!.port, 1000).set(second!.port, 1001);
	first!.send(`${TO_IPV4}61`, one.relay);
	await world.nextSent();
	world.users.tcp = 1001;
	await world.associate();
	second!.send(`${TO_IPV4}62`, one.relay);
	t.is((await world.nextSent()).payload, '62');
	t.is(world.server.drops['socks-wrong-user'], undefined);
});
