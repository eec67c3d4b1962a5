import {createSocket, type Socket as UdpSocket} from 'node:dgram';
import {once} from 'node:events';
import {connect} from 'node:net';
import type {ExecutionContext} from 'ava';
import {parseIp} from '../../../src/text/ip.ts';
import {within} from '../machine/wait-for.ts';

/** A SOCKS5 client with one UDP association and one socket. */
export class SocksApplication {
	/** `address:port text`. */
	readonly received: string[] = [];
	readonly #udp: UdpSocket;
	readonly #relay: number;
	readonly end: () => void;

	private constructor(udp: UdpSocket, relay: number, end: () => void) {
		this.#udp = udp;
		this.#relay = relay;
		this.end = end;
		udp.on('message', (bytes) => {
			const address = bytes.subarray(4, 8).join('.');
			const text = bytes.subarray(10).toString();
			this.received.push(`${address}:${bytes.readUInt16BE(8)} ${text}`);
		});
	}

	/** @param login name and password. `undefined`: none is needed */
	static async open(
		t: ExecutionContext,
		port: number,
		login?: readonly [name: string, password: string],
	): Promise<SocksApplication> {
		const tcp = connect(port, '127.0.0.1');
		t.teardown(() => tcp.destroy());
		tcp.write(Uint8Array.of(5, 1, login === undefined ? 0 : 2));
		await within(once(tcp, 'data'), 'the choice of a method');
		if (login !== undefined) {
			const words = login.flatMap((word) => [word.length, ...Buffer.from(word)]);
			tcp.write(Uint8Array.of(1, ...words));
			await within(once(tcp, 'data'), 'the check of a login');
		}
		tcp.write(Uint8Array.of(5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
		const [reply] = (await within(once(tcp, 'data'), 'a reply')) as [Buffer];
		t.is(reply[1], 0);
		const udp = createSocket('udp4');
		t.teardown(() => udp.close());
		udp.bind(0, '127.0.0.1');
		await once(udp, 'listening');
		return new SocksApplication(udp, reply.readUInt16BE(8), () => tcp.end());
	}

	send(host: string, port: number, text: string): void {
		const address = parseIp(host);
		const name = Buffer.from(host);
		const target =
			address === undefined
				? [3, name.length, ...name]
				: [address.length === 4 ? 1 : 4, ...address];
		const header = [0, 0, 0, ...target, port >> 8, port & 0xff];
		this.#udp.send(Buffer.from([...header, ...Buffer.from(text)]), this.#relay, '127.0.0.1');
	}
}
