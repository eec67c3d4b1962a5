import {readFileSync} from 'node:fs';
import {METRICS} from '../../src/app/metrics/table.ts';
import {example} from '../support/documents/document.ts';
import {type BothPrograms, startBoth} from '../support/e2e/both-programs.ts';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import {attempt} from '../support/machine/commands.ts';
import {systemEnvironment} from '../support/machine/machine.ts';

interface Vector {
	readonly data: {
		readonly result: readonly {
			readonly metric: Readonly<Record<string, string>>;
			readonly value: readonly [number, string];
		}[];
	};
}

/** Asks until an answer is there, and is what is waited for. */
async function until<T>(ask: () => Promise<T | undefined>, what: () => string): Promise<T> {
	const end = performance.now() + 30_000;
	for (;;) {
		const answer = await ask().catch(() => undefined);
		if (answer !== undefined) return answer;
		if (performance.now() > end) throw new Error(`waited in vain for ${what()}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

async function vector(port: number, query: string): Promise<Vector['data']['result']> {
	const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`;
	const answer = await fetch(url);
	return ((await answer.json()) as Vector).data.result;
}

function served(metrics: readonly number[]) {
	const [client, server] = metrics;
	return {client: `metrics: 127.0.0.1:${client}\n`, server: `metrics: 127.0.0.1:${server}\n`};
}

async function scrape(port: number, accept = '*/*'): Promise<string> {
	const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {headers: {accept}});
	return await answer.text();
}

const WITH_PROMETHEUS = needing({programs: ['prometheus', 'promtool']});

WITH_PROMETHEUS.serial(
	'Prometheus reads both ends, and finds nothing wrong with names',
	async (t) => {
		const stage = new Stage(t);
		const ports = [await freePort(), await freePort()];
		const web = await freePort();
		const programs: BothPrograms = await startBoth(t, served(ports));
		for (const port of ports) {
			const input = await scrape(port);
			const checked = attempt('promtool', ['check', 'metrics'], {
				input,
				env: systemEnvironment(),
			});
			t.is(checked.status, 0, `${checked.stdout}${checked.stderr}`);
			t.is(`${checked.stdout}${checked.stderr}`, '');
		}
		const usual = example('src/app/README.md', 'prometheus.yml');
		const targets = usual.replace('9481', `${ports[0]}`).replace('9482', `${ports[1]}`);
		t.not(targets, usual);
		const config = stage.write(
			'prometheus.yml',
			`global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n${targets}`,
		);
		const prometheus = stage.child('prometheus', [
			`--config.file=${config}`,
			`--storage.tsdb.path=${stage.path('tsdb')}`,
			`--web.listen-address=127.0.0.1:${web}`,
		]);
		const up = async () => {
			const found = await vector(web, 'up == 1');
			return found.length === 2 ? found : undefined;
		};
		await until(up, () => 'both ends');
		const sent = async () => {
			const found = await vector(web, 'mptunnel_policy_datagrams_total{policy="voice"} > 0');
			return found.length === 2 ? found : undefined;
		};
		await until(sent, () => 'datagrams of both ends');
		const paths = await vector(web, 'mptunnel_path_up == 1');
		t.deepEqual(
			paths.map(({metric}) => metric['path']),
			['good', 'good'],
		);
		const [own] = programs.client.status().totals;
		t.is(own?.datagramsSent, 2);
		// What the dashboard asks for is understood.
		const dashboard = readFileSync('fixtures/grafana/mptunnel.json', 'utf8');
		for (const [, quoted] of dashboard.matchAll(/"expr": (".*"),?$/gm)) {
			const expression = JSON.parse(quoted!) as string;
			const query = expression.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*');
			t.true(Array.isArray(await vector(web, query)), query);
		}
		void prometheus;
	},
);

needing({}).serial('every metric has samples, and OpenMetrics has the same ones', async (t) => {
	const ports = [await freePort(), await freePort()];
	await startBoth(t, served(ports));
	const texts = [await scrape(ports[0]!), await scrape(ports[1]!)];
	const open = await scrape(ports[0]!, 'application/openmetrics-text');
	t.true(open.endsWith('# EOF\n'));
	// It may not have been measured yet.
	const late = /seconds$|ratio$/;
	const bare = METRICS.filter(({name}) => !late.test(name)).filter(({name}) =>
		texts.every((text) => !new RegExp(`^${name}[{ ]`, 'm').test(text)),
	);
	t.deepEqual(
		bare.map(({name}) => name),
		[],
	);
	const names = (text: string) =>
		new Set([...text.matchAll(/^(mptunnel_\w+)[{ ]/gm)].map(([, name]) => name));
	const missing = [...names(texts[0]!)].filter((name) => !names(open).has(name));
	t.deepEqual(missing, []);
});
