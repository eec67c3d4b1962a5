import type {ExecutionContext} from 'ava';
import type {FlowLine} from '../../../src/app/observe/flow-lines.ts';
import {Happenings} from '../../../src/app/observe/happenings.ts';
import {LogTail} from '../../../src/app/observe/log-tail.ts';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {openPage} from '../../../src/app/page/page.ts';
import type {LaneStatus} from '../../../src/core/events.ts';
import {openBrowser, picture, watch} from '../../support/e2e/browser.ts';
import {needing} from '../../support/e2e/needs.ts';
import {arrayLogger, temporaryFolder} from '../../support/machine/options.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {plainPath, snapshotOf} from './page-snapshot.ts';

const EVIL = '<img src=x onerror=alert(1)><script>alert(2)</script>';
/** The element that has the focus, by what sets it apart. */
const FOCUSED =
	'(({id, name, className, dataset}) => id || dataset.use || name || className)(document.activeElement)';

const inBrowser = needing({programs: ['chromium']}).serial;

const LANE: LaneStatus = {
	lane: 1,
	policy: 'voice',
	sending: {
		promise: {residual: 0.0001, within: 30, traffic: 3, floor: 1.5, rate: 0},
		coded: true,
		traffic: 1.63,
		meanTraffic: 1.58,
		reason: 'promise',
		explanation: 'needs 1.63 x',
		needed: 1.63,
		allowed: 3,
		window: 32,
		sources: 36_412,
		copies: 3,
		repairs: 20_100,
		sourcePaths: ['dsl'],
		repairPaths: ['lte'],
		reported: {received: 36_000, recovered: 3400, missing: 9, late: 2},
		residual: {sources: 36_400, failed: 0, failedInSteps: 12, steps: 1},
	},
	receiving: {
		...{received: 4040, recovered: 40, missing: 9, late: 2, recovers: true},
		residual: {sources: 40_400, failed: 40, failedInSteps: 0, steps: 0},
	},
};

const FLOWS: readonly FlowLine[] = [
	{
		...{kind: 'UDP', user: 'alice', target: EVIL, others: 2, policy: 'voice'},
		...{sent: 7_282_400, received: 816_000, age: 3_600_000},
	},
	{
		...{kind: 'TCP', user: '', target: 'host.example.net:443', others: 0, policy: undefined},
		...{sent: 52_000, received: 4_100_000, age: 62_000},
	},
];

/** A client with a path of each state, of which one was not measured and one has a hostile name. */
function snapshotAt(second: number): StatusSnapshot {
	const wave = Math.sin(second / 5);
	const direction = (packets: number, loss: number) => ({
		...plainPath().receiving,
		packets,
		bytes: 300 * packets,
		loss,
		queueing: 1 + wave,
	});
	const measured = (id: number, name: string, rtt: number) =>
		plainPath({
			...{id, name, rtt: rtt + 3 * wave, jitter: 1 + wave, silence: 10},
			sending: {...direction(second * 210, 0.004), dataLoss: 0.01 + 0.004 * wave},
			receiving: direction(second * 190, 0.004),
		});
	const paths = [
		measured(0, 'dsl', 24),
		{...measured(1, 'lte', 61), state: 'suspect' as const, metered: true},
		plainPath({id: 2, name: '?', state: 'new', backup: true}),
		plainPath({id: 3, name: 'sat', state: 'down', down: {age: 65_000, reason: EVIL}}),
	];
	const place = (id: number, name: string) => ({
		...{id, name, target: `192.0.2.${id} 4000`, remotes: [`192.0.2.${id}:4000`]},
		localPorts: [40_000 + id],
	});
	const names = ['dsl', 'lte', EVIL, 'sat'];
	return snapshotOf('mpclient', [{session: 7, paths}], {
		...{version: '1.2.3', pid: 4711, uptime: 3_723_000, crypto: 'openssl', io: 'batch'},
		...{keyless: false, encrypt: true, listening: ['127.0.0.1:3000'], streams: 2},
		places: names.map((name, id) => place(id, name)),
		connection: {up: true, for: 3_700_000, reason: ''},
		drops: {duplicate: 36_012, saturated: 12},
		users: [],
	});
}

async function served(t: ExecutionContext) {
	const logTail = new LogTail();
	const happenings = new Happenings(Date.now);
	const orders: string[] = [];
	let second = 0;
	const page = await openPage(
		{listen: {host: '127.0.0.1', port: 0}, names: []},
		{
			snapshot: () => withLane(snapshotAt(second++)),
			flows: () => FLOWS,
			happenings,
			log: logTail,
			logger: arrayLogger([]),
			folder: temporaryFolder(t),
			steering: {
				steer: (use, path) => {
					orders.push(`${use} ${path}`);
					return path === EVIL ? `no path ${EVIL}` : undefined;
				},
				reload: async () => {
					orders.push('reload');
					return {outcome: 'applied', changes: [], problems: []};
				},
			},
		},
	);
	t.teardown(() => page.close());
	happenings.note('down', `path sat is down: ${EVIL}`);
	logTail.add(`2026-01-01T00:00:00.000Z warn ${EVIL}`);
	return {url: page.url, orders};
}

