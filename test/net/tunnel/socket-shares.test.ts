import {once} from 'node:events';
import {type AddressInfo, createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import type {EndpointEvent} from '../../../src/core/events.ts';
import {MptunnelServer} from '../../../src/core/server/server.ts';
import {ExitPolicy} from '../../../src/exit/policy.ts';
import {ExitRules} from '../../../src/net/exit/exit-rules.ts';
import {ServerTunnel} from '../../../src/net/tunnel/server-tunnel.ts';
import {encodeFixedTarget} from '../../../src/wire/address.ts';
import {CloseCode, RefusalCode} from '../../../src/wire/constants.ts';
import {encodeFrame} from '../../../src/wire/frames/codec.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {streamOpenFrame} from '../../../src/wire/frames/stream.ts';
import {environmentOf} from '../../core/session/core-fixtures.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {FakeUdp} from '../../support/fakes/fake-udp.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {rules} from '../../support/sockets/exit-set-up.ts';
import {connectRaw} from '../../support/world/raw-session.ts';

const USERS = ['ann', 'bob'];
/** Each user is guaranteed 8 of them, and 16 are lent. */
const SOCKETS = 32;

/** A TCP service that keeps what connects to it. */
async function openService(t: ExecutionContext) {
	const sockets: Socket[] = [];
	const service = createServer((socket) => {
		sockets.push(socket.on('error', () => {}));
	});
	service.listen(0, '127.0.0.1');
	await once(service, 'listening');
	t.teardown(() => {
		for (const socket of sockets) socket.destroy();
		service.close();
	});
	return {sockets, port: (service.address() as AddressInfo).port};
}

/** A server of two users, over a machine without a network for UDP and the loopback for TCP. */
async function setUp(t: ExecutionContext) {
	const environment = environmentOf(t.title);
	const psk = (user: number) => new Uint8Array(32).fill(user + 1);
	const endpoint = new MptunnelServer(
		{
			users: USERS.map((name, index) => ({name, psk: psk(index)})),
			...{keyless: false, encrypt: true, fixedTarget: true, exit: true},
			...{flowIdle: 300_000, sessionIdle: 180_000},
			...{flowLimit: 16_384, flowRate: 4096, sessionLimit: 64},
		},
		environment,
	);
	const backEnd = new FakeUdp();
	const reporter = new FakeReporter();
	const events: EndpointEvent[] = [];
	const tunnel = new ServerTunnel({
		...{endpoint, backEnd, reporter, users: USERS, sockets: SOCKETS},
		...{port: 4500, bind: ['127.0.0.1'], target: {host: '192.0.2.9', port: 9}},
		exit: {
			policy: new ExitPolicy({allow: rules('127.0.0.0/8')}),
			rules: new ExitRules({server: {allow: [], deny: []}, users: new Map(), barred: new Set()}),
			names: {resolve: () => Promise.reject(new Error('no name')), close: () => {}},
		},
		resolver: async (host) => [host],
		onEvent: (event) => events.push(event),
	});
	await tunnel.start();
	t.teardown(() => tunnel.abort());
	const path = backEnd.live[0]!;
	const {sockets, port} = await openService(t);
	const target = Uint8Array.of(1, 127, 0, 0, 1, port >> 8, port & 255);
	const connect = (user: number) => {
		const remote = ['192.0.2.2', user + 1] as const;
		const clientId = new Uint8Array(16).fill(user + 1);
		const session = connectRaw({environment, psk: psk(user), clientId}, 0, (init) => {
			path.receive(init, ...remote);
			return path.last;
		});
		const send = (frames: readonly number[]) => path.receive(session.packet(frames), ...remote);
		let flows = 0;
		let streams = 0;
		return {
			// Half of them to the fixed target, half to one that the client chooses.
			udp(count: number): void {
				for (let i = 0; i < count; i++) {
					const flow = flows++;
					const to = flow % 2 === 0 ? [...target] : [...encodeFixedTarget('a', `${flow}`)];
					send([FrameType.DATAGRAM_TO, flow, 0, ...to, 42]);
				}
			},
			tcp(count: number): void {
				for (let i = 0; i < count; i++) {
					const frame = {id: streams++, window: 1000, address: target};
					send([...encodeFrame(streamOpenFrame, frame)]);
				}
			},
			stop: () => send([FrameType.CLOSE, CloseCode.STOPPING, 0]),
		};
	};
	const refused = () =>
		new Set(
			events.flatMap((event) => {
				if (event.type !== 'refused') return [];
				t.is(event.code, RefusalCode.DESCRIPTORS);
				return [`${event.user} ${event.kind}`];
			}),
		);
	const warned = () =>
		new Set(
			reporter.lines.flatMap((line, index) =>
				line === 'warn: too many flows for the open files allowed'
					? [reporter.fields[index]!['user']]
					: [],
			),
		);
	return {
		connect,
		refused,
		warned,
		sockets,
		/** Sockets of flows. */
		udp: () => backEnd.live.length - 1,
	};
}

for (const first of ['udp', 'tcp'] as const) {
	const second = first === 'udp' ? 'tcp' : 'udp';
	test.serial(
		`a user who takes every descriptor leaves another its share, ${first} first`,
		async (t) => {
			const world = await setUp(t);
			const ann = world.connect(0);
			ann[first](20);
			ann[second](20);
			const [udp, tcp] = first === 'udp' ? [20, 4] : [4, 20];
			await waitFor(() => world.sockets.length === tcp && world.udp() === udp, 'what ann gets');
			t.deepEqual(world.refused(), new Set([second === 'tcp' ? 'ann stream' : 'ann flow']));
			t.deepEqual(world.warned(), new Set(['ann']));
			const bob = world.connect(1);
			bob[second](4);
			bob[first](4);
			await waitFor(
				() => world.sockets.length === tcp + 4 && world.udp() === udp + 4,
				"bob's share",
			);
			t.deepEqual(world.warned(), new Set(['ann']));
			bob[first](1);
			t.deepEqual(world.warned(), new Set(['ann', 'bob']));
			ann.stop();
			await waitFor(() => {
				bob[first](1);
				return world.sockets.length + world.udp() > udp + tcp + 8;
			}, 'what ann has given back');
		},
	);
}
