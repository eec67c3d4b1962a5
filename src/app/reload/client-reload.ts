import {appliedClient, type Change, clientChanges} from '../../config/changes.ts';
import type {ClientOptions} from '../../config/client.ts';
import type {ClientTunnel} from '../../net/tunnel/client-tunnel.ts';
import {escapeText, quoteText} from '../../text/escape-text.ts';
import type {ConnectionReport} from '../observe/connection-report.ts';
import type {Logger} from '../observe/logger.ts';
import type {PathUse, Reloaded, Steering} from '../page/steering.ts';
import {ClientNumbers, type PathUses, shownNames, tunnelSettings} from './client-settings.ts';
import {type Configuration, Reloader} from './reload.ts';

/** The parts of a running client that its reloads change. */
export interface ClientReloadInit {
	readonly options: ClientOptions;
	readonly tunnel: ClientTunnel;
	readonly report: ConnectionReport;
	/** Names of the paths as the user wrote them, by their ids; kept up to date. */
	readonly names: string[];
	readonly logger: Logger;
	/** `undefined`: there is nothing to read again. */
	readonly configuration: Configuration<ClientOptions> | undefined;
	/** Throws an Error for the user when the machine lacks what options need. */
	readonly check: (options: ClientOptions) => void;
}

/** The options of a running client: replaces them, and steers its paths. */
export class ClientReload implements Steering {
	/** The options that hold now. */
	options: ClientOptions;
	/** Called with the options that hold from now on. */
	applied: (options: ClientOptions) => void = () => {};
	readonly #reloader: Reloader<ClientOptions>;
	readonly #init: ClientReloadInit;
	#numbers: ClientNumbers;
	#uses: PathUses = new Map();

	constructor(init: ClientReloadInit) {
		this.#init = init;
		this.options = init.options;
		this.#numbers = ClientNumbers.first(init.options);
		const {configuration, logger} = init;
		this.#reloader = new Reloader<ClientOptions>({
			configuration,
			apply: (next) => this.#apply(next),
			applied: (options) => this.applied(options),
			logger,
		});
	}

	/** Names of the paths as the user wrote them, by those of the core. */
	get shown(): ReadonlyMap<string, string> {
		return shownNames(this.options, this.#numbers);
	}

	reload(): Promise<Reloaded> {
		return this.#reloader.reload();
	}

	async #apply(
		next: ClientOptions,
	): Promise<{readonly changes: readonly Change[]; readonly options: ClientOptions}> {
		const {tunnel, check} = this.#init;
		const before = this.options;
		const changes = clientChanges(before, next);
		const options = appliedClient(before, next);
		check(options);
		const numbers = this.#numbers.next(before, options, (taken) => tunnel.freePath(taken));
		const prepared = await tunnel.prepare(tunnelSettings(options, numbers));
		this.#uses = new Map();
		this.#adopt(options, numbers);
		prepared.commit();
		return {changes, options};
	}

	#adopt(options: ClientOptions, numbers: ClientNumbers): void {
		const {report, names} = this.#init;
		this.options = options;
		this.#numbers = numbers;
		for (const [name, id] of numbers.paths) names[id] = name;
		const paths = options.paths.map((path) => [numbers.paths.get(path.name)!, path] as const);
		report.reconfigure(new Map(paths));
	}

	/**
	 * Uses a path otherwise until the next reload or restart. Returns the reason when it cannot be.
	 *
	 * @param path its name as the user wrote it
	 */
	steer(use: PathUse, path: string): string | undefined {
		const {options} = this;
		if (!options.paths.some(({name}) => name === path)) {
			const names = options.paths.map(({name}) => escapeText(name)).join(', ');
			return `no path is called ${quoteText(path)} (there are ${names})`;
		}
		const uses = new Map(this.#uses).set(path, use);
		if (options.paths.every(({name}) => uses.get(name) === 'hold')) {
			return `${quoteText(path)} is the only path that is not held`;
		}
		this.#uses = uses;
		this.#init.tunnel.reconfigure(tunnelSettings(options, this.#numbers, uses).settings);
		this.#init.logger.info('a path is steered until the next reload', {path, use});
		return undefined;
	}
}
