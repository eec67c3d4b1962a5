import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

let version: string | undefined;

/** The version in package.json. */
export function programVersion(): string {
	version ??= readVersion();
	return version;
}

function readVersion(): string {
	// One level deeper in build/ than in the sources: look upwards for it.
	let folder = dirname(fileURLToPath(import.meta.url));
	while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) {
		folder = dirname(folder);
	}
	const text = readFileSync(join(folder, 'package.json'), 'utf8');
	return /^\s*"version": "([^"]+)"/m.exec(text)?.[1] ?? 'unknown';
}
