import {Buffer} from 'node:buffer';
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {resolveClientOptions} from '../../src/config/client.ts';
import {ConfigError} from '../../src/config/errors.ts';
import {resolveServerOptions} from '../../src/config/server.ts';
import {Prng} from '../../src/sim/prng.ts';
import {Mutator} from './mutator.ts';
import type {FuzzTarget, MakeTarget} from './target.ts';

/** Longest text of all problems together that a person may get. */
const LONGEST = 65_536;
const KINDS = ['c.yaml', 'c.conf', 'c.json', 's.yaml', 'users.yaml', 'users.keys'] as const;
// biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may reach a terminal
const CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f]/;

/** Every example and every mistake in the fixtures. */
function examples(): readonly Uint8Array[] {
	const folders = ['fixtures/config', 'fixtures/config/invalid'].map((name) => resolve(name));
	const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
	return files
		.filter((file) => statSync(file).isFile() && !/\.(expected\.txt|schema\.json)$/.test(file))
		.map((file) => new Uint8Array(readFileSync(file)));
}

/** Configuration files, users files and key files: read, or refused with words for people. */
class ConfigurationTarget implements FuzzTarget {
	readonly name = 'configuration';
	trail: string[] = [];
	readonly #random: Prng;
	readonly #mutator: Mutator;
	readonly #examples = examples();
	readonly #folder = mkdtempSync(join(tmpdir(), 'mptunnel-fuzz-'));

	constructor(seed: string) {
		this.#random = new Prng(`configuration ${seed}`);
		this.#mutator = new Mutator(this.#random);
		writeFileSync(join(this.#folder, 'tunnel.key'), `${'A'.repeat(42)}E=\n`, {mode: 0o600});
	}

	step(): void {
		const mutator = this.#mutator;
		const kind = mutator.pick(KINDS);
		const text = mutator.mutate(mutator.pick(this.#examples), mutator.pick(this.#examples));
		this.trail = [kind, Buffer.from(text).toString('base64')];
		writeFileSync(join(this.#folder, kind), text, {mode: 0o600});
		try {
			this.#resolve(kind);
		} catch (error) {
			if (!(error instanceof ConfigError)) throw error;
			this.#checkWords(error);
		}
	}

	#resolve(kind: (typeof KINDS)[number]): void {
		const surroundings = {env: {}, cwd: this.#folder};
		if (kind.startsWith('c.')) resolveClientOptions({config: kind}, surroundings);
		else if (kind === 's.yaml') resolveServerOptions({config: kind}, surroundings);
		else {
			const flags = kind === 'users.keys' ? {keyFile: [kind]} : {users: kind};
			resolveServerOptions(
				{port: '2000', host: '127.0.0.1', targetPort: '9', ...flags},
				surroundings,
			);
		}
	}

	#checkWords({message, exitCode}: ConfigError): void {
		if (exitCode !== 2 || message === '') throw new Error(`exit code ${exitCode}, "${message}"`);
		if (CONTROLS.test(message)) throw new Error('control characters in a message');
		if (message.length > LONGEST) throw new Error(`${message.length} characters of messages`);
	}

	finish(): void {}

	dispose(): void {
		rmSync(this.#folder, {recursive: true});
	}
}

/** Configuration, users and key files. */
export const configuration: MakeTarget = (seed) => new ConfigurationTarget(seed);
