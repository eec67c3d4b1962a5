import test from 'ava';
import {Receiver, type SourceBook} from '../../../src/net/udp/batch/receiver.ts';
import {RunPolicy} from '../../../src/net/udp/batch/run-policy.ts';
import {type SendOutcome, SendQueue} from '../../../src/net/udp/batch/send-queue.ts';
import {
	BatchRemote,
	encodeSocketAddress,
	familyAt,
	hostAt,
	portAt,
} from '../../../src/net/udp/batch/socket-address.ts';
import {type ComingMessage, FakeKernel, type SentMessage} from '../../support/fakes/fake-kernel.ts';

const [EIO, EAGAIN, EINVAL, EMSGSIZE, ENOBUFS, ECONNREFUSED, EHOSTUNREACH] = [
	5, 11, 22, 90, 105, 111, 113,
];

class Outcome implements SendOutcome {
	runs = true;
	readonly log: string[] = [];
	mayRun(): boolean {
		return this.runs;
	}
	runFailed(errno: number, size: number): void {
		this.log.push(`run ${errno} ${size}`);
	}
	queueFull(datagrams: number): void {
		this.log.push(`full ${datagrams}`);
	}
	sendFailed(errno: number, size: number, to: BatchRemote | undefined): void {
		this.log.push(`failed ${errno} ${size} ${to?.port ?? '-'}`);
	}
}

class World {
	readonly kernel = new FakeKernel();
	readonly queue = new SendQueue(this.kernel);
	readonly outcome = new Outcome();
	readonly to = new BatchRemote('', 0, '192.0.2.1', 5000);
	readonly #bytes = new Uint8Array(70_000);

