import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Program} from '../support/e2e/program.ts';
import {waitFor} from '../support/machine/wait-for.ts';

/** Starts the demo with a temporary folder of its own. */
function start(t: ExecutionContext, ...flags: readonly string[]) {
	const folder = mkdtempSync(join(tmpdir(), 'mptunnel-'));
	const program = new Program('mptunnel', ['demo', ...flags], {TMPDIR: folder});
	t.teardown(() => {
		program.kill('SIGKILL');
		rmSync(folder, {recursive: true, force: true});
	});
	return {program, left: () => readdirSync(folder)};
}

/** The figures of both directions in a summary, by the first words of their rows. */
function figures(output: string, row: string): readonly (readonly string[])[] {
	return output
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line.startsWith(row))
		.map((line) => line.slice(row.length).trim().split(/\s+/));
}

function number(text = ''): number {
	return Number(text.replaceAll(/[,%]/g, ''));
}

/** The cells of a policy's row at the beginning of a summary. */
function compared(end: string, policy: string): readonly number[] {
	const row = end
		.split('\n')
		.find((line) => /^\S.* [\d.-]+$/.test(line) && line.startsWith(policy));
	return (row ?? '').slice(policy.length).trim().split(/ +/).map(number);
}

test.serial('ten seconds end with a summary that begins with the policies compared', async (t) => {
	const {program, left} = start(t, '--seconds', '10');
	await waitFor(() => program.code !== undefined, 'the end of the demo', 60_000);
	t.is(program.code, 0, program.stderr);
	// The last table is above the summary, which begins with the time and a colon.
	const [head = '', end = ''] = program.stdout.split(/^(?=[\d.]+ s: )/m);
	t.regex(head, /near +client -> server +up +[\d.]+ +[\d.]+ +[\d.]+\n/);
	t.regex(head, /^fec 1\.5 +client -> server +[\d,]+ +[\d,]+ +[\d,]+ +[\d.]+$/m);
	// A machine that stalls makes the tunnels hold copies back, and the summary says so.
	const stalled = /Copies not sent|lost beside the links|too busy/.test(end);
	for (const [policy, traffic] of [
		['redundant', 3],
		['fec 1.5', 1.5],
	] as const) {
		const [failed = 0, late = 0, of = 0, share, most, factor = 0, delay = 0, tail] = compared(
			end,
			policy,
		);
		t.true(of > 1000 && failed >= late && most! >= share!, end);
		t.true(stalled || Math.abs(factor - traffic) < 0.1 * traffic, `${policy}: ${factor}`);
		t.true(stalled || Math.abs(share! - (100 * failed) / of) < 0.01, end);
		t.true(delay >= 10 && tail! >= delay, end);
	}
	for (const path of ['near', 'middle', 'far']) {
		const rows = figures(end, `packets on path ${path}`);
		t.is(rows.length, 4);
		for (const [sent, arrived] of rows) t.true(number(arrived) < number(sent));
	}
	const [recovered] = figures(end, 'recovered from repairs');
	t.true(number(recovered?.[0]) > 0, end);
	t.true(end.includes('Datagrams delivered twice: 0.'), end);
	t.is(program.stderr, '');
	t.deepEqual(left(), []);
});

test.serial('with redundant alone the residual loss is the product', async (t) => {
	const {program} = start(t, '--seconds', '8', '--policy', 'redundant', '--loss', '20%');
	await waitFor(() => program.code !== undefined, 'the end of the demo', 60_000);
	t.is(program.code, 0, program.stderr);
	const [, end = ''] = program.stdout.split(/^(?=[\d.]+ s: )/m);
	const products = figures(end, 'expected: product of the paths').map(
		([loss]) => number(loss) / 100,
	);
	const residuals = figures(end, 'residual: datagrams');
	t.is(products.length, 2);
	for (const path of ['near', 'middle', 'far']) {
		for (const [, , loss] of figures(end, `packets on path ${path}`)) {
			t.true(Math.abs(number(loss) - 20) < 5, `${path}: ${loss}`);
		}
	}
	for (const [index, [sent, arrived, loss]] of residuals.entries()) {
		const ratio = 1 - number(arrived) / number(sent);
		t.true(Math.abs(number(loss) / 100 - ratio) < 1e-4);
		const stalled = /Copies not sent|lost beside the links/.test(end);
		const deviation = Math.sqrt((products[index]! * (1 - products[index]!)) / number(sent));
		t.true(stalled || Math.abs(ratio - products[index]!) < 6 * deviation, end);
	}
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
	test.serial(`${signal} ends with the same summary and 0`, async (t) => {
		const {program, left} = start(t, '--rate', '200');
		await waitFor(() => program.stdout.includes('residual loss'), 'a table');
		program.kill(signal);
		t.is(await program.end(), 0);
		t.regex(program.stdout, /expected: product of the paths +[\d.]+\n/);
		t.regex(program.stdout, /too few datagrams to judge/);
		t.false(program.stdout.includes('\u001b'));
		t.deepEqual(left(), []);
	});
}

test.serial('bad flags are one line and 2', async (t) => {
	for (const flags of [
		...[['--seconds', '0'], ['--seconds', 'x'], ['--rate', '-1'], ['--nope'], ['--loss', '99%']],
		...[
			['--policy', 'nope'],
			['--policy', 'fec 9'],
			['--policy', 'pin dsl'],
		],
		['--policy', 'best', '--policy', 'fec', '--policy', 'fec 2', '--policy', 'fec 3'],
	]) {
		const {program} = start(t, ...flags);
		t.is(await program.end(), 2);
		t.is(program.stderr.trimEnd().split('\n').length, 1, program.stderr);
		t.is(program.stdout, '');
	}
});
