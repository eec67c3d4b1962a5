import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {
	type DatagramBatch,
	SocketError,
	type UdpBackEnd,
	type UdpHandlers,
} from '../../../src/net/udp/udp.ts';
import {needing} from '../../support/e2e/needs.ts';
import {Child} from '../../support/e2e/process.ts';
import {allBackEnds, batchIsMissing} from '../../support/machine/back-ends.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

class Recorder implements UdpHandlers {
	readonly received: {text: string; source: RemoteAddress | undefined}[] = [];
	readonly errors: {code: string; size: number; to: RemoteAddress | undefined}[] = [];

	onBatch(_socket: unknown, batch: DatagramBatch): void {
		for (let i = 0; i < batch.count; i++) {
			const start = batch.offsets[i]!;
			const bytes = batch.arena.subarray(start, start + batch.lengths[i]!);
			this.received.push({text: Buffer.from(bytes).toString(), source: batch.sources[i]});
		}
	}

	onError(_socket: unknown, code: string, size: number, to: RemoteAddress | undefined): void {
		this.errors.push({code, size, to});
	}
}

const loopback = {address: '127.0.0.1', port: 0};
const backEnds = allBackEnds();

// The same promises for every back end.
function eachBackEnd(
	title: string,
	run: (t: ExecutionContext, backEnd: UdpBackEnd) => Promise<void>,
): void {
	for (const backEnd of backEnds) {
		test.serial(`${backEnd.name}: ${title}`, (t) => run(t, backEnd));
	}
}

test('there is a batch back end where there can be one', (t) => {
	const missing = batchIsMissing();
	t.is(backEnds.length, missing === undefined ? 2 : 1);
});

eachBackEnd('is bound when open returns, and carries spans both ways', async (t, backEnd) => {
	const [hearing, answering] = [new Recorder(), new Recorder()];
	const a = backEnd.open(loopback, hearing);
	const b = backEnd.open(loopback, answering);
	t.true(a.localPort > 0);
	t.not(a.index, b.index);
	const bytes = Buffer.from('..hello..');
	t.false(a.send(bytes, 2, 7, a.remote('127.0.0.1', b.localPort)));
	a.flush();
	await waitFor(() => answering.received.length === 1);
	t.is(answering.received[0]?.text, 'hello');
	const source = answering.received[0]?.source;
	t.is(source, b.remote('127.0.0.1', a.localPort));
	t.is(source?.socket, b.index);
	b.send(Buffer.from('back'), 0, 4, source);
	b.flush();
	await waitFor(() => hearing.received.length === 1);
	t.is(hearing.received[0]?.text, 'back');
	await Promise.all([a.close(), b.close()]);
});

eachBackEnd('speaks IPv6 on the port of an IPv4 socket', async (t, backEnd) => {
	const recorder = new Recorder();
	const v4 = backEnd.open({address: '0.0.0.0', port: 0}, new Recorder());
	let v6: ReturnType<typeof backEnd.open>;
	try {
		v6 = backEnd.open({address: '::', port: v4.localPort}, recorder);
	} catch {
		await v4.close();
		t.pass('no IPv6 here');
		return;
	}
	v6.send(Buffer.from('six'), 0, 3, v6.remote('::1', v6.localPort));
	v6.flush();
	await waitFor(() => recorder.received.length === 1);
	t.is(recorder.received[0]?.source?.host, '::1');
	await Promise.all([v4.close(), v6.close()]);
});

eachBackEnd('refuses a port in use with its code', async (t, backEnd) => {
	const first = backEnd.open(loopback, new Recorder());
	const binding = {address: '127.0.0.1', port: first.localPort};
	const error = t.throws(() => backEnd.open(binding, new Recorder()), {instanceOf: SocketError});
	t.is(error?.code, 'EADDRINUSE');
	t.is(error?.message, `cannot open UDP 127.0.0.1:${first.localPort}: the port is in use`);
	await first.close();
});

eachBackEnd('frees its port when close returns', async (t, backEnd) => {
	const first = backEnd.open(loopback, new Recorder());
	const closing = first.close();
	const second = backEnd.open({address: '127.0.0.1', port: first.localPort}, new Recorder());
	t.is(second.localPort, first.localPort);
	await Promise.all([closing, second.close()]);
	t.false(second.send(new Uint8Array(1), 0, 1, undefined));
	t.is(second.dropped, 1);
});

eachBackEnd(
	'hears refusals when connected, and keeps its port over disconnect',
	async (t, backEnd) => {
		const recorder = new Recorder();
		const gone = backEnd.open(loopback, new Recorder());
		const probe = backEnd.open(loopback, new Recorder());
		await Promise.all([gone.close(), probe.close()]);
		const socket = backEnd.open({address: '127.0.0.1', port: probe.localPort}, recorder);
		t.true(socket.connect(socket.remote('127.0.0.1', gone.localPort)));
		socket.send(new Uint8Array(3), 0, 3, undefined);
		socket.flush();
		await waitFor(() => recorder.errors.length > 0);
		t.is(recorder.errors[0]?.code, 'ECONNREFUSED');
		t.true(socket.disconnect());
		t.is(socket.localPort, probe.localPort);
		t.true(socket.connect(socket.remote('127.0.0.1', gone.localPort)));
		await socket.close();
	},
);

eachBackEnd('says how long a datagram was that is too long, and to whom', async (t, backEnd) => {
	const recorder = new Recorder();
	const socket = backEnd.open(loopback, recorder);
	const to = socket.remote('127.0.0.1', 9);
	socket.send(new Uint8Array(10), 0, 10, to);
	socket.send(new Uint8Array(66_000), 0, 66_000, to);
	socket.send(new Uint8Array(20), 0, 20, to);
	socket.flush();
	await waitFor(() => recorder.errors.length > 0);
	t.deepEqual(recorder.errors, [{code: 'EMSGSIZE', size: 66_000, to}]);
	await socket.close();
});

