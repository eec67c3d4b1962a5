import Parser, {type ParsedRequest} from '#socksv5-parser';
import {type Millis, NEVER} from '../bytes/time.ts';
import {parseIp} from '../text/ip.ts';
import {encodeLoginReply, readCredentials} from './credentials.ts';
import {encodeReply, ReplyCode} from './reply.ts';
import {RequestStream} from './request-stream.ts';
import {ipTarget, namedTarget, type SocksTarget} from './target.ts';
import {AddressType} from './udp-header.ts';

/** From the first byte of a connection to its request. */
const DEADLINE: Millis = 10_000;
const VERSION = 5;

const Method = {NONE: 0, PASSWORD: 2, UNACCEPTABLE: 0xff} as const;
const Command = {CONNECT: 1, BIND: 2, ASSOCIATE: 3} as const;

/** Login settings of a listener. */
export interface NegotiationOptions {
	/**
	 * Returns true when a user has this password, in constant time. `undefined`: no users are
	 * configured; then, and only then, a client needs no login.
	 */
	readonly verify: ((user: Uint8Array, password: Uint8Array) => boolean) | undefined;
	/** First byte of the answer to a login; 1 unless a client is faulty. */
	readonly authReplyVersion: 1 | 5;
}

interface RequestBase {
	/** Name of the user that logged in. `undefined`: no login needed. */
	readonly user: string | undefined;
	/** Bytes behind the request (a view of the last chunk). */
	readonly leftover: Uint8Array;
}

/**
 * A client's request. A target that makes no sense refuses CONNECT alone: that of UDP ASSOCIATE is
 * but a hint.
 */
export type SocksRequest = RequestBase &
	(
		| {readonly command: 'connect'; readonly target: SocksTarget}
		| {readonly command: 'bind' | 'associate'; readonly target: SocksTarget | undefined}
	);

/** Reason why a connection is closed before it came to a request. */
export type NegotiationEnd =
	| 'socks4'
	| 'http'
	| 'not-socks'
	| 'no-method'
	| 'bad-login'
	| 'bad-request'
	| 'unknown-command'
	| 'unknown-address-type'
	| 'bad-name'
	| 'timeout';

/** The owner's next action. A reply is sent with one write. */
export type NegotiationOutput =
	| {readonly kind: 'reply'; readonly bytes: Uint8Array}
	| {readonly kind: 'request'; readonly request: SocksRequest}
	| {readonly kind: 'close'; readonly reason: NegotiationEnd};

/** Returns how the handshake ends for a client of another protocol, by its first byte. */
function strangerOf(first: number): NegotiationEnd {
	if (first === 4) return 'socks4';
	// The first letter of a method: GET, CONNECT, POST, OPTIONS...
	return first >= 0x41 && first <= 0x5a ? 'http' : 'not-socks';
}

/**
 * The handshake of one connection:
 *
 *   greeting -> [login ->] request -> done
 *
 * Bytes may come one by one or all at once; the outputs are the same. After the request or 'close'
 * it takes no more bytes: they belong to its owner.
 */
export class Negotiation {
	readonly #options: NegotiationOptions;
	readonly #stream = new RequestStream();
	readonly #parser: Parser;
	readonly #outputs: NegotiationOutput[] = [];
	#phase: 'greeting' | 'login' | 'request' | 'done' = 'greeting';
	#deadline: Millis;
	#user: string | undefined;
	/** The first 4 bytes of the greeting or request: the parser does not report VER, CMD and ATYP. */
	#start: number[] = [];

