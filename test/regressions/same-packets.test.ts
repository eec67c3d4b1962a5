/*
 * Random worlds without streams put the same packets on the same paths at the same times as they did
 * before the structure of the core was rebuilt: fixtures/same-packets.json holds a digest for each.
 * `MPTUNNEL_RECORD=1 npx ava test/regressions/same-packets.test.ts` writes it anew.
 */
import {createHash} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {runWorld} from '../support/operations/operation-world.ts';
import {
	type Operation,
	operationsArbitrary,
	type Plan,
	planArbitrary,
	type Theme,
} from '../support/operations/operations.ts';

const FIXTURE = 'fixtures/same-packets.json';
const THEMES: readonly Theme[] = ['clean', 'lossy', 'restart', 'hostile'];
const WORLDS_EACH = 60;
const OPERATIONS_EACH = 100;

type Digests = Readonly<Record<string, readonly string[]>>;

function digestOf(plan: Plan, operations: readonly Operation[]): string {
	const hash = createHash('sha256');
	const head = new DataView(new ArrayBuffer(12));
	const faults = runWorld(plan, operations, (bytes, path, up, now) => {
		head.setFloat64(0, now);
		head.setUint16(8, path * 2 + +up);
		head.setUint16(10, bytes.length);
		hash.update(new Uint8Array(head.buffer));
		hash.update(bytes);
	});
	return faults.length === 0 ? hash.digest('hex').slice(0, 16) : `faults: ${faults[0]}`;
}

function digestsOf(theme: Theme): readonly string[] {
	const arbitrary = fc.tuple(planArbitrary(theme), operationsArbitrary(theme, OPERATIONS_EACH));
	const worlds = fc.sample(arbitrary, {numRuns: WORLDS_EACH, seed: 17});
	return worlds.map(([plan, operations]) => digestOf(plan, operations));
}

if (process.env['MPTUNNEL_RECORD'] === '1') {
	const all = Object.fromEntries(THEMES.map((theme) => [theme, digestsOf(theme)]));
	writeFileSync(FIXTURE, `${JSON.stringify(all, undefined, '\t')}\n`);
}

const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Digests;

for (const theme of THEMES) {
	test(`the packets of ${WORLDS_EACH} ${theme} worlds are the recorded ones`, (t) => {
		const now = digestsOf(theme);
		const moved = now.flatMap((digest, i) => (digest === recorded[theme]![i] ? [] : [i]));
		t.deepEqual(moved, [], `worlds whose packets differ; now ${now[moved[0] ?? 0]}`);
	});
}
