import {type Change, formatChange} from '../../config/changes.ts';
import {ConfigError, formatProblem} from '../../config/errors.ts';
import type {Resolved} from '../../config/settings.ts';
import {escapeControls} from '../../text/escape-text.ts';
import type {Logger} from '../observe/logger.ts';
import type {Reloaded} from '../page/steering.ts';

/** The configuration of a program, to be read anew. */
export interface Configuration<Options> {
	/** Reads flags, environment, files and keys again. Throws a ConfigError when one is wrong. */
	readonly read: () => Resolved<Options>;
	/** Called with the options that hold from now on. */
	readonly applied: (options: Options) => void;
}

/** Inputs of a reloader. */
export interface ReloaderInit<Options> {
	/** `undefined`: the program cannot read its configuration anew. */
	readonly configuration: Configuration<Options> | undefined;
	/** Puts options into effect. Returns the differences; throws when nothing has changed. */
	readonly apply: (options: Options) => Promise<{
		readonly changes: readonly Change[];
		readonly options: Options;
	}>;
	/** Called with the options that hold from now on. */
	readonly applied: (options: Options) => void;
	readonly logger: Logger;
}

/** Reads the configuration of a running program anew and applies the difference, one at a time. */
export class Reloader<Options> {
	readonly #init: ReloaderInit<Options>;
	#last: Promise<unknown> = Promise.resolve();

	constructor(init: ReloaderInit<Options>) {
		this.#init = init;
	}

	/** Reloads once those before are done; never rejects. */
	reload(): Promise<Reloaded> {
		const next = this.#last.then(() => this.#reload());
		this.#last = next;
		return next;
	}

	async #reload(): Promise<Reloaded> {
		const {configuration, apply, logger} = this.#init;
		try {
			if (configuration === undefined) throw new Error('there is no configuration to read');
			const {options, warnings} = configuration.read();
			for (const warning of warnings) logger.warn(warning);
			const applied = await apply(options);
			configuration.applied(applied.options);
			this.#init.applied(applied.options);
			return this.#report(applied.changes, warnings);
		} catch (error) {
			const isWrong = error instanceof ConfigError;
			const problems = isWrong ? error.problems.map(formatProblem) : [messageOf(error)];
			for (const problem of problems) {
				logger.error('the configuration is not applied, nothing has changed', {problem});
			}
			return {outcome: isWrong ? 'refused' : 'failed', changes: [], problems};
		}
	}

	#report(changes: readonly Change[], warnings: readonly string[]): Reloaded {
		const {logger} = this.#init;
		const words = changes.map(formatChange);
		logger.info('configuration read again', {changes: words.join('; ') || 'none'});
		const waiting = changes.filter(({restart}) => restart);
		if (waiting.length > 0) {
			const options = waiting.map(({subject}) => subject).join(', ');
			logger.warn('a part of the configuration takes a restart', {options});
		}
		const outcome = waiting.length > 0 ? 'partly' : 'applied';
		return {outcome, changes: words, problems: warnings};
	}
}

function messageOf(error: unknown): string {
	return escapeControls(error instanceof Error ? error.message : String(error));
}
