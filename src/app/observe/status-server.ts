import {connect} from 'node:net';
import {LocalServer, PATIENCE_MILLIS} from './local-server.ts';
import type {StatusSnapshot} from './status.ts';

/** The longest answer that is read. */
const ANSWER_LIMIT = 16 * 1024 * 1024;

/** Answers every connection to its unix socket with one JSON document. */
export class StatusServer extends LocalServer {
	/**
	 * Listens at `path`, for this user alone; takes over the file that a dead process left, and
	 * rejects when a live one answers there.
	 */
	static async open(path: string, snapshot: () => StatusSnapshot): Promise<StatusServer> {
		const opened = new StatusServer(path, (socket) => {
			socket.resume();
			socket.end(`${JSON.stringify(snapshot())}\n`);
		});
		await opened.listen();
		return opened;
	}
}

/** Asks the program that answers at `path`; rejects when none does or it takes too long. */
export function readStatus(path: string): Promise<StatusSnapshot> {
	return new Promise((resolve, reject) => {
		const socket = connect(path);
		const parts: Buffer[] = [];
		let length = 0;
		socket.setTimeout(PATIENCE_MILLIS, () => socket.destroy(new Error('no answer')));
		socket.on('error', reject);
		socket.on('data', (part) => {
			parts.push(part);
			length += part.length;
			if (length > ANSWER_LIMIT) socket.destroy(new Error('the answer is too long'));
		});
		socket.on('end', () => {
			try {
				resolve(JSON.parse(Buffer.concat(parts).toString()) as StatusSnapshot);
			} catch {
				reject(new Error('the answer cannot be read'));
			}
		});
	});
}
