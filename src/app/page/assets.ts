import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {fileURLToPath} from 'node:url';

/** A file as it is served. */
export interface Asset {
	readonly type: string;
	readonly body: Buffer;
}

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

/** The page's own files: they are served as they are written. */
const OWN: Readonly<Record<string, string>> = {
	'page.html': HTML,
	'page.css': CSS,
	'main.js': SCRIPT,
	'elements.js': SCRIPT,
	'lanes.js': SCRIPT,
	'past.js': SCRIPT,
	'paths.js': SCRIPT,
	'plots.js': SCRIPT,
	'steer.js': SCRIPT,
	'tables.js': SCRIPT,
	'timeline.js': SCRIPT,
};

/** Modules of this program without imports of Node.js: one code formats a figure everywhere. */
const SHARED = [
	'text/figures.js',
	'fec/residual.js',
	'app/observe/lane-words.js',
	'app/observe/path-finding.js',
] as const;

const PLOTS: Readonly<Record<string, string>> = {'uPlot.iife.min.js': SCRIPT, 'uPlot.min.css': CSS};

/**
 * Reads all files of the page, by their paths behind the token: the page itself is `''`, its parts
 * are where they are in `src`, so that their imports of each other hold. Throws what the file
 * system throws.
 */
export function readAssets(): ReadonlyMap<string, Asset> {
	// The build has only what was compiled; the package brings both.
	const source = new URL('../../../../src/app/page/assets/', import.meta.url);
	const build = new URL('../../', import.meta.url);
	const resolve = createRequire(import.meta.url).resolve;
	const own = Object.entries(OWN).map(([name, type]) => {
		const path = name === 'page.html' ? '' : `app/page/assets/${name}`;
		return [path, {type, body: readFileSync(fileURLToPath(new URL(name, source)))}] as const;
	});
	const shared = SHARED.map((name) => {
		return [name, {type: SCRIPT, body: readFileSync(fileURLToPath(new URL(name, build)))}] as const;
	});
	const plots = Object.entries(PLOTS).map(([name, type]) => {
		return [name, {type, body: readFileSync(resolve(`uplot/dist/${name}`))}] as const;
	});
	return new Map<string, Asset>([...own, ...shared, ...plots]);
}
