import {readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {formatCount} from '../../src/text/figures.ts';
import {openBrowser, picture, watch} from '../support/e2e/browser.ts';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';

const inBrowser = needing({programs: ['chromium', 'socat']}).serial;

inBrowser('the pages of both ends show what status shows, and a path that is cut', async (t) => {
	const stage = new Stage(t);
	const [clientPage, serverPage] = [await freePort(), await freePort()];
	const bridge = await freePort();
	const tunnel = await stage.tunnel({
		lines: (port) => [`127.0.0.1 ${bridge} name=<b>cut</b>`, `127.0.0.1 ${port} name=dsl`],
		clientWords: ['--page', `127.0.0.1:${clientPage}`, '--no-socks'],
		serverWords: ['--page', `127.0.0.1:${serverPage}`],
	});
	const socat = await stage.socat(bridge, tunnel.port);
	await tunnel.start(2);
	tunnel.application.start(50);
	await tunnel.application.hears(50);
	t.deepEqual(await tunnel.application.settle(), []);
	const urlOf = (end: 'client' | 'server') => {
		const file = join(tunnel.stateOf(end), 'page.url');
		t.is(statSync(file).mode & 0o777, 0o600);
		return readFileSync(file, 'utf8').trim();
	};
	const browser = await openBrowser(t);
	const {page, complaints} = await watch(browser, urlOf('client'));
	t.true(tunnel.client.stderr.includes(urlOf('client')));
	const status = await tunnel.until('client', ({sessions}) => sessions.length === 1, 'a session');
	const [session] = status.sessions;
	await page.waitForSelector('#path-table tbody tr');
	const value = async (name: string) =>
		await page.locator('#traffic div', {hasText: name}).locator('dd').textContent();
	t.is(await value('datagrams sent'), formatCount(session?.datagramsSent ?? -1));
	t.is(await value('datagrams received'), formatCount(session?.datagramsReceived ?? -1));
	t.is(await value('flows'), '1');
	t.deepEqual(await page.locator('#path-table .name').allTextContents(), ['<b>cut</b>', 'dsl']);
	const mtus = await page.locator('#path-table td.figure:nth-child(11)').allTextContents();
	t.deepEqual(
		mtus,
		session?.paths.map(({mtu}) => formatCount(mtu)),
	);
	const other = await watch(browser, urlOf('server'));
	await other.page.getByText('serving 1 session').waitFor();
	await socat.kill();
	await tunnel.client.says('a path is down');
	await page.locator('#path-table tr', {hasText: 'cut'}).getByText('✕ down').waitFor();
	await page.locator('#happened').getByText('path <b>cut</b> is down').waitFor();
	t.log(await picture(page, 'programs-client'), await picture(other.page, 'programs-server'));
	t.deepEqual([...complaints, ...other.complaints], []);
	await tunnel.stop('client');
	t.throws(() => statSync(join(tunnel.stateOf('client'), 'page.url')), {code: 'ENOENT'});
	await page.getByText('no news').waitFor();
});
