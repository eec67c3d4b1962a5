import test from 'ava';
import {type Slot, SlotPool} from '../../../src/bytes/slot-pool.ts';
import {NEVER} from '../../../src/bytes/time.ts';
import type {Endpoint} from '../../../src/core/endpoint.ts';
import type {EndpointEvent, EndpointStatus} from '../../../src/core/events.ts';
import {Delivery, Transmit} from '../../../src/core/transmit.ts';
import type {TunnelStream} from '../../../src/core/tunnel-stream.ts';
import {Driver, type DriverOutputs} from '../../../src/net/tunnel/driver.ts';
import {SendQueue} from '../../../src/net/udp/batch/send-queue.ts';
import {StreamCode} from '../../../src/wire/constants.ts';
import {FakeKernel} from '../../support/fakes/fake-kernel.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

class FakeEndpoint implements Endpoint {
	readonly pool = new SlotPool(1000);
	slotsOut = 0;
	readonly events: EndpointEvent[] = [];
	packets = 0;
	/** Lengths of the next packets, and which of them is alone. */
	readonly lengths: number[] = [];
	alone = -1;
	/** Packets that go out when the batch ends. */
	open = 0;
	readonly deliveries: Delivery[] = [];
	readonly failedDeliveries: number[] = [];
	readonly streams: TunnelStream[] = [];
	pumps = 0;
	deadline = NEVER;
	timeouts = 0;
	/** Packets that go out before their time when a batch ends, and the deadline after that. */
	early = 0;
	laterDeadline = NEVER;
	// Broken when an input arrives before the outputs of the one before were taken.
	drained = true;
	violations = 0;

	enter(): void {
		if (!this.drained) this.violations++;
		this.drained = false;
	}

	pollTransmit(): Transmit | undefined {
		if (this.packets === 0) return undefined;
		this.packets--;
		const slot = this.pool.take();
		if (slot === undefined) throw new Error('no slot');
		this.slotsOut++;
		const transmit = new Transmit(slot);
		slot.end = slot.start + (this.lengths.shift() ?? 0);
		transmit.alone = this.alone-- === 0;
		return transmit;
	}

	releaseSlot(slot: Slot): void {
		this.pool.release(slot);
		this.slotsOut--;
	}

	flush(): void {
		this.packets += this.open;
		this.open = 0;
	}

	pollDelivery(): Delivery | undefined {
		return this.deliveries.shift();
	}

	pollStream(): TunnelStream | undefined {
		return this.streams.shift();
	}

	pumpStreams(): void {
		this.pumps++;
	}

	pollEvent(): EndpointEvent | undefined {
		const event = this.events.shift();
		if (event === undefined) this.drained = true;
		return event;
	}

	runEarly(): boolean {
		if (this.early === 0) return false;
		this.packets += this.early;
		this.early = 0;
		this.deadline = this.laterDeadline;
		return true;
	}

	nextTimeout(): number {
		return this.deadline;
	}

	handleTimeout(): void {
		this.enter();
		this.timeouts++;
		this.deadline = NEVER;
	}

	deliveryFailed(delivery: Delivery): void {
		this.failedDeliveries.push(delivery.flow);
	}

	failed(error: unknown): void {
		this.events.push({type: 'fault', session: 0, text: String(error)});
	}

	close(): void {}

	lingerTime(): number {
		return 0;
	}

	status(): EndpointStatus {
		return {sessions: [], totals: [], drops: {}, waiting: 0};
	}
}

function setUp(outputs: Partial<DriverOutputs> = {}): {endpoint: FakeEndpoint; driver: Driver} {
	const endpoint = new FakeEndpoint();
	const driver = new Driver(endpoint, {
		transmit: () => false,
		deliver: () => {},
		flush: () => {},
		event: () => {},
		stream: () => {},
		...outputs,
	});
	return {endpoint, driver};
}

/** The same, with a list of the packets and flushes in their order. */
function setUpOrdered(): {endpoint: FakeEndpoint; driver: Driver; order: string[]} {
	const order: string[] = [];
	const outputs: Partial<DriverOutputs> = {
		transmit: () => {
			order.push('packet');
			return false;
		},
		flush: () => order.push('flush'),
	};
	return {...setUp(outputs), order};
}

