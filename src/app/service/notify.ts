import {execFile} from 'node:child_process';
import process from 'node:process';
import {native} from '../../native/native.ts';

/** Sends one message of the protocol of sd_notify(3); never throws. */
export type Notify = (message: string) => void;

const AF_UNIX = 1;
/** SOCK_DGRAM, SOCK_CLOEXEC and MSG_NOSIGNAL of Linux. */
const DATAGRAM = 2 | 0o2000000;
const NO_SIGNAL = 0x4000;
/** Room for a name in sockaddr_un. */
const NAME_LIMIT = 108;

/**
 * Returns what reaches the service manager at `NOTIFY_SOCKET`. `undefined`: there is none. Without
 * koffi the program `systemd-notify` sends, whose messages need `NotifyAccess=all`.
 */
export function openNotify(env: NodeJS.ProcessEnv): Notify | undefined {
	const place = env['NOTIFY_SOCKET'] ?? '';
	if (!/^[/@]./.test(place)) return undefined;
	try {
		return socketNotify(place);
	} catch {
		return programNotify(env);
	}
}

/** Throws where there is no koffi, or the name is too long. */
function socketNotify(place: string): Notify {
	const address = socketAddress(place);
	const library = native();
	const socket = library.function('socket', 3, 'int');
	const sendTo = library.function('sendto', 6, 'intptr_t');
	const close = library.function('close', 1, 'int');
	return (message) => {
		const bytes = new TextEncoder().encode(message);
		const descriptor = socket(AF_UNIX, DATAGRAM, 0);
		if (descriptor < 0) return;
		const at = library.addressOf(address.buffer);
		const from = library.addressOf(bytes.buffer) + bytes.byteOffset;
		sendTo(descriptor, from, bytes.length, NO_SIGNAL, at, address.length);
		close(descriptor);
	};
}

/** A sockaddr_un: the family, and a path with its NUL or an abstract name behind one. */
function socketAddress(place: string): Uint8Array {
	const isAbstract = place.startsWith('@');
	const name = new TextEncoder().encode(isAbstract ? `\0${place.slice(1)}` : `${place}\0`);
	if (name.length > NAME_LIMIT) throw new Error('the name of the socket is too long');
	const address = new Uint8Array(2 + name.length);
	address[0] = AF_UNIX;
	address.set(name, 2);
	return address;
}

function programNotify(env: NodeJS.ProcessEnv): Notify {
	return (message) => {
		const words = [`--pid=${process.pid}`, ...message.split('\n')];
		execFile('systemd-notify', words, {env}, () => {}).unref();
	};
}
