/*
 * A transfer and redundant datagrams on the same paths: datagrams go first, the transfer gets what they
 * leave, and neither builds a queue for the other.
 */
import test from 'ava';
import type {Millis} from '../../src/bytes/time.ts';
import type {CongestionControl} from '../../src/core/congestion-control.ts';
import type {PathSettings} from '../../src/wire/frames/paths.ts';
import {StreamWorld, Talker} from '../support/world/stream-world.ts';

const MBIT = 1_000_000;
/** Mbit/s of each path, and of the datagrams in each direction. */
const RATE = 20;
const DATAGRAMS = 8;
/** Bytes of a datagram that is a packet of 1,000 bytes on the wire. */
const SIZE = 1000 - 28 - 31;
const DELAY: Millis = 20;
const LATEST: Millis = 2 * DELAY + 60;
const ENDLESS = 1e10;
/** Tunnels are up by then. */
const UP: Millis = 3000;

interface Case {
	readonly seed?: number;
	readonly congestionControl?: CongestionControl;
	readonly paths?: number;
	/** Milliseconds of a path's buffer. */
	readonly buffer?: number;
	readonly upload?: boolean;
	/** Mbit/s of the links, where the paths themselves have a limit. */
	readonly link?: number;
	readonly settings?: readonly Partial<PathSettings>[];
	readonly datagrams?: number;
}

/** The transfer and the datagrams of a world. */
class Sharing {
	readonly world: StreamWorld;
	readonly #case: Case;
	readonly #peers: Talker[] = [];
	#talker: Talker | undefined;

	constructor(what: Case) {
		this.#case = what;
		const {seed = 1, paths = 2, buffer = 100, congestionControl = 'bbr'} = what;
		const link = {rate: (what.link ?? RATE) * MBIT, delay: DELAY, queue: {millis: buffer}};
		this.world = new StreamWorld(
			{
				seed,
				links: Array.from({length: paths}, () => link),
				echo: true,
				...(what.settings === undefined ? {} : {paths: what.settings}),
				client: {congestionControl},
				server: {congestionControl},
			},
			(stream) => {
				stream.accept(Uint8Array.of(1, 192, 0, 2, 1, 4, 210));
				this.#peers.push(new Talker(this.world, stream, what.upload ? 0 : ENDLESS));
			},
		);
		this.world.start();
		this.world.run(UP);
	}

	/** Begins the transfer. */
	transfer(): void {
		this.#talker = this.world.open(80, this.#case.upload ? ENDLESS : 0);
	}

	get #received(): number {
		return (this.#case.upload ? this.#peers[0] : this.#talker)?.received ?? 0;
	}

	/** Goes on for so long, with datagrams or without; Mbit/s of the transfer. */
	run(duration: Millis, datagrams: boolean): number {
		const before = this.#received;
		const rate = ((this.#case.datagrams ?? DATAGRAMS) * MBIT) / 8000;
		if (datagrams) this.world.stream(rate, duration, 0, SIZE);
		else this.world.run(this.world.now + duration);
		return ((this.#received - before) * 8) / duration / 1000;
	}

	/** Mbit/s that the datagrams leave of so many paths. */
	left(paths: number): number {
		return paths * (RATE - (this.#case.datagrams ?? DATAGRAMS));
	}

	/** Datagrams from `first` on that did not come back, and the longest round trip of the others. */
	outcome(first: number): {readonly lost: number; readonly latest: Millis} {
		this.world.run(this.world.now + 1000);
		const latest = this.world.atClient
			.filter(({sequence}) => sequence >= first)
			.reduce((most, {at, sentAt}) => Math.max(most, at - sentAt), 0);
		return {lost: this.world.lostAtClient(first).length, latest};
	}

	/** Copies that either end did not send because of a limit. */
	get dropped(): number {
		const {world} = this;
		return [world.client!, world.server!]
			.flatMap((end) => end.status(world.now).sessions[0]!.paths)
			.reduce((sum, {saturated}) => sum + saturated, 0);
	}
}

const limited = {rateUp: RATE * 1000, rateDown: RATE * 1000};

const cases: Readonly<Record<string, Case>> = {
	'two paths': {},
	'two paths, another seed': {seed: 2},
	'two paths, a third seed': {seed: 3},
	'two paths with 50 ms of buffer': {buffer: 50},
	'two paths with 300 ms of buffer': {buffer: 300},
	'two paths, NewReno': {congestionControl: 'newreno'},
	'two paths, NewReno, another seed': {congestionControl: 'newreno', seed: 2},
	'two paths with 300 ms of buffer, NewReno': {congestionControl: 'newreno', buffer: 300},
	'one path': {paths: 1},
	'one path, NewReno': {paths: 1, congestionControl: 'newreno'},
	'two paths, an upload': {upload: true},
	'a path and a metered one': {settings: [{}, {metered: true}]},
	'a path and a backup': {settings: [{}, {backup: true}]},
	'two paths, most of them for datagrams': {datagrams: 16},
	'two paths with rate=': {link: 1000, settings: [limited, limited]},
	'two paths with rate=, an upload': {link: 1000, settings: [limited, limited], upload: true},
	'one path with rate=, NewReno': {
		link: 1000,
		paths: 1,
		settings: [limited],
		congestionControl: 'newreno',
	},
};

for (const [name, what] of Object.entries(cases)) {
	test(`a transfer beside datagrams: ${name}`, (t) => {
		const sharing = new Sharing(what);
		sharing.run(1000, true);
		const first = sharing.world.sent;
		sharing.transfer();
		sharing.run(3000, true);
		const rate = sharing.run(6000, true);
		const {lost, latest} = sharing.outcome(first);
		const carrying = what.settings?.some(({backup}) => backup) ? 1 : (what.paths ?? 2);
		const part = rate / sharing.left(carrying);
		t.log(
			`${lost} lost, ${latest.toFixed(1)} ms at most, ${(100 * part).toFixed(1)} % of what is left`,
		);
		t.deepEqual(sharing.world.faults, []);
		t.is(lost, 0);
		t.true(latest < LATEST, `${latest} ms`);
		t.true(part >= 0.85, `${rate} Mbit/s`);
		t.is(sharing.dropped, 0);
	});
}

for (const congestionControl of ['bbr', 'newreno'] as const) {
	test(`datagrams that begin and end during a download, ${congestionControl}`, (t) => {
		const sharing = new Sharing({congestionControl});
		sharing.transfer();
		sharing.run(5000, false);
		const first = sharing.world.sent;
		const joined = sharing.run(1000, true);
		const beside = sharing.run(5000, true);
		const after = sharing.run(1000, false);
		const {lost, latest} = sharing.outcome(first);
		t.log(`${lost} lost, ${latest.toFixed(1)} ms at most; ${joined}, ${beside}, ${after} Mbit/s`);
		t.deepEqual(sharing.world.faults, []);
		t.is(lost, 0);
		t.true(latest < LATEST, `${latest} ms`);
		t.true(joined >= 0.85 * sharing.left(2), `${joined} Mbit/s`);
		t.true(beside >= 0.85 * sharing.left(2), `${beside} Mbit/s`);
		t.true(after >= 0.85 * 2 * RATE, `${after} Mbit/s`);
		t.is(sharing.dropped, 0);
	});
}