	/** `now` is when the connection was accepted. */
	constructor(options: NegotiationOptions, now: Millis) {
		this.#options = options;
		this.#deadline = now + DEADLINE;
		this.#parser = new Parser(this.#stream)
			.on('methods', (methods) => this.#chooseMethod(methods))
			.on('request', (request) => this.#takeRequest(request))
			.on('error', () => this.#refuse());
	}

	/** True once the handshake is over, well or not. */
	get done(): boolean {
		return this.#phase === 'done';
	}

	/** Takes bytes of the client; they must not change as long as the handshake lasts. */
	feed(chunk: Uint8Array, now: Millis): void {
		this.handleTimeout(now);
		if (this.done) return;
		this.#stream.push(chunk);
		while (!this.done && this.#stream.remaining > 0) {
			if (this.#phase !== 'login') this.#parse();
			else if (!this.#logIn()) return;
		}
	}

	/** The next thing to do, in order. `undefined`: there is none. */
	poll(): NegotiationOutput | undefined {
		return this.#outputs.shift();
	}

	/** Returns the time at which {@link handleTimeout} is due. */
	nextTimeout(): Millis {
		return this.#deadline;
	}

	/** Gives up a client that is too slow; harmless when early. */
	handleTimeout(now: Millis): void {
		if (now >= this.#deadline) this.#close('timeout');
	}

	#parse(): void {
		const missing = 4 - this.#start.length;
		if (missing > 0) this.#start.push(...this.#stream.nextPiece().subarray(0, missing));
		this.#stream.deliver();
	}

	#chooseMethod(methods: Uint8Array): void {
		const method = this.#options.verify === undefined ? Method.NONE : Method.PASSWORD;
		if (!methods.includes(method)) {
			this.#reply(Uint8Array.of(VERSION, Method.UNACCEPTABLE));
			this.#close('no-method');
			return;
		}
		this.#reply(Uint8Array.of(VERSION, method));
		if (method === Method.PASSWORD) this.#phase = 'login';
		else this.#awaitRequest();
	}

	/** Reads the login; false when more bytes are needed. */
	#logIn(): boolean {
		const credentials = readCredentials(this.#stream.peek());
		if (credentials === undefined) return false;
		const accepted =
			credentials !== 'malformed' &&
			this.#options.verify?.(credentials.user, credentials.password) === true;
		this.#reply(encodeLoginReply(this.#options.authReplyVersion, accepted));
		if (!accepted) {
			this.#close('bad-login');
			return true;
		}
		this.#user = new TextDecoder().decode(credentials.user);
		this.#stream.skip(credentials.length);
		this.#awaitRequest();
		return true;
	}

	#awaitRequest(): void {
		this.#phase = 'request';
		this.#start = [];
		this.#parser.authed = true;
		this.#parser.start();
	}

	/** The parser has found a fault; it names the fault only as text for people. */
	#refuse(): void {
		const [version, command = 0, , type] = this.#start;
		if (this.#phase === 'greeting') {
			if (version !== VERSION) {
				this.#close(strangerOf(version ?? 0));
				return;
			}
			// Behind a right version only the number of methods can be wrong: there are none.
			this.#reply(Uint8Array.of(VERSION, Method.UNACCEPTABLE));
			this.#close('no-method');
		} else if (version !== VERSION) this.#fail(ReplyCode.GENERAL_FAILURE, 'bad-request');
		else if (command < Command.CONNECT || command > Command.ASSOCIATE) {
			this.#fail(ReplyCode.COMMAND_NOT_SUPPORTED, 'unknown-command');
		} else if (type !== undefined) {
			this.#fail(ReplyCode.ADDRESS_TYPE_NOT_SUPPORTED, 'unknown-address-type');
		}
	}

	#takeRequest({cmd, dstAddr, dstPort}: ParsedRequest): void {
		const target = this.#targetOf(dstAddr, dstPort);
		if (cmd === 'connect' && target === undefined) {
			this.#fail(ReplyCode.HOST_UNREACHABLE, 'bad-name');
			return;
		}
		const common = {user: this.#user, leftover: this.#stream.peek()};
		const request: SocksRequest =
			cmd === 'connect' && target !== undefined
				? {command: 'connect', target, ...common}
				: {command: cmd === 'bind' ? 'bind' : 'associate', target, ...common};
		this.#outputs.push({kind: 'request', request});
		this.#finish();
	}

	#targetOf(text: string, port: number): SocksTarget | undefined {
		if (this.#start[3] === AddressType.DOMAIN) return namedTarget(text, port);
		const address = parseIp(text);
		return address === undefined ? undefined : ipTarget(address, port);
	}

	#reply(bytes: Uint8Array): void {
		this.#outputs.push({kind: 'reply', bytes});
	}

	#fail(code: ReplyCode, reason: NegotiationEnd): void {
		this.#reply(encodeReply(code));
		this.#close(reason);
	}

	#close(reason: NegotiationEnd): void {
		this.#outputs.push({kind: 'close', reason});
		this.#finish();
	}

	#finish(): void {
		this.#phase = 'done';
		this.#deadline = NEVER;
		// After a wrong version the parser would go on listening.
		this.#parser.stop();
	}
}
