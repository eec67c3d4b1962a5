import type {TargetSockets} from './target-sockets.ts';

/** Name or IP literal of a fixed target. */
export interface TargetPlace {
	readonly host: string;
	readonly port: number;
}

/** Fixed targets of a server; they are complete. */
export interface TargetPlaces {
	/** Target of users who have none of their own. `undefined`: none. */
	readonly target: TargetPlace | undefined;
	/** Targets of single users, by name. */
	readonly userTargets?: ReadonlyMap<string, TargetPlace> | undefined;
}

/** Inputs of fixed targets. */
export interface FixedTargetsInit {
	readonly make: (place: TargetPlace) => TargetSockets;
	readonly userOf: (flow: number) => string;
}

interface Target {
	readonly place: TargetPlace;
	readonly sockets: TargetSockets;
}

/** The fixed targets of a server: one for all users, and those of single ones. */
export class FixedTargets {
	readonly #init: FixedTargetsInit;
	#common: Target | undefined;
	#users: ReadonlyMap<string, Target> = new Map();
	/** Sockets of each flow; only filled where users have targets of their own. */
	readonly #ofFlow = new Map<number, TargetSockets>();
	/** Counts of targets that are closed. */
	readonly #past = {dropped: 0, missed: 0, failures: 0};
	#started = false;

	constructor(init: FixedTargetsInit, places: TargetPlaces) {
		this.#init = init;
		this.reconfigure(places);
	}

	get #all(): readonly Target[] {
		const own = [...this.#users.values()];
		return this.#common === undefined ? own : [this.#common, ...own];
	}

	/** Datagrams lost at the sockets, by reason. */
	get drops(): Readonly<Record<string, number>> {
		const {dropped, missed, failures} = this.#past;
		const all = this.#all.map(({sockets}) => sockets);
		return {
			'target-queue-full': all.reduce((sum, one) => sum + one.dropped, dropped),
			'target-receive-queue-full': all.reduce((sum, one) => sum + one.missed, missed),
			'target-send-failed': all.reduce((sum, one) => sum + one.failures, failures),
		};
	}

	/** Begins to resolve their names. */
	start(): void {
		this.#started = true;
		for (const {sockets} of this.#all) void sockets.start();
	}

	/**
	 * Takes other targets; one that stays keeps its flows, those of another begin anew at their next
	 * datagram.
	 */
	reconfigure({target, userTargets = new Map()}: TargetPlaces): void {
		const before = this.#all;
		this.#common = target && this.#renewed(this.#common, target);
		this.#users = new Map(
			[...userTargets].map(([user, place]) => [user, this.#renewed(this.#users.get(user), place)]),
		);
		const now = new Set(this.#all);
		for (const gone of before) if (!now.has(gone)) this.#retire(gone);
		this.#ofFlow.clear();
	}

	#renewed(known: Target | undefined, place: TargetPlace): Target {
		if (known?.place.host === place.host && known.place.port === place.port) return known;
		const sockets = this.#init.make(place);
		if (this.#started) void sockets.start();
		return {place, sockets};
	}

	#retire({sockets}: Target): void {
		this.#past.dropped += sockets.dropped;
		this.#past.missed += sockets.missed;
		this.#past.failures += sockets.failures;
		void sockets.close();
	}

	/** Returns the sockets for a flow. `undefined`: its user has no fixed target. */
	of(flow: number): TargetSockets | undefined {
		if (this.#users.size === 0) return this.#common?.sockets;
		let sockets = this.#ofFlow.get(flow);
		if (sockets === undefined) {
			sockets = (this.#users.get(this.#init.userOf(flow)) ?? this.#common)?.sockets;
			if (sockets !== undefined) this.#ofFlow.set(flow, sockets);
		}
		return sockets;
	}

	/** Forgets a flow that failed. */
	forget(flow: number): void {
		this.#ofFlow.delete(flow);
	}

	/** The flow has ended. */
	end(flow: number): void {
		// Its user may be gone, or have had another target when it began.
		if (this.#users.size === 0) this.#common?.sockets.end(flow);
		else for (const {sockets} of this.#all) sockets.end(flow);
		this.#ofFlow.delete(flow);
	}

	flush(): void {
		this.#common?.sockets.flush();
		for (const {sockets} of this.#users.values()) sockets.flush();
	}

	async close(): Promise<void> {
		await Promise.all(this.#all.map(({sockets}) => sockets.close()));
	}
}
