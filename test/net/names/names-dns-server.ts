import {createSocket, type RemoteInfo, type Socket} from 'node:dgram';
import {once} from 'node:events';
import {parseIp} from '../../../src/text/ip.ts';

/** One answer record. */
export interface DnsRecord {
	readonly name: string;
	readonly type: 'A' | 'AAAA' | 'CNAME';
	readonly data: string;
	readonly ttl: number;
}

/** What the server does with a question: records, an error code, or nothing at all. */
export interface DnsReply {
	readonly records?: readonly DnsRecord[];
	/** 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED. */
	readonly code?: number;
	/** Milliseconds. */
	readonly delay?: number;
	readonly silent?: boolean;
}

const TYPES = {A: 1, AAAA: 28, CNAME: 5} as const;

function encodeName(name: string): Buffer {
	const labels = name
		.split('.')
		.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
	return Buffer.concat([...labels, Buffer.of(0)]);
}

function encodeRecord({name, type, data, ttl}: DnsRecord): Buffer {
	const body = type === 'CNAME' ? encodeName(data) : Buffer.from(parseIp(data) ?? []);
	const head = Buffer.alloc(10);
	head.writeUInt16BE(TYPES[type], 0);
	head.writeUInt16BE(1, 2);
	head.writeUInt32BE(ttl, 4);
	head.writeUInt16BE(body.length, 8);
	return Buffer.concat([encodeName(name), head, body]);
}

/** Name and type of the one question, and where it ends. */
function readQuestion(message: Buffer): {name: string; type: 'A' | 'AAAA'; end: number} {
	const labels: string[] = [];
	let at = 12;
	while (message[at] !== 0) {
		const length = message[at] ?? 0;
		labels.push(message.toString('latin1', at + 1, at + 1 + length));
		at += 1 + length;
	}
	const type = message.readUInt16BE(at + 1) === TYPES.AAAA ? 'AAAA' : 'A';
	return {name: labels.join('.').toLowerCase(), type, end: at + 5};
}

/** A name server on loopback that says what a test wants. */
export class DnsServer {
	/** `TYPE name` of every question. */
	readonly questions: string[] = [];
	readonly #socket: Socket = createSocket('udp4');
	readonly #reply: (name: string, type: 'A' | 'AAAA') => DnsReply;

	constructor(reply: (name: string, type: 'A' | 'AAAA') => DnsReply) {
		this.#reply = reply;
		this.#socket.on('message', (message, from) => this.#receive(message, from));
	}

	/** Opens it and gives `ADDR:PORT`. */
	async listen(): Promise<string> {
		this.#socket.bind(0, '127.0.0.1');
		await once(this.#socket, 'listening');
		return `127.0.0.1:${this.#socket.address().port}`;
	}

	close(): void {
		this.#socket.close();
	}

	#receive(message: Buffer, from: RemoteInfo): void {
		const {name, type, end} = readQuestion(message);
		this.questions.push(`${type} ${name}`);
		const {records = [], code = 0, delay = 0, silent = false} = this.#reply(name, type);
		if (silent) return;
		const head = Buffer.alloc(12);
		message.copy(head, 0, 0, 2);
		head.writeUInt16BE(0x8180 | code, 2);
		head.writeUInt16BE(1, 4);
		head.writeUInt16BE(records.length, 6);
		const answer = Buffer.concat([head, message.subarray(12, end), ...records.map(encodeRecord)]);
		setTimeout(() => {
			// The test may have ended.
			try {
				this.#socket.send(answer, from.port, from.address);
			} catch {}
		}, delay);
	}
}
