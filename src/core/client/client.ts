import {type Millis, NEVER} from '../../bytes/time.ts';
import {equalBytes} from '../../crypto/keys.ts';
import {CloseCode, MIN_DATA_LENGTH, PacketType} from '../../wire/constants.ts';
import {DATAGRAM_FRAMES, LANE_FRAMES, STREAM_FRAMES} from '../../wire/frames/frame-type.ts';
import {BACK_LENGTH, RESET_LENGTH} from '../../wire/handshake.ts';
import {headerSessionId, packetType} from '../../wire/header.ts';
import {Budget} from '../budget.ts';
import type {DropReason} from '../drop-reason.ts';
import type {
	ApplicationDatagram,
	ClientConfig,
	ClientEndpoint,
	ClientSettings,
	OpenDatagram,
} from '../endpoint.ts';
import {EndpointOutputs} from '../endpoint-outputs.ts';
import type {Environment} from '../environment.ts';
import type {EndpointStatus, FlowStatus} from '../events.ts';
import {ClientTraffic} from '../flow/client-traffic.ts';
import {lingerFor} from '../linger.ts';
import {ReceivedPacket} from '../packets/received-packet.ts';
import type {Path} from '../path/path.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {Role} from '../role.ts';
import type {Session} from '../session/session.ts';
import {sessionStatus} from '../session/session-status.ts';
import {STREAM_LIMIT, STREAM_MEMORY, StreamSet} from '../stream/stream-set.ts';
import {ClientTimer, Timers} from '../timers.ts';
import type {Delivery} from '../transmit.ts';
import type {TunnelStream} from '../tunnel-stream.ts';
import {Warnings} from '../warnings.ts';
import {ClientHandshake} from './client-handshake.ts';
import {ConfiguredPaths} from './configured-paths.ts';
import {BROKEN_PAUSE, Connector} from './connector.ts';
import {KeyTimes} from './key-times.ts';
import {Lifecycle} from './lifecycle.ts';
import {namesOurPacket, ResetAlarms} from './reset-alarms.ts';

const SECOND_CLOSE: Millis = 20;
const FLOW_SWEEP: Millis = 10_000;

/** The client's end of a tunnel. */
export class MptunnelClient extends EndpointOutputs implements ClientEndpoint {
	readonly #config: ClientConfig;
	readonly #handshake: ClientHandshake;
	readonly #traffic: ClientTraffic;
	readonly #paths: ConfiguredPaths;
	readonly #streams: StreamSet;
	readonly #warnings = new Warnings(this.context);
	readonly #packet = new ReceivedPacket();
	readonly #timers = new Timers(ClientTimer);
	readonly #lifecycle: Lifecycle;
	readonly #keys: KeyTimes;
	readonly #connector: Connector;
	readonly #alarms = new ResetAlarms();