function withLane(snapshot: StatusSnapshot): StatusSnapshot {
	const more = {lanes: [LANE], flows: 3, datagramsSent: 36_412, datagramsReceived: 4080};
	const sessions = snapshot.sessions.map((session) => ({...session, ...more, datagramsSplit: 0}));
	return {...snapshot, sessions};
}

inBrowser(
	'the page shows what is measured, as text, and loads nothing from elsewhere',
	async (t) => {
		const {url} = await served(t);
		const browser = await openBrowser(t);
		const {page, complaints, urls} = await watch(browser, url);
		await page.waitForSelector('tr[data-state=down]');
		const cells = async (row: number) =>
			(await page.locator('#path-table tbody tr').nth(row).textContent()) ?? '';
		t.regex(await cells(0), /dsl[\s\S]*● up/);
		t.regex(await cells(1), /lte[\s\S]*metered[\s\S]*◐ suspect/);
		t.regex(await cells(3), /sat[\s\S]*✕ downfor 1m 5s/);
		// Not measured: a dash in each of eight columns, the largest packet is known.
		const figures = await page
			.locator('#path-table tbody tr')
			.nth(2)
			.locator('td.figure')
			.allTextContents();
		t.deepEqual(figures.filter((text) => text === '–').length, 6);
		t.is(figures.at(-1), '1,472');
		const out = page.locator('[data-direction=out]');
		t.is(await out.locator('.residual').textContent(), '< 0.008 %');
		t.is(await out.locator('.traffic').textContent(), '1.63 x');
		t.is(await out.locator('.promised-residual').textContent(), 'promised 0.01 %');
		t.is(await out.locator('.verdict').textContent(), '✓ kept');
		t.is(await page.locator('[data-direction=in] .verdict').textContent(), '✕ broken');
		t.is(await page.locator('#path-table .name').nth(2).textContent(), EVIL);
		t.true((await page.locator('#happened').textContent())?.includes(EVIL));
		t.true((await page.locator('#log').textContent())?.includes(EVIL));
		const flow = page.locator('#flows tbody tr').first().locator('td');
		t.deepEqual(await flow.allTextContents(), [
			...[`${EVIL} and 2 more`, 'UDP', 'voice', 'alice', '7.28 MB', '816 kB', '1h 0m'],
		]);
		t.is(await page.locator('img, body script').count(), 0);
		await waitFor(() => urls.some((one) => one.endsWith('/events')), 'the stream');
		t.deepEqual(
			urls.filter((one) => !one.startsWith(url) && !one.startsWith('data:')),
			[],
		);
		t.deepEqual(complaints, []);
	},
);

inBrowser('the buttons reach the program, by mouse and by keys', async (t) => {
	const {url, orders} = await served(t);
	const browser = await openBrowser(t);
	const {page, complaints} = await watch(browser, url);
	const row = page.locator('#path-table tbody tr').first();
	await row.getByRole('button', {name: 'Hold'}).click();
	await waitFor(() => orders.length === 1, 'the order');
	await row.getByRole('button', {name: 'Backup'}).focus();
	await page.keyboard.press('Enter');
	await waitFor(() => orders.length === 2, 'the order');
	await page.locator('#path-table tbody tr').nth(2).getByRole('button', {name: 'Use'}).click();
	await page.getByText(`use ${EVIL}: no path ${EVIL}`).first().waitFor();
	await page.getByRole('button', {name: 'Reload configuration'}).click();
	await page.getByText('reload: done').waitFor();
	t.deepEqual(orders, ['hold dsl', 'backup dsl', `use ${EVIL}`, 'reload']);
	// Each thing that can be used is reached with the keys alone, and is seen to be.
	const seen = new Set<unknown>();
	for (let step = 0; step < 60; step++) {
		await page.keyboard.press('Tab');
		seen.add(await page.evaluate(FOCUSED));
	}
	for (const id of ['hold', 'backup', 'use', 'chart', 'window']) t.true(seen.has(id), id);
	t.deepEqual(complaints, []);
});

inBrowser('a wrong token shows nothing', async (t) => {
	const {url} = await served(t);
	const browser = await openBrowser(t);
	const page = await browser.newPage();
	const answers: string[] = [];
	page.on('response', (response) => answers.push(`${response.status()}`));
	for (const wrong of [url.replace(/.{5}\/$/, 'xxxxx/'), new URL('/', url).href]) {
		// An answer without content is none for a browser.
		await t.throwsAsync(page.goto(wrong), {message: /ERR_HTTP_RESPONSE_CODE_FAILURE/});
	}
	t.deepEqual(answers, ['404', '404']);
});

inBrowser('it fits a phone and either theme, and what was is there after a reload', async (t) => {
	const {url} = await served(t);
	const browser = await openBrowser(t);
	const looks = [
		{name: 'page-light', colorScheme: 'light', width: 1360},
		{name: 'page-dark', colorScheme: 'dark', width: 1360},
		{name: 'page-phone', colorScheme: 'light', width: 400},
	] as const;
	const grounds = new Set<unknown>();
	for (const {name, ...look} of looks) {
		const {page, complaints} = await watch(browser, url, look);
		await page.waitForSelector('tr[data-state=down]');
		t.true(
			(await page.evaluate<number>('document.documentElement.scrollWidth')) <= look.width,
			name,
		);
		grounds.add(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor'));
		t.log(await picture(page, name));
		t.deepEqual(complaints, []);
		await page.close();
	}
	t.is(grounds.size, 2);
});
