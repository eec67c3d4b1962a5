import type {Millis} from '../../../src/bytes/time.ts';
import {RefusalCode} from '../../../src/wire/constants.ts';
import type {End} from '../world/datagram-ledger.ts';
import {type Service, StreamWorld} from '../world/stream-world.ts';
import {AEAD, type TunnelWorld} from '../world/tunnel-world.ts';
import type {Flight, WorldOptions} from '../world/world-options.ts';
import {Attacker} from './attacker.ts';
import {cleanLink, Impairment, impair, LINK_PRESETS} from './impairments.ts';
import {INSIDER_PSK, Insider} from './insider.ts';
import {LaneTraffic} from './lane-traffic.ts';
import {Watch} from './operation-watch.ts';
import type {Operation, OperationName, Plan} from './operations.ts';
import {StreamTraffic} from './stream-traffic.ts';

const ENDS: readonly End[] = ['client', 'server'];
const HOUR = 3_600_000;
/** How far the client's clock may jump. */
const CLOCK_JUMPS: readonly Millis[] = [0, -HOUR, HOUR, -1000, 24 * HOUR, -20 * HOUR];
const CLOCK = 100 * HOUR;
/** After everything is in order again, datagrams have to get through within this time. */
const SETTLE: Millis = 12_000;
/** By then every path is found to be clean. */
const HEAL: Millis = 10_000;
const HEAL_STEP: Millis = 500;
const SETTLE_STEP: Millis = 250;

/** Takes every packet handed to a link, before anything happens to it there. */
export type Recorder = (bytes: Uint8Array, path: number, up: boolean, now: Millis) => void;

/** Carries out an operation; what it does not take is 0. */
export type Action = (a: number, b: number, c: number, d: number, e: number) => void;

function worldOf(
	plan: Plan,
	watch: Watch,
	intercept: OperationWorld['intercept'],
	departed: Insider['departed'],
	{service, lanes}: {readonly service: Service; readonly lanes: LaneTraffic},
): StreamWorld {
	const ids = [...new Array(plan.paths).keys()];
	const keys = plan.keyless ? {keyless: true, psk: new Uint8Array(32)} : {};
	const encrypt = plan.encrypt === 1;
	const options: WorldOptions = {
		seed: plan.seed,
		links: ids.map(cleanLink),
		paths: ids.map((id) => ({backup: plan.backup === 1 && id > 0 && id === plan.paths - 1})),
		client: {
			...keys,
			encrypt,
			copies: plan.copies,
			rekeyInterval: plan.rekey,
			flowIdle: plan.flowidle,
			...(plan.lanes === 1 && {policies: lanes}),
		},
		server: {...usersOf(plan), encrypt, flowIdle: plan.flowidle, sessionIdle: plan.sessionidle},
		echo: plan.echo === 1,
		lanes: plan.lanes === 1,
		clientClock: CLOCK,
		aead: watch.guard(lanes.guard(AEAD)),
		observe: (from, bytes, to) => {
			departed(bytes, to);
			watch.departed(from, bytes, to);
		},
		intercept,
		coding: (end) => lanes.newCoding(end),
	};
	return new StreamWorld(options, service);
}

/** Without keys there is nobody but the client: its user's limits are not the insider's to use up. */
function usersOf({keyless}: Plan): Partial<TunnelWorld['serverConfig']> {
	if (keyless) return {};
	const psk = new Uint8Array(32).fill(7);
	return {
		users: [
			{name: 'user', psk},
			{name: 'insider', psk: INSIDER_PSK},
		],
	};
}

/** A world that carries out operations and checks what must hold in every world. */
export class OperationWorld {
	readonly world: StreamWorld;
	readonly #plan: Plan;
	readonly #watch = new Watch();
	readonly #streams = new StreamTraffic(() => this.world);
	readonly #attacker: Attacker;
	readonly #lanes = new LaneTraffic();
	#insider: Insider | undefined;
	readonly #actions: Record<OperationName, Action>;
	readonly #up: Impairment[] = [];
	readonly #down: Impairment[] = [];
	/** In a clean world: what has to come out. */
	readonly #expected: Record<End, number[]> = {client: [], server: []};
	/** The flow handle of each application, and how many arrivals were looked at for it. */
	readonly #flows: number[] = [];
	#seen = 0;

	readonly #record: Recorder | undefined;