eachBackEnd('drops what cannot be sent at all instead of throwing', async (t, backEnd) => {
	const socket = backEnd.open(loopback, new Recorder());
	t.false(socket.send(new Uint8Array(1), 0, 1, socket.remote('127.0.0.1', 0)));
	t.false(socket.send(new Uint8Array(1), 0, 1, undefined));
	t.is(socket.dropped, 2);
	await socket.close();
});

eachBackEnd('carries a burst of every length, in order', async (t, backEnd) => {
	const hearing = new Recorder();
	const a = backEnd.open({...loopback, isPath: true}, new Recorder());
	const b = backEnd.open({...loopback, isPath: true}, hearing);
	const to = a.remote('127.0.0.1', b.localPort);
	const texts: string[] = [];
	for (const length of [9, 9, 9, 3, 9, 0, 1200, 1200, 1200, 1200, 7, 7, 65_507, 1]) {
		texts.push(String.fromCharCode(97 + texts.length).repeat(length));
	}
	const bytes = texts.map((text) => Buffer.from(text));
	for (const each of bytes) a.send(each, 0, each.length, to);
	a.flush();
	await waitFor(() => hearing.received.length === texts.length);
	t.deepEqual(
		hearing.received.map(({text}) => text),
		texts,
	);
	t.true(hearing.received.every(({source}) => source?.port === a.localPort));
	t.is(a.dropped + b.missed, 0);
	await Promise.all([a.close(), b.close()]);
});

needing({batch: true})(
	'batch sockets of two back ends wait together, and for everything else',
	async (t) => {
		const file = fileURLToPath(new URL('./batch-wait-main.js', import.meta.url));
		const child = new Child(process.execPath, [file]);
		t.teardown(() => child.kill());
		t.is(await child.end(), 0, child.output);
		const {answers, timers, busy, waits} = JSON.parse(child.output);
		t.is(answers, 100);
		t.is(timers, 50);
		// Milliseconds of CPU in a second without anything to do.
		t.true(busy < 300, `${busy}`);
		// In datagrams that came in between: what a handler puts off is done before the next look.
		t.deepEqual([waits.tick, waits.promise], [0, 0]);
		t.true(waits.immediate <= 1, `${waits.immediate}`);
	},
);

eachBackEnd('carries more in one flush than one call of the system takes', async (t, backEnd) => {
	const hearing = new Recorder();
	const a = backEnd.open(loopback, new Recorder());
	const b = backEnd.open(loopback, hearing);
	const to = a.remote('127.0.0.1', b.localPort);
	const texts = Array.from({length: 600}, (_, i) => `${i}`.padStart(4 + (i % 3), '0'));
	for (const text of texts) a.send(Buffer.from(text), 0, text.length, to);
	a.flush();
	await waitFor(() => hearing.received.length === texts.length);
	t.deepEqual(
		hearing.received.map(({text}) => text),
		texts,
	);
	await Promise.all([a.close(), b.close()]);
});

needing({batch: true}).serial(
	'batch: paths go first, and none waits for more than 64 datagrams of a socket',
	async (t) => {
		const backEnd = backEnds.find(({name}) => name === 'batch')!;
		const log: string[] = [];
		const sender = backEnd.open(loopback, new Recorder());
		const bytes = new Uint8Array(100);
		const send = (port: number, count: number) => {
			// Of different lengths, so that each is a message of its own.
			for (let i = 0; i < count; i++) {
				sender.send(bytes, 0, 10 + (i % 2 === 0 ? 0 : 50), sender.remote('127.0.0.1', port));
				sender.flush();
			}
		};
		const path = backEnd.open(
			{...loopback, isPath: true},
			{
				onBatch: (_socket, {count}) => void log.push(...new Array<string>(count).fill('path')),
				onError: () => {},
			},
		);
		const application = backEnd.open(loopback, {
			onBatch: (_socket, {count}) => {
				log.push(...new Array<string>(count).fill('application'));
				send(path.localPort, 1);
			},
			onError: () => {},
		});
		// Nobody reads in between, and the one that is full came first.
		send(application.localPort, 300);
		send(path.localPort, 3);
		await waitFor(() => log.filter((word) => word === 'application').length === 300);
		t.deepEqual(log.slice(0, 4), ['path', 'path', 'path', 'application']);
		const waits = log
			.join(' ')
			.split('path')
			.map((text) => text.split('application').length - 1);
		t.true(Math.max(...waits) <= 64, `${waits}`);
		await Promise.all([sender.close(), path.close(), application.close()]);
	},
);

needing({batch: true}).serial(
	'batch: every datagram that its owner was too slow for is counted',
	async (t) => {
		const backEnd = backEnds.find(({name}) => name === 'batch')!;
		const hearing = new Recorder();
		const a = backEnd.open(loopback, new Recorder());
		const b = backEnd.open(loopback, hearing);
		const to = a.remote('127.0.0.1', b.localPort);
		const bytes = new Uint8Array(1400);
		// More than any queue holds, and nobody reads while this goes on.
		let sent = 0;
		for (; sent < 20_000; sent++) {
			a.send(bytes, 0, bytes.length, to);
			a.flush();
		}
		// The count comes with datagrams, so it takes one more behind the last that was lost.
		await waitFor(() => {
			if (b.missed > 0 && hearing.received.length + b.missed + a.dropped === sent) return true;
			a.send(bytes, 0, bytes.length, to);
			a.flush();
			sent++;
			return false;
		}, `${sent} datagrams`);
		t.pass();
		await Promise.all([a.close(), b.close()]);
	},
);
