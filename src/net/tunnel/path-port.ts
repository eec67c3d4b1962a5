import {
	SocketError,
	type UdpBackEnd,
	type UdpBinding,
	type UdpHandlers,
	type UdpSocket,
} from '../udp/udp.ts';

/** Tries for a free port of the system's choice between learning it and binding it for good. */
const PORT_TRIES = 5;

/**
 * Opens a socket that keeps its port over `disconnect`. Only a port that was named when binding
 * does, so one of the system's choice (port 0) is learned first and then bound by its number.
 */
export function openOnPort(backEnd: UdpBackEnd, binding: UdpBinding, to: UdpHandlers): UdpSocket {
	if (binding.port !== 0) return backEnd.open(binding, to);
	for (let tries = 1; ; tries++) {
		const probe = backEnd.open(binding, to);
		void probe.close();
		try {
			return backEnd.open({...binding, port: probe.localPort}, to);
		} catch (error) {
			if (tries >= PORT_TRIES) throw error;
		}
	}
}

/** True when a socket could not be opened because another one has its port. */
export function isPortInUse(error: unknown): error is SocketError {
	return error instanceof SocketError && error.code === 'EADDRINUSE';
}
