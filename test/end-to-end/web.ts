import {createHash, randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {ExecutionContext} from 'ava';

/** Objects of the page. */
const OBJECTS = 100;

const SQUARE =
	'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><rect width="1" height="1"/></svg>';

/** Counts its images when all are there, or have failed. */
const PAGE = `<!doctype html><title>page</title>
${Array.from({length: OBJECTS}, (_, i) => `<img src="/object/${i}.svg">`).join('\n')}
<script>
addEventListener('load', () => {
	const loaded = [...document.images].filter((image) => image.naturalWidth > 0).length;
	document.title = 'loaded ' + loaded;
});
</script>
`;

/**
 * A web server on loopback:
 *
 *   GET /big        random bytes, the same each time, in parts
 *   GET /small/N    the text N
 *   POST /          answers with the SHA-256 of what it got
 *   GET /page       a page with 100 objects; its title says how many came
 */
export class WebTarget {
	readonly port: number;
	readonly big: Buffer;
	/** What happens between equal parts of /big or of what is posted: nothing moves until it is done. */
	between: readonly (() => Promise<void>)[] = [];
	/** Objects of the page that were asked for. */
	objects = 0;

	private constructor(port: number, big: Buffer) {
		this.port = port;
		this.big = big;
	}

	static async open(t: ExecutionContext, size: number): Promise<WebTarget> {
		const server = createServer((request, response) => {
			if (request.method === 'POST') {
				void target.#take(request, response);
			} else void target.#answer(request.url ?? '', response);
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		const place = server.address();
		const port = place !== null && typeof place === 'object' ? place.port : 0;
		const target = new WebTarget(port, randomBytes(size));
		t.teardown(() => {
			server.closeAllConnections();
			server.close();
		});
		return target;
	}

	async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const hash = createHash('sha256');
		const part = Number(request.headers['content-length']) / (this.between.length + 1);
		let parts = 0;
		let length = 0;
		for await (const bytes of request) {
			hash.update(bytes);
			length += bytes.length;
			if (length >= (parts + 1) * part) await this.between[parts++]?.();
		}
		response.end(hash.digest('hex'));
	}

	async #answer(path: string, response: ServerResponse): Promise<void> {
		if (path === '/big') {
			response.setHeader('content-length', this.big.length);
			const part = Math.ceil(this.big.length / (this.between.length + 1));
			for (let i = 0; i <= this.between.length; i++) {
				response.write(this.big.subarray(i * part, (i + 1) * part));
				await this.between[i]?.();
			}
			response.end();
		} else if (path === '/page') {
			response.setHeader('content-type', 'text/html');
			response.end(PAGE);
		} else if (path.startsWith('/object/')) {
			this.objects++;
			response.setHeader('content-type', 'image/svg+xml');
			response.setHeader('cache-control', 'no-store');
			response.end(SQUARE);
		} else if (path.startsWith('/small/')) response.end(path.slice('/small/'.length));
		else {
			response.statusCode = 404;
			response.end();
		}
	}
}
