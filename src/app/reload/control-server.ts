import {connect, type Socket} from 'node:net';
import {dirname, join} from 'node:path';
import {LocalServer} from '../observe/local-server.ts';
import {type Order, parseOrder, type Reloaded, type Steering} from '../page/steering.ts';

/** Longest wait for an answer: names in rules are looked up first. */
const ANSWER_MILLIS = 20_000;
/** The longest request and the longest answer that are read. */
const REQUEST_LIMIT = 4096;
const ANSWER_LIMIT = 4 * 1024 * 1024;

/** Returns the path of the socket for orders, beside that of the status and as long. */
export function controlPathOf(socketPath: string): string {
	return join(dirname(socketPath), 'orders.sock');
}

/** Follows orders of this user over a unix socket: a line of JSON each, and one back. */
export class ControlServer extends LocalServer {
	/** Listens at `path`, for this user alone; rejects when another process answers there. */
	static async open(path: string, steering: Steering): Promise<ControlServer> {
		const opened = new ControlServer(path, (socket) => serve(socket, steering));
		await opened.listen();
		return opened;
	}
}

function serve(socket: Socket, steering: Steering): void {
	let text = '';
	socket.setEncoding('utf8');
	socket.on('data', (part) => {
		text += part;
		if (text.length > REQUEST_LIMIT) socket.destroy();
		else if (text.includes('\n')) {
			socket.removeAllListeners('data');
			socket.resume();
			socket.setTimeout(ANSWER_MILLIS);
			void follow(parseOrder(text), steering).then((answer) => {
				if (!socket.destroyed) socket.end(`${JSON.stringify(answer)}\n`);
			});
		}
	});
}

async function follow(order: Order | undefined, steering: Steering): Promise<Reloaded> {
	if (order === undefined) return failed('the request cannot be read');
	if (order.action === 'reload') return await steering.reload();
	const reason = steering.steer(order.action, order.path);
	return reason === undefined ? {outcome: 'applied', changes: [], problems: []} : failed(reason);
}

function failed(problem: string): Reloaded {
	return {outcome: 'failed', changes: [], problems: [problem]};
}

/** Gives an order to the program at `path`; rejects when none answers. */
export function giveOrder(path: string, order: Order): Promise<Reloaded> {
	return new Promise((resolve, reject) => {
		const socket = connect(path);
		let text = '';
		socket.setEncoding('utf8');
		socket.setTimeout(ANSWER_MILLIS, () => socket.destroy(new Error('no answer')));
		socket.on('error', reject);
		socket.on('data', (part) => {
			text += part;
			if (text.length > ANSWER_LIMIT) socket.destroy(new Error('the answer is too long'));
		});
		socket.on('end', () => {
			try {
				resolve(JSON.parse(text) as Reloaded);
			} catch {
				reject(new Error('the answer cannot be read'));
			}
		});
		socket.write(`${JSON.stringify(order)}\n`);
	});
}
