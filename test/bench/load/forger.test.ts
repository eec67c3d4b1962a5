import test from 'ava';
import {PacketType} from '../../../src/wire/constants.ts';
import {
	encodeHeader,
	headerEpoch,
	headerPacketNumber,
	headerSessionId,
	packetType,
} from '../../../src/wire/header.ts';
import {DgramSockets} from './dgram-sockets.ts';
import {Forger} from './forger.ts';

const HERE = '127.0.0.1';
const FLOOD = {rate: 1000, millis: 200, fromPath: true};

test.serial('what it relays arrives, and what it forges is of the same session', async (t) => {
	const sockets = new DgramSockets();
	const taken: Uint8Array[] = [];
	const server = await sockets.open(
		{address: HERE},
		{
			onDatagram: (bytes, start, end, from) => {
				taken.push(bytes.slice(start, end));
				if (taken.length === 1) server.send(bytes, start, end, from);
			},
			onEnd: () => server.flush(),
		},
	);
	const forger = new Forger(sockets);
	const port = await forger.relay(server.port);
	let back = 0;
	const client = await sockets.open(
		{address: HERE, to: {host: HERE, port}},
		{
			onDatagram: () => {
				back++;
			},
			onEnd: () => {},
		},
	);
	t.teardown(() => {
		for (const socket of [server, forger, client]) socket.close();
	});
	await t.throwsAsync(forger.flood(FLOOD), {message: 'nothing was relayed yet'});
	await t.throwsAsync(forger.flood({...FLOOD, inits: true}), {message: 'no INIT was relayed yet'});
	const packet = new Uint8Array(100);
	encodeHeader(packet, 0, 3, 0xdecade, 2 ** 40);
	client.send(packet, 0, packet.length);
	client.flush();
	for (let i = 0; i < 500 && back === 0; i++) await forger.serve(10_000);
	t.is(back, 1);
	t.deepEqual(taken, [packet]);
	for (const fromPath of [true, false]) {
		const before = taken.length;
		const {sent} = await forger.flood({...FLOOD, fromPath});
		for (let i = 0; i < 500 && taken.length < before + sent; i++) await forger.serve(10_000);
		t.true(sent > 1);
		t.is(taken.length, before + sent);
	}
	const forged = taken.slice(1);
	t.true(forged.every((each) => packetType(each, 0) === PacketType.DATA));
	t.true(
		forged.every((each) => headerEpoch(each, 0) === 3 && headerSessionId(each, 0) === 0xdecade),
	);
	t.deepEqual(
		forged.map((each) => headerPacketNumber(each, 0)),
		forged.map((_, i) => 2 ** 40 + 1 + i),
	);
});

test.serial(
	'INITs that it forges begin as that of the client, and come from many addresses',
	async (t) => {
		const sockets = new DgramSockets();
		const taken: string[] = [];
		const ports = new Set<unknown>();
		const server = await sockets.open(
			{address: HERE},
			{
				onDatagram: (bytes, start, end, from) => {
					taken.push(Buffer.from(bytes.slice(start, end)).toString('hex'));
					ports.add(JSON.stringify(from));
				},
				onEnd: () => {},
			},
		);
		const forger = new Forger(sockets);
		const port = await forger.relay(server.port);
		const silent = {onDatagram: () => {}, onEnd: () => {}};
		const client = await sockets.open({address: HERE, to: {host: HERE, port}}, silent);
		t.teardown(() => {
			for (const socket of [server, forger, client]) socket.close();
		});
		const init = Uint8Array.from({length: 256}, (_, i) => 0x10 + i);
		client.send(init, 0, init.length);
		client.flush();
		for (let i = 0; i < 500 && taken.length === 0; i++) await forger.serve(10_000);
		const {sent} = await forger.flood({...FLOOD, inits: true});
		for (let i = 0; i < 500 && taken.length < 1 + sent; i++) await forger.serve(10_000);
		t.is(taken.length, 1 + sent);
		t.true(sent > 1);
		t.true(taken.every((hex) => hex.length === 512 && hex.startsWith('101112131415161718')));
		t.true(ports.size > Math.min(32, sent / 4));
	},
);
