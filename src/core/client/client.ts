import {type Millis, NEVER} from '../../bytes/time.ts';
import {backToken, equalBytes} from '../../crypto/keys.ts';
import {CloseCode, MIN_DATA_LENGTH, PacketType} from '../../wire/constants.ts';
import {encodeFrame} from '../../wire/frames/codec.ts';
import {DATAGRAM_FRAMES, STREAM_FRAMES} from '../../wire/frames/frame-type.ts';
import {pathsFrame} from '../../wire/frames/paths.ts';
import {BACK_LENGTH, encodeBack, RESET_LENGTH, RespStatus} from '../../wire/handshake.ts';
import {headerSessionId, packetType} from '../../wire/header.ts';
import {Budget} from '../budget.ts';
import type {DropReason} from '../drop-reason.ts';
import type {ApplicationDatagram, ClientConfig, ClientEndpoint, OpenDatagram} from '../endpoint.ts';
import {EndpointOutputs} from '../endpoint-outputs.ts';
import type {Environment} from '../environment.ts';
import type {EndpointStatus, SessionStatus} from '../events.ts';
import {ClientTraffic} from '../flow/client-traffic.ts';
import {lingerFor} from '../linger.ts';
import {KeySchedule} from '../packets/key-schedule.ts';
import {ReceivedPacket} from '../packets/received-packet.ts';
import {PathAddress} from '../path/address.ts';
import type {RemoteAddress} from '../remote-address.ts';
import {ReplayWindow} from '../replay-window.ts';
import {Role} from '../role.ts';
import {Session} from '../session/session.ts';
import {sessionStatus} from '../session/session-status.ts';
import {STREAM_LIMIT, STREAM_MEMORY, StreamSet} from '../stream/stream-set.ts';
import type {Delivery} from '../transmit.ts';
import type {TunnelStream} from '../tunnel-stream.ts';
import {Warnings} from '../warnings.ts';
import {ClientHandshake, type HandshakeResult} from './client-handshake.ts';
import {namesOurPacket, ResetAlarms} from './reset-alarms.ts';

/** Silence of the server after which a resume is tried. */
const RESUME_AFTER: Millis = 2000;
/** Packet numbers remembered for each path: 20,000 packets/s for the 3 s in which a RESET may come. */
const SENT_NUMBERS = 65_536;
const SECOND_CLOSE: Millis = 20;
const KEY_LIMIT: Millis = 3_600_000;
/** After a session that broke, whoever's fault it was, no new one is asked for so long. */
const BROKEN_PAUSE: Millis = 5000;
/** A client id is not replaced again sooner, so that no answer makes a client write its state for ever. */
const ID_LIFE: Millis = 60_000;
const PATHS_AGAIN: Millis = 200;
const FLOW_SWEEP: Millis = 10_000;
const USER_FULL = 'the server refuses one more session of this key: it has as many as it may';
const ID_IN_USE = 'another client has this client id';
const CLONE =
	'another client has the client id of this one, as after a copy of a state folder; this one has a new id now';
const ENCRYPTION_DIFFERS = 'MPTUNNEL_ENCRYPT is set at one end only; it must be the same at both';
const NO_CHALLENGE = new Uint8Array(8);

type State = SessionStatus['state'];

/** The client's end of a tunnel. */
export class MptunnelClient extends EndpointOutputs implements ClientEndpoint {
	readonly #config: ClientConfig;
	readonly #handshake: ClientHandshake;
	readonly #traffic: ClientTraffic;
	readonly #open: boolean[];
	readonly #streams: StreamSet;
	readonly #warnings = new Warnings(this.context);
	readonly #packet = new ReceivedPacket();
	#state: State = 'connecting';
	#session: Session | undefined;
	#exporter: Uint8Array = NO_CHALLENGE;
	#sessions = 0;
	/** When the client id was replaced. */
	#renamed: Millis = Number.NEGATIVE_INFINITY;
	#rekeyed: Millis = 0;
	/** When the lack of new keys has a consequence. */
	#keysDue: Millis = NEVER;
	/** Ends 'quiet', or 'restarting' when nothing comes. */
	#stateUntil: Millis = NEVER;
	/** The packet that ends 'quiet' when it comes. */
	#expected: Uint8Array | undefined;
	readonly #alarms = new ResetAlarms();
	#pathsSequence = 0;
	#pathsAgain: Millis = NEVER;
	#nextSweep: Millis = NEVER;
	#closeAgain: Millis = NEVER;