	constructor(config: ClientConfig, environment: Environment) {
		super(environment, config.encrypt);
		this.#config = config;
		const id = config.keyless ? new Uint8Array(16) : config.clientId;
		this.#handshake = new ClientHandshake(environment, config.psk, id, config.encrypt, [
			...STREAM_FRAMES,
			...DATAGRAM_FRAMES,
			...(environment.coding === undefined ? [] : LANE_FRAMES),
		]);
		this.#traffic = new ClientTraffic(this.context, config);
		this.#paths = new ConfiguredPaths(this.#timers, config.paths, config.copies);
		this.#streams = new StreamSet({
			context: this.context,
			role: Role.CLIENT,
			memory: new Budget(config.streamMemory ?? STREAM_MEMORY, 1).account(),
			limit: STREAM_LIMIT,
			congestionControl: config.congestionControl ?? 'bbr',
			user: undefined,
		});
		this.#keys = new KeyTimes(this.#timers, config.rekeyInterval, config.keyLimit);
		this.#lifecycle = new Lifecycle({
			context: this.context,
			timers: this.#timers,
			handshake: this.#handshake,
			traffic: this.#traffic,
			streams: this.#streams,
		});
		this.#connector = new Connector({
			context: this.context,
			config,
			handshake: this.#handshake,
			traffic: this.#traffic,
			streams: this.#streams,
			paths: this.#paths,
			lifecycle: this.#lifecycle,
			keys: this.#keys,
			alarms: this.#alarms,
			warnings: this.#warnings,
		});
	}

	start(now: Millis): void {
		this.#timers.set(ClientTimer.SWEEP, now + FLOW_SWEEP);
		this.#lifecycle.start(now);
		this.#within(now, () => this.#sendInit(now));
	}

	// --- paths ---

	get #isClosed(): boolean {
		return this.#lifecycle.state === 'closed';
	}

	pathOpened(path: number, now: Millis): void {
		if (this.#isClosed) return;
		this.#within(now, () => {
			this.#paths.opened(path, this.#lifecycle.session, now);
			const init = this.#handshake.current(path);
			if (init !== undefined) this.#sendRaw(init, [path]);
		});
	}

	pathRefused(path: number, now: Millis, reason: string): void {
		this.#onPath(path, now, (known, {prober}) => prober.refused(known, now, reason));
	}

	pathLost(path: number, now: Millis, reason: string): void {
		this.#onPath(path, now, (known, {prober}) => prober.lost(known, now, reason));
	}

	pathTooLong(path: number, size: number, now: Millis): void {
		this.#onPath(path, now, (known, {paths}) => paths.tooLong(known, size, now));
	}

	#onPath(path: number, now: Millis, run: (known: Path, session: Session) => void): void {
		const {session} = this.#lifecycle;
		const known = session?.paths.get(path);
		if (session === undefined || known === undefined) return;
		this.#within(now, () => run(known, session));
	}

	reconfigure(settings: ClientSettings, now: Millis): void {
		if (this.#isClosed) return;
		this.#within(now, () => {
			this.#paths.change(settings, this.#lifecycle.session, now);
			this.#traffic.reconfigure(settings, now);
			this.#streams.pump(now);
		});
	}

	// --- network in ---

	receive(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		if (end <= start) return this.drop('short');
		// After its goodbye the client is silent, whatever the server still sends.
		if (this.#isClosed) return this.drop('unexpected');
		try {
			return this.#receive(path, bytes, start, end, now);
		} catch (error) {
			return this.#fail(error, now);
		}
	}

	#receive(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		switch (packetType(bytes, start)) {
			case PacketType.DATA:
				return this.#receiveData(path, bytes, start, end, now);
			case PacketType.RESP:
				return this.#connector.receiveResp(bytes, start, end, now);
			case PacketType.RETRY: {
				const init = this.#handshake.receiveRetry(path, bytes, start, end, now);
				if (init === undefined) return this.drop('bad-handshake');
				this.#sendRaw(init, [path]);
				return undefined;
			}
			case PacketType.VERSION:
				return this.#connector.receiveVersion(bytes, start, end, now);
			case PacketType.BACK:
				return this.#receiveBack(bytes, start, end, now);
			case PacketType.RESET:
				return this.#receiveReset(path, bytes, start, end, now);
			default:
				return this.drop('not-ours');
		}
	}

	#receiveData(
		pathId: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const {session} = this.#lifecycle;
		if (end - start < MIN_DATA_LENGTH) return this.drop('short');
		if (session === undefined || headerSessionId(bytes, start) !== session.localId) {
			return this.drop('unknown-session');
		}
		const path = session.paths.get(pathId);
		const address = path?.addresses.list[0];
		const before = session.opened;
		const packet = this.#packet;
		packet.begin(bytes, start, end);
		packet.cameOver(undefined, path, address);
		const reason = session.receive(packet, now);
		if (session.opened !== before) this.#lifecycle.trust();
		if (session.broken !== undefined) this.#breakOff(session, now);
		else {
			this.#traffic.afterInput(now);
			this.#streams.pump(now);
		}
		return reason;
	}

	#breakOff(session: Session, now: Millis): void {
		try {
			session.sendClose(session.closeCode, 0, now);
		} catch (error) {
			session.fail(error, now);
		}
		this.#lifecycle.moveToQuiet(session.broken ?? '', now + BROKEN_PAUSE);
	}

	/** Ends the session in which an exception was thrown, if there is one. */
	#fail(error: unknown, now: Millis): DropReason {
		const {session} = this.#lifecycle;
		if (session === undefined) this.failed(error, now);
		else session.fail(error, now);
		if (this.#isClosed) this.#timers.clear(ClientTimer.GOODBYE);
		else if (session === undefined) this.#lifecycle.moveToQuiet('', now + BROKEN_PAUSE);
		else this.#breakOff(session, now);
		return this.drop('fault');
	}

	/** Runs a rare input; an exception in it ends the session. */
	#within(now: Millis, run: () => void): void {
		try {
			run();
		} catch (error) {
			this.#fail(error, now);
		}
	}

	deliveryFailed(_delivery: Delivery, error: unknown, now: Millis): void {
		this.#fail(error, now);
	}

	override flush(now: Millis): void {
		super.flush(now);
		const {session} = this.#lifecycle;
		if (session?.broken !== undefined && !this.#isClosed) this.#breakOff(session, now);
	}

	#receiveReset(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const {session} = this.#lifecycle;
		if (end - start !== RESET_LENGTH || session === undefined || !this.#lifecycle.isUp)
			return this.drop('unexpected');
		if (!namesOurPacket(session, path, bytes, start, now)) return this.drop('unexpected');
		// Any host on a path can forge it. So all goes on, with copies in case that it is true, until
		// the next genuine packet shows that the server still has the session.
		this.#lifecycle.moveToRestarting(now + 3 * session.probeTimeout);
		if (!this.#handshake.active && this.#alarms.raise(now)) this.#beginResume(session, now);
		return undefined;
	}

	#beginResume(session: Session, now: Millis): void {
		this.#connector.beginResume(session, now);
		this.#sendInit(now);
	}

	/** Reads a BACK: the server is up again, so that no packet meets a closed port. */
	#receiveBack(bytes: Uint8Array, start: number, end: number, now: Millis): DropReason | undefined {
		const {expected} = this.#lifecycle;
		if (expected === undefined || end - start !== BACK_LENGTH) return this.drop('unexpected');
		if (!equalBytes(expected, bytes.subarray(start, end))) return this.drop('bad-handshake');
		this.#lifecycle.moveToConnecting('', now);
		this.#sendInit(now);
		return undefined;
	}

	// --- applications in ---

	sendDatagram(datagram: ApplicationDatagram, now: Millis): DropReason | undefined {
		if (this.#isClosed) return this.drop('no-session');
		try {
			return this.#traffic.send(datagram, now);
		} catch (error) {
			return this.#fail(error, now);
		}
	}

	sendDatagramTo(datagram: OpenDatagram, now: Millis): DropReason | undefined {
		if (this.#isClosed) return this.drop('no-session');
		try {
			return this.#traffic.sendTo(datagram, now);
		} catch (error) {
			return this.#fail(error, now);
		}
	}

	openStream(target: Uint8Array, now: Millis): TunnelStream | undefined {
		if (this.#isClosed || this.#config.keyless) return undefined;
		return this.#streams.open(target, now);
	}

	pumpStreams(now: Millis): void {
		if (!this.#isClosed) this.#within(now, () => this.#streams.pump(now));
	}

	endApplication(application: RemoteAddress, now: Millis): void {
		if (this.#isClosed) return;
		this.#within(now, () => this.#traffic.end(application, now));
	}

	// --- time ---

	nextTimeout(): Millis {
		const session = this.#isClosed ? undefined : this.#lifecycle.session;
		this.#keys.arm(this.#handshake.active ? undefined : session);
		const next = Math.min(this.#handshake.nextTimeout(), this.#timers.next());
		if (session === undefined) return next;
		return Math.min(next, session.nextTimeout(), this.#traffic.laneChanges.due);
	}

	override runEarly(now: Millis): boolean {
		try {
			return !this.#isClosed && this.#lifecycle.session?.prober.runEarly(now) === true;
		} catch (error) {
			this.#fail(error, now);
			return true;
		}
	}

	handleTimeout(now: Millis): void {
		this.#within(now, () => this.#handleTimeout(now));
	}

	#handleTimeout(now: Millis): void {
		if (this.#isClosed) {
			if (this.#timers.expired(ClientTimer.GOODBYE, now)) this.#sendGoodbye(now, NEVER);
			return;
		}
		if (this.#timers.expired(ClientTimer.STATE, now)) this.#endState(now);
		if (this.#timers.expired(ClientTimer.KEYS, now)) this.#keysOld(now);
		const {session} = this.#lifecycle;
		if (session !== undefined) {
			session.handleTimeout(now);
			if (!this.#handshake.active) this.#maybeResume(session, now);
			if (this.#timers.expired(ClientTimer.PATHS, now)) this.#paths.announce(session, now);
		}
		this.#sendInit(now);
		if (this.#timers.expired(ClientTimer.SWEEP, now)) {
			this.#timers.set(ClientTimer.SWEEP, now + FLOW_SWEEP);
			this.#traffic.expire(now);
		}
		this.#traffic.laneChanges.handleTimeout(now);
		this.#traffic.afterInput(now);
	}

	/** Warns when new keys were due twice; ends the session when the present ones are too old. */
	#keysOld(now: Millis): void {
		const {session} = this.#lifecycle;
		if (session === undefined) return;
		if (this.#keys.areTooOld(now)) {
			this.#lifecycle.moveToConnecting('its keys are too old', now);
			return;
		}
		const text = this.#keys.warning(session, now);
		if (text !== undefined) this.#warnings.warn('old-keys', 'server', text, now);
	}

	#maybeResume(session: Session, now: Millis): void {
		this.#keys.arm(session);
		if (this.#keys.isDue(now)) this.#beginResume(session, now);
	}

	#endState(now: Millis): void {
		if (this.#lifecycle.state === 'quiet') {
			this.#lifecycle.moveToConnecting('', now);
			return;
		}
		this.#lifecycle.trust();
		const {session} = this.#lifecycle;
		// Nothing came since: the RESET may be true although another one was false not long ago.
		if (session !== undefined && !this.#handshake.active) this.#beginResume(session, now);
	}

	#sendInit(now: Millis): void {
		if (this.#handshake.poll(now) === undefined) return;
		const ids = this.#paths.all.map(({id}) => id);
		for (const [init, paths] of this.#handshake.currentOf(ids)) this.#sendRaw(init, paths);
	}

	/** Sends a handshake packet on those of the paths that are open. */
	#sendRaw(bytes: Uint8Array, paths: readonly number[]): void {
		const transmit = this.queueRaw(bytes);
		if (transmit === undefined) return;
		for (const id of paths) {
			if (this.#paths.isOpen(id)) transmit.add(id, undefined);
		}
		if (transmit.count === 0) this.context.outbox.unqueue(transmit);
	}

	close(now: Millis): void {
		if (this.#isClosed) return;
		const wasQuiet = this.#lifecycle.state === 'quiet';
		this.#lifecycle.moveToClosed();
		if (!wasQuiet) this.#within(now, () => this.#sendGoodbye(now, now + SECOND_CLOSE));
	}

	#sendGoodbye(now: Millis, again: Millis): void {
		this.#timers.set(ClientTimer.GOODBYE, again);
		this.#lifecycle.session?.sendClose(CloseCode.STOPPING, 0, now);
	}

	lingerTime(): Millis {
		const paths = this.#lifecycle.session?.paths.all ?? [];
		return lingerFor(Math.max(0, ...paths.map(({rtt}) => (rtt.measured ? rtt.smoothed : 0))));
	}

	/** Returns at most so many flows and streams: those that carried most, first. */
	flowList(limit: number, now: Millis): readonly FlowStatus[] {
		return this.#lifecycle.flowList(limit, now);
	}

	status(now: Millis): EndpointStatus {
		const {size: flows, waiting} = this.#traffic;
		const {session, state, totals} = this.#lifecycle;
		const context = {state, user: '', flows, streams: this.#streams.totals, now};
		const sessions = [sessionStatus(session, context)];
		return {sessions, totals: [totals], drops: this.context.drops.entries(), waiting};
	}
}
