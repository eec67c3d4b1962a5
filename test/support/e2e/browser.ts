import {mkdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import type {ExecutionContext} from 'ava';
import {type Browser, chromium, type Page} from 'playwright-core';

const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/** How a page is looked at. */
interface Look {
	readonly colorScheme?: 'dark' | 'light';
	readonly width?: number;
}

/** A page in a browser, with what it asked for and what it complained of. */
export interface WatchedPage {
	readonly page: Page;
	/** Errors and warnings of the console, violations of the content policy among them. */
	readonly complaints: readonly string[];
	/** Every address that was asked for. */
	readonly urls: readonly string[];
}

/** Starts a browser that ends with the test. */
export async function openBrowser(t: ExecutionContext): Promise<Browser> {
	const browser = await chromium.launch({executablePath: '/usr/bin/chromium', args: FLAGS});
	t.teardown(() => browser.close());
	return browser;
}

/** Opens an address in a page of its own. */
export async function watch(browser: Browser, url: string, look: Look = {}): Promise<WatchedPage> {
	const {colorScheme = 'light', width = 1360} = look;
	const page = await browser.newPage({colorScheme, viewport: {width, height: 900}});
	const complaints: string[] = [];
	const urls: string[] = [];
	page.on('console', (message) => {
		if (message.type() !== 'log') complaints.push(message.text());
	});
	page.on('pageerror', (error) => complaints.push(String(error)));
	page.on('request', (request) => urls.push(request.url()));
	await page.goto(url);
	return {page, complaints, urls};
}

/** Writes a picture of a whole page: into MPTUNNEL_SCREENSHOTS, else where temporary files are. */
export async function picture(page: Page, name: string): Promise<string> {
	const folder = process.env['MPTUNNEL_SCREENSHOTS'] ?? join(tmpdir(), 'mptunnel-screenshots');
	mkdirSync(folder, {recursive: true});
	const path = join(folder, `${name}.png`);
	await page.screenshot({path, fullPage: true});
	return path;
}
