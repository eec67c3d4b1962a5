import type {IncomingMessage, ServerResponse} from 'node:http';
import type {HostPort} from '../../config/host-port.ts';
import {end, WebServer} from '../web/web-server.ts';
import type {Exposed} from './exposition.ts';

const LIMITS = {connections: 4, headers: 4096, patience: 10_000} as const;

/** Returns the metrics in the format that the header `accept` asks for. */
export type WriteMetrics = (accept: string | undefined) => Promise<Exposed>;

/** Answers GET and HEAD of `/metrics`, and nothing else. */
export class MetricsServer {
	readonly #write: WriteMetrics;
	readonly #server: WebServer;

	constructor(write: WriteMetrics) {
		this.#write = write;
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
		const {method, url = '', headers} = request;
		request.resume();
		response.on('error', () => {});
		response.setHeader('cache-control', 'no-store');
		response.setHeader('x-content-type-options', 'nosniff');
		if (!/^\/metrics(?:\?|$)/.test(url)) end(response, 404);
		else if (method !== 'GET' && method !== 'HEAD') end(response, 405, {allow: 'GET, HEAD'});
		else {
			this.#write(headers.accept).then(
				({type, text}) => send(response, type, text),
				() => end(response, 500),
			);
		}
	}
}

function send(response: ServerResponse, type: string, text: string): void {
	const body = Buffer.from(text);
	response.writeHead(200, {'content-type': type, 'content-length': body.length});
	// Of the answer to HEAD only the headers are sent.
	response.end(body);
}