test('gives every slot back after the flush, however many packets come out', (t) => {
	let flushes = 0;
	const {endpoint, driver} = setUp({flush: () => flushes++});
	driver.input(() => {
		endpoint.enter();
		endpoint.packets = 900;
	});
	t.is(endpoint.slotsOut, 0);
	t.true(flushes >= 3);
});

test('a probe of a size is a message of its own, between runs', (t) => {
	const kernel = new FakeKernel();
	const queue = new SendQueue(kernel);
	const outcome = {mayRun: () => true, runFailed() {}, queueFull() {}, sendFailed() {}};
	const {endpoint, driver} = setUp({
		transmit({slot}) {
			queue.push(slot.bytes, slot.start, slot.end, undefined, outcome);
			return false;
		},
		flush: () => queue.flush(7, outcome),
	});
	driver.input(() => {
		endpoint.enter();
		endpoint.lengths.push(1472, 1472, 1472, 100, 100);
		endpoint.packets = 5;
		endpoint.alone = 2;
	});
	t.deepEqual(
		kernel.sent.map(({spans}) => spans.map(({length}) => length)),
		[[1472, 1472], [1472], [100, 100]],
	);
	t.is(endpoint.slotsOut, 0);
});

test('gives a slot new memory when a socket keeps the old', (t) => {
	const seen: Uint8Array[] = [];
	const {endpoint, driver} = setUp({
		transmit: ({slot}) => {
			seen.push(slot.bytes);
			return seen.length === 1;
		},
	});
	for (let i = 0; i < 3; i++) driver.input(() => (endpoint.packets = 1));
	t.not(seen[0], seen[1]);
	t.is(seen[1], seen[2]);
});

test('runs an input that comes up in a drain only after that drain', (t) => {
	const order: string[] = [];
	const {endpoint, driver} = setUp({
		event: () => {
			driver.input(() => {
				endpoint.enter();
				order.push('input of the event');
				driver.input(() => {
					endpoint.enter();
					order.push('input of the input');
				});
			});
			order.push('event');
		},
	});
	driver.input(() => {
		endpoint.enter();
		endpoint.events.push({type: 'path-silent', path: 0}, {type: 'path-silent', path: 1});
	});
	t.is(endpoint.violations, 0);
	t.deepEqual(order, [
		'event',
		'event',
		'input of the event',
		'input of the event',
		'input of the input',
		'input of the input',
	]);
});

test('says whether a delivery lies in the batch', (t) => {
	const lasting: boolean[] = [];
	const {endpoint, driver} = setUp({deliver: (_delivery, lasts) => lasting.push(lasts)});
	const arena = new Uint8Array(10);
	for (const bytes of [arena, new Uint8Array(10)]) {
		endpoint.deliveries.push(Object.assign(new Delivery(), {bytes}));
		driver.settle(arena);
	}
	t.deepEqual(lasting, [true, false]);
});

test('takes every datagram of a packet', (t) => {
	const flows: number[] = [];
	const {endpoint, driver} = setUp({deliver: ({flow}) => flows.push(flow)});
	for (const flow of [1, 2, 3]) {
		endpoint.deliveries.push(Object.assign(new Delivery(), {flow}));
	}
	driver.settle(undefined);
	t.deepEqual(flows, [1, 2, 3]);
});

test('packets that are open when a batch or another input ends go out before the flush', (t) => {
	const {endpoint, driver, order} = setUpOrdered();
	endpoint.open = 1;
	driver.settle(undefined);
	t.deepEqual(order, []);
	driver.finish();
	t.deepEqual(order.splice(0), ['packet', 'flush']);
	driver.input(() => (endpoint.open = 1));
	t.deepEqual(order, ['packet', 'flush']);
	t.is(endpoint.slotsOut, 0);
});

