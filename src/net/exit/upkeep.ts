import {networkInterfaces} from 'node:os';
import type {Millis} from '../../bytes/time.ts';
import type {ExitPolicy} from '../../exit/policy.ts';
import type {RuleSet} from '../../exit/rules.ts';
import {parseIp, withoutZone} from '../../text/ip.ts';
import type {NameAnswer} from '../names/names.ts';
import type {Reporter} from '../reporter.ts';

/** Inputs of the upkeep of an exit policy. */
export interface ExitUpkeepInit {
	readonly policy: ExitPolicy;
	/** Rules whose host names are looked up. */
	readonly rules: readonly RuleSet[];
	readonly resolve: (user: string, name: string) => Promise<NameAnswer>;
	/** Rescanned together with the addresses. */
	readonly locality?: {rescan(): void} | undefined;
	/**
	 * Calls back when links, addresses or routes change. `undefined`: the system reports no changes.
	 */
	readonly watch?: (changed: () => void) => {close(): void} | undefined;
	/** Addresses that reach this machine beside those of its interfaces, as text. */
	readonly bind: readonly string[];
	readonly reporter: Reporter;
	/** Called when verdicts may differ from now on. */
	readonly changed: () => void;
	/** All addresses of the interfaces, or throws; the system's except in tests. */
	readonly addresses?: () => readonly string[];
}

/** In the place of a list of addresses where there is none. */
const UNKNOWN = '?';

const ADDRESSES_UNKNOWN =
	'the addresses of this machine cannot be listed, so what the exit may reach is asked of the ' +
	'system one by one (with systemd RestrictAddressFamilies= must name AF_NETLINK)';

/** Interval at which the addresses of this machine are read. */
const RESCAN_INTERVAL: Millis = 5000;

/** Interval at which the host names of rules are looked up. */
const RULES_INTERVAL: Millis = 60_000;

/** Longest wait of a starting server for names in rules. */
const START_LIMIT: Millis = 8000;

/** Looks after what a policy cannot know by itself: own addresses, and those of names in rules. */
export class ExitUpkeep {
	readonly #init: ExitUpkeepInit;
	readonly #failed = new Set<string>();
	#known = '';
	#timers: NodeJS.Timeout[] = [];
	#watch: {close(): void} | undefined;
	/** True when routes may have changed since the last look. */
	#routesChanged = false;
	#closed = false;

	constructor(init: ExitUpkeepInit) {
		this.#init = init;
	}

	/** Begins; resolves when every name in a rule was looked up once, or soon without that. */
	async start(): Promise<void> {
		// On a router routes change all the time: verdicts are made anew with the addresses only.
		this.#watch = this.#init.watch?.(() => {
			this.#routesChanged = true;
		});
		this.rescan();
		this.#timers = [
			setInterval(() => {
				this.rescan();
				if (this.#failed.size > 0) void this.#lookUpAll([...this.#failed]);
			}, RESCAN_INTERVAL),
			setInterval(() => void this.lookUp(), RULES_INTERVAL),
		];
		let patience: NodeJS.Timeout | undefined;
		const enough = new Promise<void>((resolve) => {
			patience = setTimeout(resolve, START_LIMIT);
		});
		await Promise.race([this.lookUp(), enough]);
		clearTimeout(patience);
	}

	close(): void {
		this.#closed = true;
		for (const timer of this.#timers) clearInterval(timer);
		this.#watch?.close();
	}

	/** Reads the addresses of this machine again, and has verdicts made anew that may be others. */
	rescan(): void {
		const {locality, changed} = this.#init;
		locality?.rescan();
		// A route can make any address one of this machine's.
		const isStale = this.#routesChanged || this.#watch === undefined;
		this.#routesChanged = false;
		const differs = this.#readAddresses();
		if (differs || (isStale && locality !== undefined)) changed();
	}

	/** True = they are others than before. */
	#readAddresses(): boolean {
		const {policy, bind} = this.#init;
		const found = this.#read();
		// A sandbox that forbids the question must not open what was closed.
		if (found.length === 0 && this.#known !== '') return false;
		const addresses = [...new Set([...bind, ...found])].sort();
		const text = found.length === 0 ? UNKNOWN : addresses.join();
		if (text === this.#known) return false;
		this.#known = text;
		const own = addresses.flatMap((address) => parseIp(withoutZone(address)) ?? []);
		policy.setOwnAddresses(found.length === 0 ? undefined : own);
		return true;
	}

	#read(): readonly string[] {
		let reason = 'the system lists none';
		try {
			const found = (this.#init.addresses ?? interfaceAddresses)();
			if (found.length > 0) return found;
		} catch (error) {
			reason = error instanceof Error ? error.message : String(error);
		}
		if (this.#known === '') this.#init.reporter.warn(ADDRESSES_UNKNOWN, {reason});
		return [];
	}

	/** Returns the addresses of names, of those that are found soon. */
	async find(names: readonly string[]): Promise<ReadonlyMap<string, readonly Uint8Array[]>> {
		const found = new Map<string, readonly Uint8Array[]>();
		let patience: NodeJS.Timeout | undefined;
		const enough = new Promise<void>((resolve) => {
			patience = setTimeout(resolve, START_LIMIT);
		});
		const all = names.map(async (name) => {
			const {addresses, failure} = await this.#init.resolve('', name);
			if (failure === undefined) found.set(name, addresses);
			else this.#failed.add(name);
		});
		await Promise.race([Promise.all(all), enough]);
		clearTimeout(patience);
		return found;
	}

	/** Looks the names in rules up again; a name without an answer keeps the addresses it had. */
	async lookUp(): Promise<void> {
		await this.#lookUpAll([...new Set(this.#init.rules.flatMap((set) => set.names()))]);
	}

	async #lookUpAll(names: readonly string[]): Promise<void> {
		await Promise.all(names.map((name) => this.#lookUpOne(name)));
		if (names.length > 0 && !this.#closed) this.#init.changed();
	}

	async #lookUpOne(name: string): Promise<void> {
		const {resolve, rules, reporter} = this.#init;
		const {addresses, failure} = await resolve('', name);
		if (this.#closed) return;
		if (failure === undefined) {
			this.#failed.delete(name);
			for (const set of rules) set.setAddresses(name, addresses);
		} else if (!this.#failed.has(name)) {
			this.#failed.add(name);
			const reason = failure.detail;
			reporter.warn('a name in --allow or --deny cannot be resolved', {name, reason});
		}
	}
}

/** Every address of every interface. */
function interfaceAddresses(): readonly string[] {
	return Object.values(networkInterfaces()).flatMap((list) =>
		(list ?? []).map(({address}) => address),
	);
}
