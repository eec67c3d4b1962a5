import type {Slot} from '../../bytes/slot-pool.ts';
import {SLOT_SIZE} from '../../bytes/slot-pool.ts';
import type {Millis} from '../../bytes/time.ts';
import {NEVER} from '../../bytes/time.ts';
import type {Endpoint} from '../../core/endpoint.ts';
import type {EndpointEvent} from '../../core/events.ts';
import type {Delivery, Transmit} from '../../core/transmit.ts';
import type {TunnelStream} from '../../core/tunnel-stream.ts';
import {StreamCode} from '../../wire/constants.ts';

/** Outputs of an endpoint; called in the middle of a drain. */
export interface DriverOutputs {
	/** Sends one packet to all its destinations; true = a socket will refer to it after `flush`. */
	transmit(transmit: Transmit): boolean;
	/**
	 * Sends a datagram on to its application or target. `lasting` = its bytes lie in the batch and
	 * stay; else they are only valid until the next input, so copy them.
	 */
	deliver(delivery: Delivery, lasting: boolean): void;
	/** Hands everything to the system. */
	flush(): void;
	event(event: EndpointEvent): void;
	/** A stream has changed; at a server it is new when it has no owner. */
	stream(stream: TunnelStream): void;
}

/** The most slots that wait for a flush. */
const UNFLUSHED_LIMIT = 256;

/** The most that setTimeout takes. */
const LONGEST_TIMEOUT = 0x7fff_ffff;

/**
 * The one loop around an endpoint: input, drain, arm one timer. Hot inputs go straight to the
 * endpoint, each followed by `settle`, a batch of them by `finish`; all others go through `input`,
 * which may be called from anywhere, also from inside a drain, and waits its turn there. An
 * exception in an output or input is reported to the endpoint, and everything else goes on.
 */
export class Driver {
	readonly #endpoint: Endpoint;
	readonly #outputs: DriverOutputs;
	// Filled anew after every flush: emptying an array lets its memory go, a count does not.
	readonly #unflushed: Slot[] = [];
	readonly #referenced: boolean[] = [];
	#unflushedCount = 0;
	/**
	 * True when something was handed out since the last flush: most copies of a packet bring nothing.
	 */
	#hasOutput = false;
	readonly #waiting: (() => void)[] = [];
	#busy = false;
	#stopped = false;
	#timer: NodeJS.Timeout | undefined;
	#armedFor: Millis = NEVER;
	#lastNow: Millis = 0;

	constructor(endpoint: Endpoint, outputs: DriverOutputs) {
		this.#endpoint = endpoint;
		this.#outputs = outputs;
	}

	/** The monotonic clock of every input. */
	now(): Millis {
		this.#lastNow = performance.now();
		return this.#lastNow;
	}

	/**
	 * Drains after one input, at the time last read for it. `arena` is the memory of the batch it
	 * came from, undefined without one.
	 */
	settle(arena: Uint8Array | undefined): void {
		const endpoint = this.#endpoint;
		this.#busy = true;
		const now = this.#lastNow;
		for (
			let transmit = endpoint.pollTransmit(now);
			transmit !== undefined;
			transmit = endpoint.pollTransmit(now)
		) {
			this.#transmit(transmit);
		}
		for (
			let delivery = endpoint.pollDelivery();
			delivery !== undefined;
			delivery = endpoint.pollDelivery()
		) {
			this.#hasOutput = true;
			try {
				this.#outputs.deliver(delivery, delivery.bytes === arena);
			} catch (error) {
				endpoint.deliveryFailed(delivery, error, now);
			}
		}
		for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
			this.#handOver(event);
		}
		for (let stream = endpoint.pollStream(); stream; stream = endpoint.pollStream()) {
			this.#attend(stream);
		}
		this.#busy = false;
	}

	#transmit(transmit: Transmit): void {
		if (transmit.alone) this.#flush();
		this.#hasOutput = true;
		const index = this.#unflushedCount++;
		this.#unflushed[index] = transmit.slot;
		// Unless it is known better: some of its sockets may have it when another one fails.
		this.#referenced[index] = true;
		try {
			this.#referenced[index] = this.#outputs.transmit(transmit);
		} catch (error) {
			this.#endpoint.failed(error, this.#lastNow);
		}
		if (transmit.alone || this.#unflushedCount >= UNFLUSHED_LIMIT) this.#flush();
	}

	#handOver(event: EndpointEvent): void {
		try {
			this.#outputs.event(event);
		} catch (error) {
			// An event about this one would fail as well.
			if (event.type !== 'fault') this.#endpoint.failed(error, this.#lastNow);
		}
	}

	#attend(stream: TunnelStream): void {
		try {
			this.#outputs.stream(stream);
		} catch (error) {
			stream.reset(StreamCode.INTERNAL);
			this.input(() => this.#endpoint.pumpStreams(this.#lastNow));
			this.#endpoint.failed(error, this.#lastNow);
		}
	}

	/** Ends a batch of inputs: flushes, runs the inputs that waited, arms the timer. */
	finish(): void {
		this.#complete();
		for (let action = this.#waiting.shift(); action; action = this.#waiting.shift()) {
			this.#busy = true;
			try {
				action();
			} catch (error) {
				this.#endpoint.failed(error, this.#lastNow);
			}
			this.#complete();
		}
		if (this.#endpoint.runEarly(this.#lastNow)) {
			this.#complete();
			// Else the timer would wake the process for what is done.
			this.#armedFor = NEVER;
		}
		this.#arm();
	}

	/** Sends what is still open in the endpoint, then hands everything to the system. */
	#complete(): void {
		this.#endpoint.flush(this.#lastNow);
		this.settle(undefined);
		this.#flush();
	}

	/** Runs a rare input of the endpoint with everything that follows it. */
	input(action: () => void): void {
		if (this.#stopped) return;
		this.#waiting.push(action);
		if (!this.#busy) this.finish();
	}

	/** No timer and no rare input from now on. */
	stop(): void {
		this.#stopped = true;
		this.#waiting.length = 0;
		clearTimeout(this.#timer);
		this.#timer = undefined;
		this.#armedFor = NEVER;
	}

	#flush(): void {
		if (!this.#hasOutput) return;
		this.#hasOutput = false;
		try {
			this.#outputs.flush();
		} catch (error) {
			this.#referenced.fill(true);
			this.#endpoint.failed(error, this.#lastNow);
		}
		for (let i = 0; i < this.#unflushedCount; i++) {
			const slot = this.#unflushed[i]!;
			if (this.#referenced[i]) slot.bytes = new Uint8Array(SLOT_SIZE);
			this.#endpoint.releaseSlot(slot);
		}
		this.#unflushedCount = 0;
	}

	// A timer that fires too early costs one harmless call; moving it with every packet costs more.
	#arm(): void {
		const deadline = this.#endpoint.nextTimeout();
		if (this.#stopped || deadline >= this.#armedFor) return;
		clearTimeout(this.#timer);
		this.#armedFor = deadline;
		const delay = Math.ceil(deadline - this.now());
		this.#timer = setTimeout(this.#wake, Math.min(Math.max(delay, 1), LONGEST_TIMEOUT));
	}

	readonly #wake = (): void => {
		this.#armedFor = NEVER;
		this.#endpoint.handleTimeout(this.now());
		this.finish();
	};
}
