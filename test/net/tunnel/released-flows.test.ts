import test from 'ava';
import {writeVarint} from '../../../src/bytes/varint.ts';
import {MptunnelServer} from '../../../src/core/server/server.ts';
import {ExitPolicy} from '../../../src/exit/policy.ts';
import {ExitRules} from '../../../src/net/exit/exit-rules.ts';
import {ServerTunnel} from '../../../src/net/tunnel/server-tunnel.ts';
import {flowSocketLimit, readSoftLimit} from '../../../src/net/udp/socket-budget.ts';
import {encodeFixedTarget} from '../../../src/wire/address.ts';
import {CloseCode} from '../../../src/wire/constants.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {environmentOf} from '../../core/session/core-fixtures.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {FakeUdp} from '../../support/fakes/fake-udp.ts';
import {rules} from '../../support/sockets/exit-set-up.ts';
import {connectRaw} from '../../support/world/raw-session.ts';
import {ServerBench} from '../../support/world/server-bench.ts';

const FLOWS = 3000;
const PSK = new Uint8Array(32).fill(1);
const HOST = [1, 127, 0, 0, 1, 0, 80];

/** A datagram of a flow whose client chooses its targets, or to the fixed target. */
function datagramTo(flow: number, target: readonly number[] = HOST): number[] {
	const id = new Uint8Array(4);
	const length = writeVarint(id, 0, flow);
	return [FrameType.DATAGRAM_TO, ...id.subarray(0, length), 0, ...target, 42];
}

test('every flow of a session that ends is said to be closed, however many there are', (t) => {
	const bench = new ServerBench('many flows');
	const session = bench.connect(0);
	for (let flow = 0; flow < FLOWS; flow++) bench.receive(session.packet(datagramTo(flow)));
	t.is(bench.delivered.length, FLOWS);
	bench.receive(session.packet([FrameType.CLOSE, CloseCode.STOPPING, 0]));
	const closed = new Set(bench.eventsOf('flow-closed').map(({flow}) => flow));
	t.deepEqual(closed, new Set(bench.delivered.map(({flow}) => flow)));
	t.is(bench.eventsOf('session-down').length, 1);
});

test('flows that nobody claims again are all closed in one sweep', (t) => {
	const bench = new ServerBench('many flows, one sweep');
	const session = bench.connect(0);
	for (let flow = 0; flow < FLOWS; flow++) {
		const target = [...encodeFixedTarget('a', `${flow}`)];
		bench.receive(session.packet(datagramTo(flow, target)));
	}
	bench.receive(session.packet([FrameType.CLOSE, CloseCode.STOPPING, 0]));
	t.is(bench.eventsOf('flow-closed').length, 0);
	bench.run(302_000);
	t.is(bench.eventsOf('flow-closed').length, FLOWS);
});

test('news that nobody takes are bounded, and a release behind them is not lost', (t) => {
	const bench = new ServerBench('news');
	const session = bench.connect(0);
	bench.receive(session.packet(datagramTo(0)));
	const {server} = bench;
	for (let i = 0; i < 5000; i++) server.failed(new Error(`news ${i}`), bench.now);
	const close = session.packet([FrameType.CLOSE, CloseCode.STOPPING, 0]);
	server.receive({key: '1', socket: 0, host: '192.0.2.1', port: 1}, close, 0, close.length, 0);
	bench.drain();
	t.is(bench.eventsOf('flow-closed').length, 1);
	t.is(bench.eventsOf('fault').length, 1024);
	t.is(server.status(bench.now).drops['event'], 5000 - 1024);
});

test.serial(
	'a client that stops leaves no target socket behind, whatever it had open',
	async (t) => {
		const flows = Math.min(FLOWS, flowSocketLimit(readSoftLimit()));
		const environment = environmentOf('released flows');
		const endpoint = new MptunnelServer(
			{
				users: [{name: 'ann', psk: PSK}],
				...{keyless: false, encrypt: true, fixedTarget: false, exit: true},
				...{flowIdle: 300_000, sessionIdle: 180_000},
				...{flowLimit: 16_384, flowRate: 4096, sessionLimit: 64},
			},
			environment,
		);
		const backEnd = new FakeUdp();
		const tunnel = new ServerTunnel({
			...{endpoint, users: ['ann'], backEnd, port: 4500, bind: ['127.0.0.1'], target: undefined},
			exit: {
				policy: new ExitPolicy({allow: rules('127.0.0.0/8')}),
				rules: new ExitRules({server: {allow: [], deny: []}, users: new Map(), barred: new Set()}),
				names: {resolve: () => Promise.reject(new Error('no name')), close: () => {}},
			},
			resolver: () => Promise.reject(new Error('no name')),
			reporter: new FakeReporter(),
			onEvent: () => {},
		});
		await tunnel.start();
		t.teardown(() => tunnel.abort());
		const path = backEnd.live[0]!;
		const open = () => backEnd.live.length - 1;
		const session = connectRaw({environment, psk: PSK}, 0, (init) => {
			path.receive(init);
			return path.last;
		});
		for (let flow = 0; flow < flows; flow++) path.receive(session.packet(datagramTo(flow)));
		t.is(open(), flows);
		path.receive(session.packet([FrameType.CLOSE, CloseCode.STOPPING, 0]));
		t.is(open(), 0);
	},
);