	constructor(config: ClientConfig, environment: Environment) {
		super(environment, config.encrypt);
		this.#config = config;
		const id = config.keyless ? new Uint8Array(16) : config.clientId;
		this.#handshake = new ClientHandshake(environment, config.psk, id, config.encrypt, [
			...STREAM_FRAMES,
			...DATAGRAM_FRAMES,
		]);
		this.#traffic = new ClientTraffic(this.context, config);
		this.#open = config.paths.map(() => false);
		this.#streams = new StreamSet({
			context: this.context,
			role: Role.CLIENT,
			memory: new Budget(config.streamMemory ?? STREAM_MEMORY, 1).account(),
			limit: STREAM_LIMIT,
			congestionControl: config.congestionControl ?? 'bbr',
			user: undefined,
		});
	}

	start(now: Millis): void {
		this.#nextSweep = now + FLOW_SWEEP;
		this.#handshake.begin(undefined, now);
		this.#within(now, () => this.#sendInit(now));
	}

	get #isUp(): boolean {
		return this.#state === 'up' || this.#state === 'restarting';
	}

	// --- paths ---

	pathOpened(path: number, now: Millis): void {
		if (this.#state === 'closed') return;
		this.#open[path] = true;
		this.#within(now, () => this.#pathOpened(path, now));
	}

	#pathOpened(path: number, now: Millis): void {
		const session = this.#session;
		if (session !== undefined && this.#state !== 'quiet') {
			const known = session.paths.get(path)!;
			if (!known.open) this.#openPath(session, path, now);
			known.moved();
			session.prober.probe(known, now);
		}
		const init = this.#handshake.current(path);
		if (init !== undefined && this.#state !== 'quiet') this.#sendRaw(init, [path]);
	}

	#openPath(session: Session, path: number, now: Millis): void {
		session.paths.get(path)?.addresses.add(new PathAddress(undefined, NO_CHALLENGE, now));
		session.paths.changed(now);
	}

	probePath(path: number, now: Millis): void {
		const session = this.#session;
		const known = session?.paths.get(path);
		if (session === undefined || !known?.open || !this.#isUp) return;
		this.#within(now, () => session.prober.probe(known, now));
	}

	pathRefused(path: number, now: Millis, reason: string): void {
		const session = this.#session;
		const known = session?.paths.get(path);
		if (session === undefined || known === undefined) return;
		this.#within(now, () => session.prober.refused(known, now, reason));
	}

	pathLost(path: number, now: Millis, reason: string): void {
		const session = this.#session;
		const known = session?.paths.get(path);
		if (session === undefined || known === undefined) return;
		this.#within(now, () => session.prober.lost(known, now, reason));
	}

	pathTooLong(path: number, size: number, now: Millis): void {
		const session = this.#session;
		const known = session?.paths.get(path);
		if (known !== undefined) this.#within(now, () => session?.paths.tooLong(known, size, now));
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
		// After its goodbye the client is silent, whatever the server still says or asks.
		if (this.#state === 'closed') return this.drop('unexpected');
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
				return this.#receiveResp(bytes, start, end, now);
			case PacketType.RETRY: {
				const init = this.#handshake.receiveRetry(path, bytes, start, end, now);
				if (init === undefined) return this.drop('bad-handshake');
				this.#sendRaw(init, [path]);
				return undefined;
			}
			case PacketType.VERSION: {
				const versions = this.#handshake.receiveVersion(bytes, start, end);
				if (versions === undefined) return this.drop('bad-handshake');
				const text = `the server speaks version ${versions.join(', ')} only`;
				this.#warnings.warn('other-version', 'server', text, now);
				return undefined;
			}
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
		const session = this.#session;
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
		if (this.#state === 'restarting' && session.opened !== before) this.#endSuspicion();
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
		this.#dropSession(session.broken ?? '');
		this.#pause(now);
	}

	/** No packet for a while, then a new handshake. */
	#pause(now: Millis, pause: Millis = BROKEN_PAUSE): void {
		this.#handshake.stop();
		this.#state = 'quiet';
		this.#expected = undefined;
		this.#stateUntil = now + pause;
	}

	/** Takes a new client id, unless it did so just now; how long to wait with the next handshake. */
	#renewId(now: Millis): Millis {
		if (now - this.#renamed < ID_LIFE) return BROKEN_PAUSE;
		this.#renamed = now;
		const clientId = new Uint8Array(16);
		this.context.environment.random.fill(clientId);
		if (!this.#config.keyless) this.#handshake.rename(clientId);
		this.#traffic.rename(clientId);
		this.context.emit({type: 'client-id', clientId});
		this.#warnings.warn('clone', 'server', CLONE, now);
		return 0;
	}

	/** An exception: the session that it was in, if there is one, cannot go on. */
	#fail(error: unknown, now: Millis): DropReason {
		const session = this.#session;
		if (session === undefined) this.failed(error, now);
		else session.fail(error, now);
		if (this.#state === 'closed') this.#closeAgain = NEVER;
		else if (session === undefined) this.#pause(now);
		else this.#breakOff(session, now);
		return this.drop('fault');
	}

	/** Runs a rare input. */
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
		const session = this.#session;
		if (session?.broken !== undefined && this.#state !== 'closed') this.#breakOff(session, now);
	}

	#receiveResp(bytes: Uint8Array, start: number, end: number, now: Millis): DropReason | undefined {
		if (this.#state === 'quiet') return this.drop('unexpected');
		// The same answer comes over every path; the first one ended the handshake.
		if (!this.#handshake.active) return this.drop('duplicate');
		const result = this.#handshake.receiveResp(bytes, start, end);
		if (result === undefined) return this.drop('bad-handshake');
		const {status, parameters} = result.resp;
		if (status === RespStatus.ENCRYPTION_DIFFERS || parameters.encrypt !== this.#config.encrypt) {
			this.#warnings.warn('encryption-differs', 'server', ENCRYPTION_DIFFERS, now);
			return this.drop('encryption-differs');
		}
		if (status === RespStatus.FULL) {
			this.#warnings.warn('full', 'server', 'the server has no room for one more session', now);
			return this.drop('unexpected');
		}
		if (status === RespStatus.USER_FULL) {
			this.#warnings.warn('user-full', 'server', USER_FULL, now);
			return this.drop('unexpected');
		}
		if (status === RespStatus.ID_IN_USE) {
			this.#dropSession(ID_IN_USE);
			this.#pause(now, this.#renewId(now));
			return undefined;
		}
		this.#handshake.stop();
		this.#stateUntil = NEVER;
		this.#rekeyed = now;
		this.#keysDue = now + Math.min(this.#keyLimit, 2 * this.#config.rekeyInterval);
		this.#alarms.answered(status === RespStatus.RESUMED);
		if (status === RespStatus.RESUMED) this.#resumed(result, now);
		else this.#established(result, now);
		return undefined;
	}

	#resumed({resp, keys}: HandshakeResult, now: Millis): void {
		const session = this.#session;
		if (session === undefined) return;
		const {aead} = this.context.environment;
		session.keys.install(resp.epoch, aead(keys.initiatorKey), aead(keys.responderKey), now);
		session.rekeys++;
		// The answer is a sign of life; without this, silence would ask for the next resume at once.
		session.sender.unheardSince = NEVER;
		this.#endSuspicion();
		this.context.emit({type: 'session-up', session: session.number, user: '', resumed: true});
		this.#traffic.resume(now);
		// The server uses the new keys once a packet under them arrives.
		for (const path of session.paths.all) if (path.open) session.prober.probe(path, now);
	}

	#established({resp, keys, localId}: HandshakeResult, now: Millis): void {
		if (this.#session !== undefined) this.#dropSession('the server knows the session no more');
		const {aead} = this.context.environment;
		const session = new Session({
			context: this.context,
			role: Role.CLIENT,
			number: ++this.#sessions,
			localId,
			peerId: resp.sessionId,
			keys: new KeySchedule(aead(keys.initiatorKey), aead(keys.responderKey), resp.epoch, now),
			peerFrames: resp.parameters.frames,
			closed: (code, quiet, at) => this.#closedByServer(code, quiet, at),
			now,
		});
		session.carryFlows(this.#traffic);
		session.lanes.redundant.copies = this.#config.copies;
		for (const settings of this.#config.paths) {
			const path = session.paths.configure(settings, settings.rateUp);
			path.sentNumbers = new ReplayWindow(SENT_NUMBERS);
			path.keepAlive = settings.keepAlive ?? NEVER;
			if (this.#open[settings.id]) this.#openPath(session, settings.id, now);
		}
		if (!this.#config.keyless) session.carryStreams(this.#streams);
		this.#session = session;
		this.#exporter = keys.exporter;
		this.#state = 'up';
		this.#traffic.begin(session, now);
		const {frames} = resp.parameters;
		const supported = STREAM_FRAMES.every((type) => frames.includes(type));
		this.#streams.attach(session, supported);
		this.context.emit({type: 'session-up', session: session.number, user: '', resumed: false});
		this.#traffic.resume(now);
		for (const path of session.paths.all) if (path.open) session.prober.probe(path, now);
		this.#sendPaths(now);
		this.#streams.pump(now);
	}

	#sendPaths(now: Millis): void {
		const session = this.#session;
		if (session === undefined || session.pathsKnown === this.#pathsSequence) {
			this.#pathsAgain = NEVER;
			return;
		}
		const {copies, paths} = this.#config;
		const sequence = this.#pathsSequence;
		session.sendControl(encodeFrame(pathsFrame, {sequence, copies, paths}), now);
		this.#pathsAgain = now + PATHS_AGAIN;
	}

	#receiveReset(
		path: number,
		bytes: Uint8Array,
		start: number,
		end: number,
		now: Millis,
	): DropReason | undefined {
		const session = this.#session;
		if (end - start !== RESET_LENGTH || session === undefined || !this.#isUp)
			return this.drop('unexpected');
		if (!namesOurPacket(session, path, bytes, start, now)) return this.drop('unexpected');
		// Anybody on a path can forge it. So all goes on, with copies in case that it is true, until
		// the next genuine packet shows that the server still has the session.
		if (this.#state === 'up') this.#stateUntil = now + 3 * session.probeTimeout;
		this.#state = 'restarting';
		this.#traffic.suspect();
		if (!this.#handshake.active && this.#alarms.raise(now)) this.#beginResume(session, now);
		return undefined;
	}

	#endSuspicion(): void {
		this.#state = 'up';
		this.#stateUntil = NEVER;
		this.#traffic.trust();
	}

	#beginResume(session: Session, now: Millis): void {
		const {localId, peerId} = session;
		this.#handshake.begin({localId, peerId, exporter: this.#exporter}, now);
		this.#sendInit(now);
	}

	/** The server is back: nothing meets a closed port any more. */
	#receiveBack(bytes: Uint8Array, start: number, end: number, now: Millis): DropReason | undefined {
		const expected = this.#expected;
		if (this.#state !== 'quiet' || expected === undefined || end - start !== BACK_LENGTH) {
			return this.drop('unexpected');
		}
		if (!equalBytes(expected, bytes.subarray(start, end))) return this.drop('bad-handshake');
		this.#expected = undefined;
		this.#endState(now);
		this.#sendInit(now);
		return undefined;
	}

	#closedByServer(code: number, quiet: Millis, now: Millis): void {
		if (this.#session === undefined) return;
		const back = encodeBack(this.#session.localId, backToken(this.#exporter));
		// It had the session until now.
		this.#traffic.trust();
		const reason = code === CloseCode.STOPPING ? 'the server stops' : `closed, code ${code}`;
		if (code === CloseCode.ID_IN_USE) {
			this.#dropSession(ID_IN_USE);
			this.#pause(now, this.#renewId(now));
			return;
		}
		this.#dropSession(reason);
		this.#handshake.stop();
		this.#state = 'quiet';
		this.#expected = code === CloseCode.STOPPING ? back : undefined;
		// A server that closed because of a protocol error must not be asked again at once.
		const broken = code === CloseCode.PROTOCOL || code === CloseCode.INTERNAL;
		this.#stateUntil = now + Math.max(quiet, broken ? BROKEN_PAUSE : 0);
	}

	#dropSession(reason: string): void {
		const session = this.#session;
		if (session === undefined) return;
		this.context.emit({type: 'session-down', session: session.number, reason});
		session.end();
		this.#session = undefined;
		this.#traffic.hold();
		this.#streams.detach();
		this.#keysDue = NEVER;
		this.#pathsAgain = NEVER;
	}

	// --- applications in ---

	sendDatagram(datagram: ApplicationDatagram, now: Millis): DropReason | undefined {
		if (this.#state === 'closed') return this.drop('no-session');
		try {
			return this.#traffic.send(datagram, now);
		} catch (error) {
			return this.#fail(error, now);
		}
	}

	sendDatagramTo(datagram: OpenDatagram, now: Millis): DropReason | undefined {
		if (this.#state === 'closed') return this.drop('no-session');
		try {
			return this.#traffic.sendTo(datagram, now);
		} catch (error) {
			return this.#fail(error, now);
		}
	}

	openStream(target: Uint8Array, now: Millis): TunnelStream | undefined {
		if (this.#state === 'closed' || this.#config.keyless) return undefined;
		return this.#streams.open(target, now);
	}

	pumpStreams(now: Millis): void {
		if (this.#state !== 'closed') this.#within(now, () => this.#streams.pump(now));
	}

	endApplication(application: RemoteAddress, now: Millis): void {
		if (this.#state === 'closed') return;
		this.#within(now, () => this.#traffic.end(application, now));
	}

	// --- time ---

	nextTimeout(): Millis {
		let next = Math.min(this.#handshake.nextTimeout(), this.#stateUntil, this.#closeAgain);
		next = Math.min(next, this.#nextSweep, this.#pathsAgain);
		const session = this.#session;
		if (session === undefined || this.#state === 'closed') return next;
		next = Math.min(next, session.nextTimeout(), this.#keysDue);
		if (this.#handshake.active) return next;
		const resume = session.sender.unheardSince + RESUME_AFTER;
		return Math.min(next, resume, this.#rekeyed + this.#config.rekeyInterval);
	}

	override runEarly(now: Millis): boolean {
		try {
			return this.#state !== 'closed' && this.#session?.prober.runEarly(now) === true;
		} catch (error) {
			this.#fail(error, now);
			return true;
		}
	}

	handleTimeout(now: Millis): void {
		this.#within(now, () => this.#handleTimeout(now));
	}

	#handleTimeout(now: Millis): void {
		if (this.#state === 'closed') {
			if (now >= this.#closeAgain) this.#sendGoodbye(now, NEVER);
			return;
		}
		if (now >= this.#stateUntil) this.#endState(now);
		if (this.#session && now >= this.#keysDue) this.#keysOld(this.#session, now);
		const session = this.#session;
		if (session !== undefined) {
			session.handleTimeout(now);
			if (!this.#handshake.active) this.#maybeResume(session, now);
			if (now >= this.#pathsAgain) this.#sendPaths(now);
		}
		this.#sendInit(now);
		if (now >= this.#nextSweep) this.#sweep(now);
		this.#traffic.afterInput(now);
	}

	get #keyLimit(): Millis {
		return this.#config.keyLimit ?? KEY_LIMIT;
	}

	/** New keys were due twice, or the present ones may not be used any more. */
	#keysOld(session: Session, now: Millis): void {
		const end = this.#rekeyed + this.#keyLimit;
		this.#keysDue = end;
		if (now >= end) {
			this.#dropSession('its keys are too old');
			this.#state = 'connecting';
			this.#stateUntil = NEVER;
			this.#handshake.begin(undefined, now);
		} else if (now - session.heard < this.#config.rekeyInterval) {
			const age = Math.round((now - this.#rekeyed) / 1000);
			const left = Math.round((end - now) / 1000);
			const text = `no new keys for ${age} s although packets come: something drops handshakes on all paths; the session ends in ${left} s`;
			this.#warnings.warn('old-keys', 'server', text, now);
		}
	}

	#maybeResume(session: Session, now: Millis): void {
		const silent = now >= session.sender.unheardSince + RESUME_AFTER;
		const due = now >= this.#rekeyed + this.#config.rekeyInterval;
		if (silent || due) this.#beginResume(session, now);
	}

	#endState(now: Millis): void {
		this.#stateUntil = NEVER;
		if (this.#state === 'quiet') {
			this.#state = 'connecting';
			this.#handshake.begin(undefined, now);
		} else if (this.#state === 'restarting') {
			this.#endSuspicion();
			// Nothing came since: the RESET may be true although another one was false not long ago.
			if (!this.#handshake.active && this.#session) this.#beginResume(this.#session, now);
		}
	}

	#sendInit(now: Millis): void {
		if (this.#handshake.poll(now) === undefined) return;
		const groups = new Map<Uint8Array, number[]>();
		for (const {id} of this.#config.paths) {
			const init = this.#handshake.current(id)!;
			groups.set(init, [...(groups.get(init) ?? []), id]);
		}
		for (const [init, paths] of groups) this.#sendRaw(init, paths);
	}

	/** Sends a handshake packet on those of the paths that are open. */
	#sendRaw(bytes: Uint8Array, paths: readonly number[]): void {
		const transmit = this.queueRaw(bytes);
		if (transmit === undefined) return;
		for (const id of paths) {
			if (this.#open[id]) transmit.add(id, undefined);
		}
		if (transmit.count === 0) this.context.outbox.unqueue(transmit);
	}

	#sweep(now: Millis): void {
		this.#nextSweep = now + FLOW_SWEEP;
		this.#traffic.expire(now);
	}

	close(now: Millis): void {
		if (this.#state === 'closed') return;
		this.#handshake.stop();
		this.#stateUntil = NEVER;
		this.#nextSweep = NEVER;
		this.#pathsAgain = NEVER;
		const quiet = this.#state === 'quiet';
		this.#state = 'closed';
		if (!quiet) this.#within(now, () => this.#sendGoodbye(now, now + SECOND_CLOSE));
	}

	#sendGoodbye(now: Millis, again: Millis): void {
		this.#closeAgain = again;
		this.#session?.sendClose(CloseCode.STOPPING, 0, now);
	}

	lingerTime(): Millis {
		let longest = 0;
		for (const path of this.#session?.paths.all ?? []) {
			if (path.rtt.measured) longest = Math.max(longest, path.rtt.smoothed);
		}
		return lingerFor(longest);
	}

	status(now: Millis): EndpointStatus {
		const {flows, waiting} = this.#traffic;
		const {totals: streams} = this.#streams;
		const session = this.#session;
		return {
			sessions: [sessionStatus(session, {state: this.#state, user: '', flows, streams, now})],
			drops: this.context.drops.entries(),
			waiting,
		};
	}
}