test('flushes after a delivery without a packet, and not when nothing came out', (t) => {
	let flushes = 0;
	const {endpoint, driver} = setUp({flush: () => flushes++});
	driver.finish();
	t.is(flushes, 0);
	endpoint.deliveries.push(new Delivery());
	driver.settle(undefined);
	driver.finish();
	t.is(flushes, 1);
	driver.finish();
	t.is(flushes, 1);
});

test('does early what it can when a batch ends, behind its packets, and sets the timer anew', async (t) => {
	const {endpoint, driver, order} = setUpOrdered();
	driver.input(() => (endpoint.deadline = driver.now() + 5));
	endpoint.open = 1;
	endpoint.early = 2;
	endpoint.laterDeadline = driver.now() + 30;
	driver.finish();
	t.deepEqual(order, ['packet', 'flush', 'packet', 'packet', 'flush']);
	t.is(endpoint.slotsOut, 0);
	await waitFor(() => endpoint.timeouts === 1);
	t.true(driver.now() >= endpoint.laterDeadline - 1, 'not woken for what is done');
	t.is(endpoint.violations, 0);
	driver.stop();
});

test('calls handleTimeout when it is due, also when the deadline came nearer', async (t) => {
	const {endpoint, driver} = setUp();
	driver.input(() => (endpoint.deadline = driver.now() + 60_000));
	driver.input(() => (endpoint.deadline = driver.now() + 5));
	await waitFor(() => endpoint.timeouts === 1);
	t.is(endpoint.violations, 0);
	driver.input(() => (endpoint.deadline = driver.now() - 5));
	await waitFor(() => endpoint.timeouts === 2);
	driver.stop();
	t.pass();
});

test('an output that throws is reported, and everything else goes on', async (t) => {
	const taken: string[] = [];
	const failing: Record<string, boolean> = {};
	const note = (what: string) => {
		taken.push(what);
		if (failing[what]) throw new Error(what);
		return false;
	};
	const {endpoint, driver} = setUp({
		transmit: () => note('transmit'),
		deliver: ({flow}) => void note(`deliver ${flow}`),
		flush: () => void note('flush'),
		event: (event) => void note(event.type === 'fault' ? event.text : event.type),
	});
	for (const what of ['transmit', 'deliver 1', 'flush', 'path-silent', 'input']) {
		taken.length = 0;
		failing[what] = true;
		driver.input(() => {
			endpoint.packets = 2;
			for (const flow of [1, 2]) endpoint.deliveries.push(Object.assign(new Delivery(), {flow}));
			endpoint.events.push({type: 'path-silent', path: 0});
			if (what === 'input') throw new Error(what);
		});
		failing[what] = false;
		for (const each of ['transmit', 'deliver 1', 'deliver 2', 'path-silent', 'flush']) {
			t.true(taken.includes(each), `${each} beside a failing ${what}`);
		}
		const isDelivery = what === 'deliver 1';
		// What happens in the flush that ends an input is said after the next one.
		driver.input(() => {});
		t.deepEqual(endpoint.failedDeliveries.splice(0), isDelivery ? [1] : []);
		t.is(
			taken.filter((text) => text === `Error: ${what}`).length,
			isDelivery ? 0 : what === 'transmit' ? 2 : 1,
		);
		t.is(endpoint.slotsOut, 0);
	}
	driver.input(() => (endpoint.deadline = driver.now() + 1));
	await waitFor(() => endpoint.timeouts === 1);
	driver.stop();
});

test('an event about an exception that cannot be handed over causes no other', (t) => {
	let events = 0;
	const {endpoint, driver} = setUp({
		event: () => {
			events++;
			throw new Error('never');
		},
	});
	driver.input(() => endpoint.events.push({type: 'path-silent', path: 0}));
	t.is(events, 2);
});

test('a stream whose owner throws is reset', (t) => {
	const codes: number[] = [];
	const {endpoint, driver} = setUp({
		stream: () => {
			throw new Error('owner');
		},
	});
	const stream = {reset: (code: number) => codes.push(code)} as unknown as TunnelStream;
	endpoint.streams.push(stream);
	driver.input(() => {});
	t.deepEqual(codes, [StreamCode.INTERNAL]);
	t.is(endpoint.pumps, 1);
});