	constructor(plan: Plan, record?: Recorder) {
		this.#plan = plan;
		this.#record = record;
		this.world = worldOf(
			plan,
			this.#watch,
			(packet, path, up) => this.intercept(packet, path, up),
			(bytes, to) => this.#insider?.departed(bytes, to),
			{service: this.#streams.service, lanes: this.#lanes},
		);
		this.#insider = new Insider(this.world);
		this.#watch.world = this.world;
		this.#attacker = new Attacker(this.world, this.#watch);
		this.#actions = this.#makeActions();
		for (let id = 0; id < plan.paths; id++) {
			this.#up.push(new Impairment());
			this.#down.push(new Impairment());
		}
		this.world.start();
		this.world.run(500);
	}

	/** What the world asks about every packet. */
	intercept(packet: Flight, path: number, up: boolean): boolean {
		const impairment = (up ? this.#up : this.#down)[path]!;
		this.#record?.(packet.bytes, path, up, this.world.now);
		this.#watch.onPath(packet.bytes, path, up);
		if (this.#lanes.loses(packet.bytes)) return false;
		return impair(impairment, this.world, packet, path, up, (...diverted) =>
			this.#divert(...diverted),
		);
	}

	#divert({bytes}: Flight, path: number, up: boolean, source: number): void {
		this.#attacker.send(up ? 'server' : 'client', path, bytes, source, up);
	}

	/** Carries out one operation. */
	perform([name, ...args]: Operation): void {
		const [a = 0, b = 0, c = 0, d = 0, e = 0] = args;
		this.#actions[name](a, b, c, d, e);
	}

	#makeActions(): Record<OperationName, Action> {
		return {
			...this.#trafficActions(),
			...this.#networkActions(),
			...this.#attackActions(),
			...this.#streams.actions(),
			policy: (index) => this.#lanes.use(index),
			repolicy: (index) => this.#disturb('client', (world) => this.#lanes.change(index, world)),
			lose: (kind, packets) => this.#lanes.lose(kind, packets),
			socket: () => this.#disturb('server', ({server, now}) => server?.socketClosed(0, now)),
			refuseflow: (application) => {
				const flow = this.#flow(application);
				this.#disturb('server', ({server, now}) =>
					server?.refuseFlow(flow, RefusalCode.SOCKET, now),
				);
			},
			early: (end) =>
				this.#disturb(ENDS[end]!, (world) => world[ENDS[end]!]?.handleTimeout(world.now)),
			status: () => this.#checkStatus(),
			kill: (end, downtime) => this.#kill(ENDS[end]!, downtime),
			close: (end, downtime) => this.#close(ENDS[end]!, downtime),
			clock: (jump) => {
				Object.assign(this.world.options, {clientClock: CLOCK + CLOCK_JUMPS[jump]!});
			},
		};
	}

