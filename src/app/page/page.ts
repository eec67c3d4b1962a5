import {type HostPort, isLocal} from '../../config/host-port.ts';
import {formatAddress} from '../../text/ip.ts';
import type {FlowLine} from '../observe/flow-lines.ts';
import type {Happenings} from '../observe/happenings.ts';
import type {LogTail} from '../observe/log-tail.ts';
import type {Logger} from '../observe/logger.ts';
import type {StatusSnapshot} from '../observe/status.ts';
import {readAssets} from './assets.ts';
import {Feed} from './feed.ts';
import {PageServer} from './page-server.ts';
import {follow, parseOrder, type Steering} from './steering.ts';
import {createToken, removeUrl, writeUrl} from './token.ts';

/** The parts of a program that its page shows. */
export interface PageSources {
	readonly snapshot: () => StatusSnapshot;
	/** Flows and connections that carried most, those first. */
	readonly flows: () => readonly FlowLine[];
	readonly happenings: Happenings;
	/** `undefined`: the log is not shown. */
	readonly log: LogTail | undefined;
	/** `undefined`: there is nothing that can be changed. */
	readonly steering: Steering | undefined;
	readonly logger: Logger;
	/** State folder, for the file with the address. `undefined`: there is none. */
	readonly folder: string | undefined;
}

/** A live page that is served. */
export interface Page {
	/** Address with its token. */
	readonly url: string;
	close(): Promise<void>;
}

/** The places of a page: where it listens, and host names in its address. */
export interface PageOptions {
	readonly listen: HostPort;
	readonly names: readonly string[];
}

/** Serves the page of a program; rejects when its port or its files cannot be had. */
export async function openPage(options: PageOptions, sources: PageSources): Promise<Page> {
	const token = createToken();
	const feed = new Feed({
		...sources,
		steering: sources.steering !== undefined,
		wallTime: Date.now,
		now: () => performance.now(),
	});
	const server = new PageServer({
		token,
		names: new Set(options.names.map((name) => name.toLowerCase())),
		assets: readAssets(),
		join: (sink) => feed.join(sink),
		leave: (sink) => feed.leave(sink),
		order: (text) => order(text, sources),
	});
	const port = await server.listen(options.listen);
	const url = `http://${formatAddress(options.listen.host, port)}/${token}/`;
	const {logger, folder} = sources;
	if (!isLocal(options.listen)) {
		logger.warn('the live page is open beyond this machine, and not encrypted');
	}
	const trouble = folder === undefined ? undefined : writeUrl(folder, url);
	if (trouble !== undefined) logger.warn('page.url cannot be written', {reason: trouble});
	logger.info('live page', {url});
	let timer: NodeJS.Timeout | undefined;
	const tick = () => {
		timer = setTimeout(tick, feed.tick()).unref();
	};
	tick();
	return {
		url,
		close: async () => {
			clearTimeout(timer);
			feed.close();
			if (folder !== undefined) removeUrl(folder);
			await server.close();
		},
	};
}

async function order(text: string, {steering, happenings, logger}: PageSources) {
	const asked = parseOrder(text);
	if (asked === undefined) throw new Error('no request');
	if (steering === undefined) return 'this program has nothing to change';
	const reason = await follow(asked, steering);
	const words = asked.action === 'reload' ? 'reload' : `${asked.action} path ${asked.path}`;
	happenings.note('note', reason === undefined ? words : `${words}: ${reason}`);
	logger.info('asked for on the live page', {
		action: asked.action,
		path: asked.action === 'reload' ? undefined : asked.path,
		refused: reason,
	});
	return reason;
}
