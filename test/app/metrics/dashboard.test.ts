import {readFileSync} from 'node:fs';
import test from 'ava';
import {METRICS} from '../../../src/app/metrics/table.ts';

interface Dashboard {
	readonly panels: readonly {
		readonly title: string;
		readonly targets: readonly {readonly expr: string; readonly legendFormat: string}[];
	}[];
	readonly templating: {
		readonly list: readonly {readonly query: string | {readonly query: string}}[];
	};
}

const text = readFileSync('fixtures/grafana/mptunnel.json', 'utf8');
const dashboard = JSON.parse(text) as Dashboard;
const KINDS = new Map(METRICS.map((kind) => [kind.name, kind]));
/** Labels that Prometheus adds. */
const OWN = new Set(['instance', 'job']);

function namesIn(expression: string): readonly string[] {
	return [...expression.matchAll(/\bmptunnel_\w+/g)].map(([name]) => name);
}

test('every expression of the dashboard names metrics that there are', (t) => {
	const targets = dashboard.panels.flatMap((panel) => panel.targets);
	t.true(targets.length > 15);
	for (const {expr} of targets) {
		const names = namesIn(expr);
		t.true(names.length > 0, expr);
		for (const name of names) {
			const kind = KINDS.get(name);
			t.truthy(kind, name);
			// A counter is shown by how it rises.
			t.is(/\b(?:rate|increase)\(/.test(expr), kind?.type === 'counter', expr);
		}
	}
	const variables = dashboard.templating.list.map(({query}) =>
		typeof query === 'string' ? query : query.query,
	);
	t.deepEqual(
		variables.flatMap(namesIn).filter((name) => !KINDS.has(name)),
		[],
	);
});

test('every legend of the dashboard names labels that its metric has', (t) => {
	for (const {expr, legendFormat} of dashboard.panels.flatMap((panel) => panel.targets)) {
		const labels = KINDS.get(namesIn(expr)[0] ?? '')?.labels ?? [];
		for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
			t.true(OWN.has(label) || labels.includes(label as never), `${label} of ${expr}`);
		}
	}
});