	#trafficActions() {
		const {world} = this;
		return {
			send: (application, size) => this.#send(application, size),
			tiny: (application, size) => world.sendTiny(application, size),
			large: (application, size) => this.#send(application, size),
			burst: (application, count, gap) => this.#burst(application, count, gap),
			batch: (application, count, largest) =>
				world.batch(() => {
					for (let i = 0; i < count; i++) {
						this.#send((application + +(i % 7 === 3)) & 3, sizeInBatch(i, largest));
					}
				}),
			answers: (application, count, largest) =>
				world.batch(() => {
					for (let i = 0; i < count; i++) this.#reply(application, sizeInBatch(i, largest));
				}),
			reply: (application, size) => void this.#reply(application, size),
			advance: (time) => world.run(world.now + time),
			wait: (time) => world.run(world.now + time),
		} as const satisfies Partial<Record<OperationName, Action>>;
	}

	#networkActions() {
		const set = (path: number, direction: number, change: Partial<Impairment>) => {
			if (direction !== 1) Object.assign(this.#up[this.#path(path)]!, change);
			if (direction !== 0) Object.assign(this.#down[this.#path(path)]!, change);
		};
		const {world} = this;
		return {
			drop: (path, direction, drop) => set(path, direction, {drop}),
			delay: (path, direction, delay, delayBy) => set(path, direction, {delay, delayBy}),
			twice: (path, direction, twice) => set(path, direction, {twice}),
			corrupt: (path, direction, corrupt, bit) => set(path, direction, {corrupt, bit}),
			divert: (path, direction, divert, source) => set(path, direction, {divert, source}),
			down: (path, direction) => set(path, direction, {isDown: true}),
			up: (path) => set(path, 2, {isDown: false}),
			mtu: (path, largest) => set(path, 2, {largest}),
			link: (path, preset) => {
				const id = this.#path(path);
				world.configure(id, {...cleanLink(id), ...LINK_PRESETS[preset]});
			},
			nat: (path) => world.changeAddress(this.#path(path)),
			reopen: (path) =>
				this.#disturb('client', ({client, now}) => client?.pathOpened(this.#path(path), now)),
			refuse: (path) =>
				this.#disturb('client', ({client, now}) =>
					client?.pathRefused(this.#path(path), now, 'refused'),
				),
			toolong: (path, end, size) =>
				this.#disturb(ENDS[end]!, ({client, server, remotes, now}) => {
					const id = this.#path(path);
					if (end === 0) client?.pathTooLong(id, size, now);
					else server?.remoteTooLong(remotes[id]!, size, now);
				}),
		} as const satisfies Partial<Record<OperationName, Action>>;
	}

	#attackActions() {
		const attacker = this.#attacker;
		return {
			random: (end, path, length, first) =>
				attacker.random(ENDS[end]!, this.#path(path), length, first),
			replay: (end, path, index, source) =>
				attacker.replay(ENDS[end]!, this.#path(path), index, source),
			cut: (end, path, index, source, length) =>
				attacker.cut(ENDS[end]!, this.#path(path), index, source, length),
			flip: (end, path, index, source, bit) =>
				attacker.flip(ENDS[end]!, this.#path(path), index, source, bit),
			huge: (end, path, index, source) =>
				attacker.huge(ENDS[end]!, this.#path(path), index, source),
			reset: (path, kind) => attacker.reset(this.#path(path), kind),
			insider: (kind, fresh) => this.#insider?.act(kind, fresh),
			laneframes: (kind, fresh) => this.#insider?.actInLane(kind, fresh),
		} as const satisfies Partial<Record<OperationName, Action>>;
	}

	/** Gives an end an input that is neither packet nor datagram. */
	#disturb(end: End, run: (world: TunnelWorld) => void): void {
		this.world.poke(end, run);
	}

	/** Beyond the last path is the last path, so that path 0 is meant only by 0. */
	#path(index: number): number {
		return Math.min(index, this.#plan.paths - 1);
	}

	#send(application: number, size: number): void {
		const sequence = this.world.send(application, size);
		this.#expected.server.push(sequence);
		if (this.#plan.echo) this.#expected.client.push(sequence);
	}

	#burst(application: number, count: number, gap: Millis): void {
		for (let i = 0; i < count; i++) {
			this.#send(application, 200);
			if (gap > 0) this.world.run(this.world.now + gap);
		}
	}

	/** The handle of the target socket that an application's last datagram came out of. */
	#flow(application: number): number {
		const {atServer} = this.world;
		for (; this.#seen < atServer.length; this.#seen++) {
			const arrival = atServer[this.#seen]!;
			this.#flows[arrival.application] = arrival.flow;
		}
		return this.#flows[application] ?? -1;
	}

	#reply(application: number, size: number): number {
		const flow = this.#flow(application);
		if (flow < 0) return -1;
		const sequence = this.world.reply(flow, application, size);
		if (sequence >= 0) this.#expected.client.push(sequence);
		return sequence;
	}

	#checkStatus(): void {
		for (const end of ENDS) this.#watch.checkCounters(end);
		if (this.#plan.lanes) this.#lanes.check(this.world);
	}

	#kill(end: End, downtime: Millis): void {
		const {world} = this;
		this.#watch.checkCounters(end);
		this.#streams.restarted();
		if (end === 'client') world.killClient();
		else world.killServer();
		if (downtime > 0) world.at(world.now + downtime, () => this.#start(end));
		else this.#start(end);
	}

	#close(end: End, downtime: Millis): void {
		const {world} = this;
		const endpoint = world[end];
		if (endpoint === undefined || this.#watch.closedAt[end] !== Infinity) return;
		this.#watch.closedAt[end] = world.now;
		this.#streams.restarted();
		world.poke(end, () => endpoint.close(world.now));
		world.at(world.now + endpoint.lingerTime(), () => {
			if (world[end] === endpoint) this.#kill(end, downtime);
		});
	}

	#start(end: End): void {
		if (this.world[end] !== undefined) return;
		this.#streams.restarted();
		this.#watch.closedAt[end] = Infinity;
		if (end === 'client') {
			this.#watch.clientStarted = this.world.now;
			this.world.startClient();
		} else {
			// Handles of another life mean nothing to the new server.
			this.#flows.length = 0;
			this.#watch.serverStarted();
			this.#seen = this.world.atServer.length;
			this.world.startServer();
		}
	}

	/** Puts everything in order and sees that the tunnel recovers; the faults of this world. */
	finish(): readonly string[] {
		const {world} = this;
		for (const impairment of [...this.#up, ...this.#down]) impairment.clear();
		this.#lanes.lose(0, 0);
		for (let path = 0; path < this.#plan.paths; path++) world.configure(path, cleanLink(path));
		// Ends that are closing have at most 800 ms of lingering, then 3 s of pause before them.
		if (ENDS.some((end) => this.#watch.closedAt[end] !== Infinity)) world.run(world.now + 4000);
		for (const end of ENDS) this.#start(end);
		this.#settle();
		this.#streams.finish();
		this.#checkStatus();
		if (this.#plan.clean) this.#checkNothingLost();
		if (this.#plan.lanes) this.#lanes.finish(world);
		return world.faults;
	}

	#settle(): void {
		const {world} = this;
		const until = world.now + SETTLE;
		const sent = [new Set<number>(), new Set<number>()];
		const replies = [new Set<number>(), new Set<number>()];
		const missing = new Set(['up 0', 'down 0', 'up 1', 'down 1']);
		for (let round = 0; missing.size > 0 && world.now < until; round++) {
			[0, 4].forEach((application, index) => {
				if (round % 2 === 0) sent[index]!.add(world.send(application, 150));
				else replies[index]!.add(this.#reply(application, 150));
			});
			world.run(world.now + SETTLE_STEP);
			for (const index of [0, 1]) {
				if (some(sent[index]!, (id) => world.arrived('server', id))) missing.delete(`up ${index}`);
				if (some(replies[index]!, (id) => world.arrived('client', id))) {
					missing.delete(`down ${index}`);
				}
			}
		}
		for (const what of missing) world.faults.push(`no recovery within ${SETTLE} ms: ${what}`);
		if (missing.size === 0) this.#checkHealed();
	}

	/** Once a datagram got through, all of them do, and soon on every path: all are clean. */
	#checkHealed(): void {
		const {world} = this;
		const until = world.now + HEAL;
		let idle = 0;
		do {
			world.run(world.now + HEAL_STEP);
			const before = [...world.copies];
			const up = world.send(0, 1200);
			idle = world.copies.findIndex((count, path) => count === before[path]);
			world.run(world.now + 50);
			const down = this.#reply(0, 1200);
			world.run(world.now + 50);
			if (!world.arrived('server', up)) world.faults.push('a healed tunnel lost a datagram');
			if (!world.arrived('client', down)) world.faults.push('a healed tunnel lost a reply');
			const {copies, backup, lanes} = this.#plan;
			if (copies > 0 || backup > 0 || lanes > 0) return;
		} while (idle >= 0 && world.now < until);
		if (idle >= 0) world.faults.push(`a healed path ${idle} gets no copies`);
	}

	#checkNothingLost(): void {
		const {world} = this;
		for (const end of ENDS) {
			const lost = this.#expected[end].filter((sequence) => !world.arrived(end, sequence));
			if (lost.length === 0) continue;
			const at = world.sentAt(lost[0]!);
			world.faults.push(`${lost.length} datagrams did not reach the ${end}, first at ${at} ms`);
		}
		const [up] = world.client!.status(world.now).sessions;
		const [down] = world.server!.status(world.now).sessions;
		const same =
			up?.datagramsSent === down?.datagramsReceived &&
			down?.datagramsSent === up?.datagramsReceived;
		if (!same) world.faults.push('the counters of the ends differ');
		const rekeys = 0.5 * ((up?.age ?? 0) / this.#plan.rekey) - 2;
		if ((up?.rekeys ?? 0) < rekeys) world.faults.push(`only ${up?.rekeys} rekeys`);
	}
}

/** Most datagrams of a batch are small, one in four may be as large as the largest. */
function sizeInBatch(index: number, largest: number): number {
	return Math.max(7, (index * 613) % (index % 4 === 0 ? largest : Math.min(largest, 150)));
}

function some(ids: ReadonlySet<number>, test: (id: number) => boolean): boolean {
	for (const id of ids) if (test(id)) return true;
	return false;
}

/** Runs a world; the faults found, exceptions included. */
export function runWorld(
	plan: Plan,
	operations: readonly Operation[],
	record?: Recorder,
): readonly string[] {
	let world: OperationWorld | undefined;
	try {
		world = new OperationWorld(plan, record);
		for (const operation of operations) world.perform(operation);
		return world.finish();
	} catch (error) {
		const text = error instanceof Error ? error.stack : String(error);
		return [...(world?.world.faults ?? []), `thrown: ${text}`];
	}
}