	/** Adds datagrams of these lengths, each filled with its number. */
	push(lengths: readonly number[], to: BatchRemote | 'connected' = this.to): void {
		const remote = to === 'connected' ? undefined : to;
		let at = 0;
		for (const [index, length] of lengths.entries()) {
			this.#bytes.fill(index, at, at + length);
			if (!this.queue.push(this.#bytes, at, at + length, remote, this.outcome)) {
				throw new Error('no room');
			}
			at += length;
		}
	}

	flush(): readonly SentMessage[] {
		this.queue.flush(7, this.outcome);
		return this.kernel.sent.splice(0);
	}
}

const shapeOf = (sent: readonly SentMessage[]) =>
	sent.map(({spans, segment}) => [segment ?? 0, ...spans.map(({length}) => length)]);

test('an address has the layout of sockaddr_in or sockaddr_in6', (t) => {
	const hex = (host: string, port: number) =>
		Buffer.from(encodeSocketAddress(host, port)!.buffer).toString('hex');
	t.is(hex('192.0.2.1', 0x1234), `02001234c0000201${'00'.repeat(20)}`);
	t.is(hex('2001:db8::7', 53), `0a00003500000000${'20010db8000000000000000000000007'}00000000`);
	t.is(hex('fe80::1%9', 1), `0a00000100000000${'fe800000000000000000000000000001'}09000000`);
	t.is(encodeSocketAddress('example.org', 1), undefined);
	for (const [host, port] of [
		['127.0.0.1', 65_535],
		['255.1.2.3', 1],
		['2001:db8::7', 256],
		['fe80::1%9999', 255],
	] as const) {
		const words = encodeSocketAddress(host, port)!;
		t.is(familyAt(words, 0), host.includes(':') ? 6 : 4);
		t.is(hostAt(words, 0, host.includes(':') ? 6 : 4), host);
		t.is(portAt(words, 0), port);
		t.true(new BatchRemote('', 0, host, port).isAt(words, 0));
		t.false(new BatchRemote('', 0, host, port - 1).isAt(words, 0));
	}
	t.is(familyAt(new Uint32Array(7), 0), undefined);
});

test('equal datagrams to one destination are one run, whose last may be shorter', (t) => {
	const world = new World();
	world.push([100, 100, 60, 100, 120, 120, 0, 5]);
	const sent = world.flush();
	t.deepEqual(shapeOf(sent), [
		[100, 100, 100, 60],
		[0, 100],
		[120, 120, 120],
		[0, 0],
		[0, 5],
	]);
	t.deepEqual([...sent[0]!.name], [2, 0, 0x13, 0x88, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
	t.true(sent[2]!.spans[1]!.every((byte) => byte === 5));
	t.deepEqual(world.outcome.log, []);
	t.deepEqual(world.flush(), []);
});

test('another destination has a run of its own, and a connected socket names none', (t) => {
	const world = new World();
	const other = new BatchRemote('', 0, '2001:db8::1', 1);
	world.push([9]);
	world.push([9], other);
	world.push([9, 9], 'connected');
	const sent = world.flush();
	t.deepEqual(shapeOf(sent), [
		[0, 9],
		[0, 9],
		[9, 9, 9],
	]);
	t.deepEqual(
		sent.map(({name}) => name.length),
		[16, 28, 0],
	);
});

test('packets that go to several addresses each are one run for each address', (t) => {
	const world = new World();
	const others = [1, 2, 3].map((port) => new BatchRemote('', 0, '192.0.2.1', port));
	for (const length of [9, 9, 7, 9]) for (const other of others) world.push([length], other);
	const sent = world.flush();
	// What goes to one address stays in order: the last ones do not join what the shorter ones ended.
	t.deepEqual(shapeOf(sent), [
		[9, 9, 9, 7],
		[9, 9, 9, 7],
		[9, 9, 9, 7],
		[0, 9],
		[0, 9],
		[0, 9],
	]);
	t.deepEqual(
		sent.map(({name}) => name[3]),
		[1, 2, 3, 1, 2, 3],
	);
	// Too many addresses at once: nothing is lost, and nothing out of order.
	const many = Array.from({length: 12}, (_, port) => new BatchRemote('', 0, '192.0.2.1', port));
	for (const length of [9, 9]) for (const other of many) world.push([length], other);
	t.deepEqual(
		world.flush().map(({name}) => name[3]),
		[...many.keys(), ...many.keys()],
	);
});

test('a refused run among runs to other addresses is sent one by one, to its own address', (t) => {
	const world = new World();
	const others = [1, 2].map((port) => new BatchRemote('', 0, '192.0.2.1', port));
	for (const length of [9, 9]) for (const other of others) world.push([length], other);
	world.kernel.results.push(-EINVAL!);
	const sent = world.flush();
	t.deepEqual(
		sent.map(({name, spans}) => [name[3], spans.length]),
		[
			[1, 1],
			[1, 1],
			[2, 2],
		],
	);
});

test('a run has at most 64 datagrams and 65,000 bytes', (t) => {
	const world = new World();
	world.push(new Array(70).fill(10));
	t.deepEqual(
		world.flush().map(({spans}) => spans.length),
		[64, 6],
	);
	world.push(new Array(50).fill(1400));
	t.deepEqual(
		world.flush().map(({spans}) => spans.length),
		[46, 4],
	);
});

test('without segmentation every datagram is a message', (t) => {
	const world = new World();
	world.outcome.runs = false;
	world.push([10, 10, 10]);
	t.deepEqual(shapeOf(world.flush()), [
		[0, 10],
		[0, 10],
		[0, 10],
	]);
});

test('what one call does not take goes with the next', (t) => {
	const world = new World();
	world.outcome.runs = false;
	world.kernel.results.push(1, 2);
	world.push([1, 2, 3, 4, 5]);
	t.deepEqual(shapeOf(world.flush()).flat(), [0, 1, 0, 2, 0, 3, 0, 4, 0, 5]);
});

for (const errno of [EIO, EINVAL, EMSGSIZE]) {
	test(`a run refused with errno ${errno} is sent again one by one at once`, (t) => {
		const world = new World();
		// EMSGSIZE may be about an earlier datagram: it is believed when it comes again.
		world.kernel.results.push(-errno!, ...(errno === EMSGSIZE ? [-errno!] : []));
		world.push([50, 50, 20, 70]);
		t.deepEqual(shapeOf(world.flush()), [
			[0, 50],
			[0, 50],
			[0, 20],
			[0, 70],
		]);
		t.deepEqual(world.outcome.log, [`run ${errno} 50`]);
	});
}

test('of a run sent one by one only what is refused again is lost', (t) => {
	const world = new World();
	world.kernel.results.push(-EMSGSIZE!, -EMSGSIZE!, 1, -EMSGSIZE!, -ENOBUFS!);
	world.push([50, 50, 50, 20]);
	t.deepEqual(shapeOf(world.flush()), [
		[0, 50],
		[0, 20],
	]);
	t.deepEqual(world.outcome.log, [`run ${EMSGSIZE} 50`, `failed ${EMSGSIZE} 50 5000`, 'full 1']);
});

test('runs rest after a refusal of their size, and for ever after EIO', (t) => {
	let now = 5;
	const policy = new RunPolicy(() => now);
	t.true(policy.allows(65_000));
	policy.refused(EMSGSIZE!, 1400);
	t.false(policy.allows(1400));
	t.true(policy.allows(1399));
	now += 9999;
	t.false(policy.allows(1500));
	now += 1;
	t.true(policy.allows(1500));
	policy.refused(EIO!, 1200);
	now += 1e9;
	t.false(policy.allows(1));
});

test('a full queue drops the message, and with EAGAIN what follows', (t) => {
	const world = new World();
	world.kernel.results.push(-ENOBUFS!, 1, -EAGAIN!);
	world.push([50, 50, 60, 70, 80, 80]);
	t.deepEqual(shapeOf(world.flush()), [[0, 60]]);
	t.deepEqual(world.outcome.log, ['full 2', 'full 3']);
});

test('a refusal that is told of an earlier datagram costs none', (t) => {
	const world = new World();
	world.kernel.results.push(-ECONNREFUSED!);
	world.push([50], 'connected');
	t.deepEqual(shapeOf(world.flush()), [[0, 50]]);
	t.deepEqual(world.outcome.log, [`failed ${ECONNREFUSED} 0 -`]);
});

test('what the network says of the length of an earlier datagram costs none, and is told', (t) => {
	for (const lengths of [[50], [50, 50, 50]]) {
		const world = new World();
		world.kernel.results.push(-EMSGSIZE!);
		world.push(lengths, 'connected');
		const [name] = shapeOf(world.flush());
		t.is(name?.length, 1 + lengths.length);
		t.deepEqual(world.outcome.log, [`failed ${EMSGSIZE} 0 -`]);
	}
});

test('any other error is told with size and destination, and the rest goes on', (t) => {
	const world = new World();
	world.kernel.results.push(-EHOSTUNREACH!);
	world.push([50, 60]);
	t.deepEqual(shapeOf(world.flush()), [[0, 60]]);
	t.deepEqual(world.outcome.log, [`failed ${EHOSTUNREACH} 50 5000`]);
});

test('a queue says when it is full, and small arrays are copied', (t) => {
	const world = new World();
	const small = new Uint8Array(100);
	let count = 0;
	while (world.queue.push(small.fill(count), 0, 100, world.to, world.outcome)) count++;
	t.is(count, 163);
	const spans = world.flush().flatMap((message) => message.spans);
	t.is(spans.length, count);
	t.true(spans.every((span, index) => span.every((byte) => byte === index)));
	const large = new Uint8Array(4096);
	for (count = 0; world.queue.push(large, 0, 1, world.to, world.outcome); ) count++;
	t.is(count, 256);
});

const NAME = Uint8Array.from(Buffer.from('02001388c000020100000000000000000000', 'hex')).slice(
	0,
	16,
);

function receive(...coming: readonly ComingMessage[]) {
	const kernel = new FakeKernel();
	kernel.coming.push(...coming);
	const receiver = new Receiver(kernel);
	const source = new BatchRemote('', 0, '192.0.2.1', 5000);
	const book: SourceBook = {
		sourceAt: (words, at) => (source.isAt(words, at) ? source : undefined),
	};
	const count = receiver.receive(7, receiver.capacity, book);
	const {batch} = receiver;
	const datagrams = Array.from({length: batch.count}, (_, i) =>
		[...batch.arena.subarray(batch.offsets[i]!, batch.offsets[i]! + batch.lengths[i]!)].join(),
	);
	const known = batch.sources.slice(0, batch.count).every((each) => each === source);
	return {count, datagrams, known, receiver, kernel, book};
}

const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);

test('messages come in with their bytes and sources', (t) => {
	const {count, datagrams, known} = receive(
		{bytes: Uint8Array.of(1, 2, 3), name: NAME},
		{bytes: Uint8Array.of(), name: NAME},
		{bytes: Uint8Array.of(4), name: NAME},
	);
	t.is(count, 3);
	t.deepEqual(datagrams, ['1,2,3', '', '4']);
	t.true(known);
});

test('what the kernel put together is taken apart', (t) => {
	const gro = [17, 104, u32(2)] as const;
	const lost = [1, 40, u32(77)] as const;
	const {datagrams, receiver} = receive(
		{bytes: Uint8Array.of(1, 2, 3, 4, 5), name: NAME, control: [lost, gro]},
		{bytes: Uint8Array.of(6, 7), name: NAME, control: [gro]},
		{bytes: Uint8Array.of(8, 9, 10), name: NAME},
	);
	t.deepEqual(datagrams, ['1,2', '3,4', '5', '6,7', '8,9,10']);
	t.is(receiver.lost, 77);
});

test('what did not fit is counted and left out', (t) => {
	const {datagrams, receiver} = receive(
		{bytes: Uint8Array.of(1), name: NAME, flags: 0x20},
		{bytes: Uint8Array.of(2), name: NAME, flags: 0x08},
		{bytes: Uint8Array.of(3), name: NAME, flags: 0x40},
	);
	t.deepEqual(datagrams, ['3']);
	t.is(receiver.truncated, 2);
});

test('every call gives the kernel all of its room again', (t) => {
	const gro = [17, 104, u32(1)] as const;
	const {kernel, receiver, book} = receive({
		bytes: Uint8Array.of(1, 2),
		name: NAME,
		flags: 0x20,
		control: [gro],
	});
	const six = new Uint8Array(28);
	six[0] = 10;
	kernel.coming.push({bytes: Uint8Array.of(1, 2), name: six, control: [gro]});
	t.is(receiver.receive(7, receiver.capacity, book), 1);
	t.is(receiver.batch.count, 2);
	t.is(receiver.truncated, 0);
	t.is(receiver.batch.sources[0], undefined);
	t.is(receiver.receive(7, receiver.capacity, book), -EAGAIN!);
	t.is(receiver.batch.count, 0);
});
