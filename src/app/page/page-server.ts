import type {IncomingMessage, ServerResponse} from 'node:http';
import type {HostPort} from '../../config/host-port.ts';
import {end, WebServer} from '../web/web-server.ts';
import type {Asset} from './assets.ts';
import {hasSameOrigin, isSameOrigin, isTrustedHost, SAFE_HEADERS} from './guard.ts';
import {isToken} from './token.ts';
import type {ViewerSink} from './viewers.ts';

/** Each viewer has a connection that stays and may be quiet, and a few for files. */
const LIMITS = {connections: 64, headers: 8192, patience: 0} as const;

/** The longest request of a viewer, in bytes. */
const BODY_LIMIT = 1024;

/** The parts of a page that its server uses. */
export interface PageServerInit {
	readonly token: string;
	/** Host names in small letters at which the page may be asked for. */
	readonly names: ReadonlySet<string>;
	/** Files by their paths behind the token. */
	readonly assets: ReadonlyMap<string, Asset>;
	/** Adds a viewer; false: there are too many. */
	readonly join: (sink: ViewerSink) => boolean;
	readonly leave: (sink: ViewerSink) => void;
	/** Does what a viewer asks for; the reason when it cannot be. Rejects for what is no request. */
	readonly order: (text: string) => Promise<string | undefined>;
}

/**
 * The HTTP server of a page. Everything lies below its token; every other path is not there, which
 * is all that an answer says.
 */
export class PageServer {
	readonly #init: PageServerInit;
	readonly #server: WebServer;

	constructor(init: PageServerInit) {
		this.#init = init;
		this.#server = new WebServer(LIMITS, (request, response) => this.#answer(request, response));
	}

	/** Begins to listen; resolves with the port. Rejects with the system's error. */
	listen(place: HostPort): Promise<number> {
		return this.#server.listen(place);
	}

	/** Ends all connections; resolves when the port is free. */
	close(): Promise<void> {
		return this.#server.close();
	}

	#answer(request: IncomingMessage, response: ServerResponse): void {
		for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
		const {names, token, assets} = this.#init;
		const {headers, method, url = ''} = request;
		const [, given = '', path = ''] = /^\/([\w-]{1,64})\/([\w./-]{0,64})$/.exec(url) ?? [];
		const asset = assets.get(path);
		if (!isTrustedHost(headers.host, names) || !isSameOrigin(headers)) end(response, 403);
		else if (!isToken(given, token)) end(response, 404);
		else if (path === 'order') this.#order(request, response);
		else if (method !== 'GET') end(response, 405);
		else if (path === 'events') this.#stream(request, response);
		else if (asset === undefined) end(response, 404);
		else {
			response.writeHead(200, {'content-type': asset.type, 'content-length': asset.body.length});
			response.end(asset.body);
		}
	}

	/** A viewer: the answer does not end. */
	#stream(request: IncomingMessage, response: ServerResponse): void {
		const {join, leave} = this.#init;
		const sink: ViewerSink = {
			get backlog() {
				return response.writableLength;
			},
			write: (text) => response.write(text),
			drop: () => response.destroy(),
		};
		// The first text is written by `join`, behind the headers.
		response.setHeader('content-type', 'text/event-stream; charset=utf-8');
		request.socket.setNoDelay(true);
		response.on('close', () => leave(sink));
		response.on('error', () => leave(sink));
		if (!join(sink)) {
			response.removeHeader('content-type');
			end(response, 503);
		}
	}

	#order(request: IncomingMessage, response: ServerResponse): void {
		const {token, order} = this.#init;
		const {headers, method} = request;
		const given = headers['x-mptunnel-token'];
		const isOwn = typeof given === 'string' && isToken(given, token) && hasSameOrigin(headers);
		if (method !== 'POST' || !isOwn || headers['content-type'] !== 'application/json') {
			end(response, method === 'POST' ? 403 : 405);
			return;
		}
		const parts: Buffer[] = [];
		let length = 0;
		request.on('data', (part: Buffer) => {
			length += part.length;
			if (length > BODY_LIMIT) request.destroy();
			else parts.push(part);
		});
		request.on('error', () => {});
		request.on('end', () => {
			order(Buffer.concat(parts).toString()).then(
				(reason) => {
					const body = JSON.stringify({ok: reason === undefined, reason});
					response.writeHead(200, {'content-type': 'application/json; charset=utf-8'});
					response.end(body);
				},
				() => end(response, 400),
			);
		});
	}
}
