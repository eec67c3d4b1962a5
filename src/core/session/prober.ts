import {HEAD_ROOM} from '../../bytes/slot-pool.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {BASE_PACKET_SIZE, DATA_OVERHEAD} from '../../wire/constants.ts';
import type {FrameCodec} from '../../wire/frames/codec.ts';
import {paddingFrame} from '../../wire/frames/control.ts';
import {type Probe, pongFrame, probeFrame} from '../../wire/frames/probe.ts';
import type {EndpointContext} from '../context.ts';
import type {Lanes} from '../lane/lanes.ts';
import type {PacketSender} from '../packets/packet-sender.ts';
import type {PathAddress} from '../path/address.ts';
import type {Path} from '../path/path.ts';
import type {PathSet} from '../path/path-set.ts';
import type {EchoedProbe, SentProbe} from '../path/probe-history.ts';
import {type Activity, NAT_LIFE, probeInterval} from '../path/probe-interval.ts';
import {Role} from '../role.ts';
import {Sent} from '../sent.ts';

/** Time since the last datagram up to which a session is active. */
const ACTIVE_FOR: Millis = 2000;
/** Time since the last datagram up to which it is calm; then it is idle. */
const CALM_FOR: Millis = 30_000;
/** Least time between two probes that accompany data. */
const SHORTEST_INTERVAL: Millis = 100;
/** Time by which a probe may go out sooner when the process is awake anyway. */
const EARLY: Millis = 10;

/** Returns a time in microseconds modulo 2^32, as probes carry it. */
function stampOf(now: Millis): number {
	return Math.floor(now * 1000) >>> 0;
}

/** Traffic of the session, as far as its probes depend on it. */
export interface Traffic {
	/** Application datagrams put into the session, and those that came out. */
	readonly sent: number;
	readonly received: number;
	/** True while datagrams wait for a path. */
	readonly waiting: boolean;
	/** True while streams have something to send. */
	readonly streamsWait: boolean;
	/** True while there are flows or streams, through which peers may reach the client. */
	readonly reachable: boolean;
}

/** Inputs of a prober. */
export interface ProberInit {
	readonly context: EndpointContext;
	readonly sender: PacketSender;
	readonly paths: PathSet;
	readonly lanes: Lanes;
	readonly role: Role;
	readonly traffic: Traffic;
}

/** Probes the paths of one session, reads what the peer reports, and has the paths judged. */
export class Prober {
	readonly #context: EndpointContext;
	readonly #sender: PacketSender;
	readonly #paths: PathSet;
	readonly #lanes: Lanes;
	readonly #role: Role;
	readonly #traffic: Traffic;
	/** ln of the chance that every report since the last one was lost on its way. */
	#reportSilence = 0;
	/** The probe that the one being read echoes. */
	#echo: SentProbe | undefined;
	#lastData: Millis = Number.NEGATIVE_INFINITY;
	/** The peer's count of datagrams it sent, and ours of those received by then. */
	#peerSent = 0;
	#receivedThen = 0;

	constructor(init: ProberInit) {
		this.#context = init.context;
		this.#sender = init.sender;
		this.#paths = init.paths;
		this.#lanes = init.lanes;
		this.#role = init.role;
		this.#traffic = init.traffic;
	}

	/** Share of the peer's datagrams that never came, 0 to 1. `undefined`: the peer sent none. */
	get residualLoss(): number | undefined {
		if (this.#peerSent === 0) return undefined;
		return Math.max(0, 1 - this.#receivedThen / this.#peerSent);
	}

	/** Counts a datagram of either direction; the first after a pause takes a probe along. */
	data(now: Millis): void {
		const wasActive = now - this.#lastData < ACTIVE_FOR;
		this.#lastData = now;
		if (wasActive) return;
		for (const path of this.#paths.all) {
			const pause = path.settings.metered ? 10 * SHORTEST_INTERVAL : SHORTEST_INTERVAL;
			if (path.open && now - path.probed >= pause) this.probe(path, now);
			else this.schedule(path, now);
		}
	}

	#activity(now: Millis): Activity {
		const quiet = now - this.#lastData;
		if (quiet < ACTIVE_FOR) return 'active';
		return quiet < CALM_FOR ? 'calm' : 'idle';
	}

	/** Sends a probe on a path, to each of its addresses; padded to `size` when that is given. */
	probe(path: Path, now: Millis, size = 0): void {
		for (const address of path.addresses.list) {
			this.#send(probeFrame, path, address, size, now);
		}
		path.response = undefined;
		path.probed = now;
		if (path.probeSent(now)) this.#paths.changed(now);
		if (size === 0) this.#reportSilence += Math.log(path.probeFailure);
		this.schedule(path, now);
	}

	/** Arms the path's next probe. */
	schedule(path: Path, now: Millis): void {
		if (!path.open) {
			path.nextProbe = NEVER;
			return;
		}
		const activity = this.#activity(now);
		const waiting = this.#traffic.waiting || (path.state === 'down' && this.#traffic.streamsWait);
		const situation = {
			role: this.#role,
			activity,
			waiting,
			doubt: this.#paths.all.some(({state}) => state === 'suspect'),
			keepAlive: this.#keepAlive(path),
		};
		const interval = probeInterval(path, situation, now);
		// Probes of the client do for both, but where data waits for this direction it has its own.
		const own = this.#role === Role.CLIENT || waiting;
		const last = own ? path.probed : Math.max(path.probed, path.peerProbed);
		// Spread, so that the paths' probes do not fall together: reports on one come over the others.
		const spread = 0.9 + this.#context.environment.random.uint32() / (waiting ? 10 : 5) / 2 ** 32;
		path.nextProbe = Math.max(now, last + interval * spread);
	}

	#keepAlive(path: Path): Millis {
		if (this.#role === Role.SERVER || path.keepAlive < NAT_LIFE) return path.keepAlive;
		// One is enough, and none of the metered ones where another path keeps its mapping anyway.
		const up = this.#paths.all.filter(({state}) => state === 'up' || state === 'suspect');
		const isNeeded = this.#traffic.reachable && up[0] === path;
		const isOnly = isNeeded && up.every(({settings}) => settings.metered);
		return isOnly ? NAT_LIFE : path.keepAlive;
	}

	#send(
		codec: FrameCodec<Probe>,
		path: Path,
		address: PathAddress,
		size: number,
		now: Millis,
	): void {
		const slot = this.#sender.take();
		if (slot === undefined) return;
		const probe = this.#context.probeOut;
		probe.pathId = path.id;
		probe.sentTime = path.probes.stamp(stampOf(now));
		probe.sentPackets = (path.sentPackets + 1) >>> 0;
		probe.sentDatagrams = this.#traffic.sent >>> 0;
		probe.challenge = address.validated ? undefined : address.challenge;
		probe.response = path.response;
		this.#fillEcho(probe, path);
		this.#fillCounts(probe);
		let end = codec.encode(slot.bytes, HEAD_ROOM, probe);
		const padded = HEAD_ROOM + size - DATA_OVERHEAD;
		const isPadded = padded > end;
		if (isPadded) {
			end = paddingFrame.encode(slot.bytes, end, {size: padded - end - 1});
		}
		const entry: SentProbe = {
			time: probe.sentTime,
			at: now,
			packets: path.sentPackets + 1,
			bytes: path.sentBytes,
			data: path.sentPackets - path.sentProbes,
			padded: path.sentPadded + (isPadded ? 1 : 0),
			larger: path.mtu.evidence.counts,
			size: end - HEAD_ROOM + DATA_OVERHEAD,
			echoed: false,
		};
		const kind = codec === probeFrame ? Sent.PROBE : Sent.ANSWER;
		slot.start = HEAD_ROOM;
		slot.end = end;
		if (!this.#sender.sendOn(slot, path, address, now, kind)) return;
		path.probes.add(entry);
		path.sentProbes++;
		if (isPadded) path.sentPadded++;
	}

	#fillEcho(probe: Probe, path: Path): void {
		const echo = path.probes.received;
		probe.hasEcho = echo !== undefined;
		probe.echoTime = echo === undefined ? 0 : echo.time;
		probe.echoArrival = echo === undefined ? 0 : echo.arrival;
		probe.echoPackets = echo === undefined ? 0 : echo.packets;
	}

	#fillCounts(probe: Probe): void {
		probe.count = 0;
		for (const path of this.#paths.all) {
			probe.pathIds[probe.count] = path.id;
			probe.packets[probe.count] = path.receivedPackets >>> 0;
			probe.probes[probe.count] = path.receivedProbes & 0xffff;
			probe.count++;
		}
	}

	/** Reads a PROBE or PONG that came over `path` from `address`; the packet had `size` bytes. */
	receive(probe: Probe, path: Path, address: PathAddress, now: Millis): void {
		path.receivedProbes++;
		path.peerProbed = now;
		path.receiveLoss.update(probe.sentPackets, path.receivedPackets >>> 0);
		const isAlarming = path.onlyProbesCame(probe.sentPackets);
		// In an idle session what is missing was a probe.
		if (isAlarming && this.#activity(now) === 'active' && this.#lanes.carry(path)) {
			path.mtu.alarmed(now);
		}
		path.receiveDelay.sample(probe.sentTime, stampOf(now), now);
		path.probes.received = {
			time: probe.sentTime,
			arrival: stampOf(now),
			packets: path.receivedPackets >>> 0,
		};
		if (this.#isNewer(probe.sentDatagrams)) {
			this.#peerSent = probe.sentDatagrams;
			this.#receivedThen = this.#traffic.received;
		}
		this.#echo = undefined;
		if (probe.hasEcho) this.#echoed(probe, path, now);
		if (probe.response !== undefined) this.#validate(probe.response, address);
		if (probe.challenge !== undefined) path.response = probe.challenge;
		this.#readCounts(probe, path, now);
		if (!probe.isAnswer) this.#send(pongFrame, path, address, 0, now);
		else if (path.response !== undefined) this.probe(path, now);
		this.schedule(path, now);
	}

	#isNewer(sent: number): boolean {
		return ((sent - this.#peerSent) | 0) >= 0;
	}

	#validate(response: Uint8Array, address: PathAddress): void {
		if (address.challenge.every((byte, index) => byte === response[index])) {
			address.validated = true;
		}
	}

	#echoed(probe: Probe, path: Path, now: Millis): void {
		const entry = path.probes.echo(probe.echoTime);
		if (entry === undefined) return;
		const round = (stampOf(now) - probe.echoTime) >>> 0;
		const held = (probe.sentTime - probe.echoArrival) >>> 0;
		path.rtt.sample(((round - held) | 0) / 1000);
		path.sendDelay.sample(probe.echoTime, probe.echoArrival, now);
		this.#echo = entry;
		if (entry.at >= path.narrowedAt) path.sendLoss.update(entry.packets >>> 0, probe.echoPackets);
		this.#measureData(probe, path, entry, now);
		const previous = path.probes.previous(entry, probe.echoPackets, probe.echoArrival);
		if (previous !== undefined) {
			const arrived = (probe.echoPackets - previous.arrived) >>> 0;
			const span = ((probe.echoArrival - previous.arrival) | 0) / 1000;
			const size = (entry.bytes - previous.sent.bytes) / (entry.packets - previous.sent.packets);
			path.load.saturation.delivered(arrived, span, size, now);
		}
		let others = Number.POSITIVE_INFINITY;
		for (const other of this.#paths.all) {
			if (other === path || other.state !== 'up') continue;
			others = Math.min(others, other.sendDelay.queueing ?? others);
		}
		const queue = path.sendDelay.queueing ?? 0;
		const sample = {queue, others, sentAt: entry.at, patience: path.rtt.patience};
		path.load.saturation.queueing(sample, now);
		this.#measureSize(path, entry, previous, probe.echoPackets, now);
	}

	/** Reads from the echo of `entry` which packet sizes the path carries. */
	#measureSize(
		path: Path,
		entry: SentProbe,
		previous: EchoedProbe | undefined,
		arrived: number,
		now: Millis,
	): void {
		const {mtu} = path;
		const before = mtu.confirmed;
		if (entry.size > BASE_PACKET_SIZE) {
			path.answeredPadded++;
			mtu.answered(entry.size, now);
		} else if (previous !== undefined) {
			const {sent} = previous;
			const interval = {
				packets: entry.packets - sent.packets,
				arrived: (arrived - previous.arrived) | 0,
				from: sent.larger,
				to: entry.larger,
			};
			const loss = path.probeLoss.cautious;
			const behind = entry.at - 4 * path.rtt.variation;
			if (mtu.reported(interval, sent.at, behind, loss, now)) path.narrowed(now);
		}
		if (mtu.confirmed !== before) this.#paths.changed(now);
	}

	// The peer counts a probe when it comes: its count of them belongs to the moment of the echo.
	#measureData(probe: Probe, path: Path, entry: SentProbe, now: Millis): void {
		let changed = path.probeEchoed();
		for (let i = 0; i < probe.count; i++) {
			if (probe.pathIds[i] !== path.id || path.state === 'down') continue;
			if (entry.at < path.narrowedAt) continue;
			const {dataLoss} = path;
			changed =
				dataLoss.update(entry.at, entry.data, probe.echoPackets, probe.probes[i]!) || changed;
		}
		if (changed) this.#paths.changed(now);
	}

	/**
	 * Gives the judges the counts of a probe that came over `reportPath`. An echo proves the one that
	 * it echoes; a count that rose, only that something sent a round trip ago or earlier arrived.
	 */
	#readCounts(probe: Probe, reportPath: Path, now: Millis): void {
		this.#reportSilence = 0;
		const echoedAt = this.#echo?.at ?? Number.NEGATIVE_INFINITY;
		for (let i = 0; i < probe.count; i++) {
			const path = this.#paths.get(probe.pathIds[i]!);
			if (path === undefined) continue;
			this.#reported(path, reportPath, probe.packets[i]!, now);
			const packetsRise = (probe.packets[i]! - path.peerPackets) | 0;
			const probesRise = ((probe.probes[i]! - path.peerProbes) << 16) >> 16;
			if (packetsRise > 0) path.peerPackets = probe.packets[i]!;
			if (probesRise > 0) {
				path.peerProbes = probe.probes[i]!;
				path.peerProbesInAll += probesRise;
			}
			if (path === reportPath && this.#echo !== undefined) measureLoss(path, this.#echo);
			const from = path.state;
			const evidence = {
				packetsRose: packetsRise > 0,
				probesRose: probesRise > 0,
				provenUntil: now - path.rtt.smoothed,
				echoedAt: path === reportPath ? echoedAt : Number.NEGATIVE_INFINITY,
			};
			path.judge.report(evidence, now, path.circumstances(0));
			if (this.#paths.stateChanged(path, from, now, 'evidence')) this.#cameUp(path, now);
		}
		if (this.#lanes.redundant.weighSizes(now)) this.#paths.changed(now);
	}

	#reported(path: Path, reportPath: Path, packets: number, now: Millis): void {
		// Only reports over the best path come in time, and on all paths but itself.
		const best = this.#lanes.redundant.paths[0];
		if (reportPath !== best || path === best || ((packets - path.peerPackets) | 0) < 0) return;
		// There on the one path, back on the other.
		const age = (path.rtt.smoothed + reportPath.rtt.smoothed) / 2;
		path.load.saturation.reported(
			{
				sent: path.judge.sentAround(now - age),
				arrived: packets,
				bytes: path.sentBytes / Math.max(1, path.sentPackets),
				loss: path.sendLoss.loss ?? 0,
				blur: 4 * Math.max(path.rtt.variation, reportPath.rtt.variation),
			},
			now,
		);
	}

	#cameUp(path: Path, now: Millis): void {
		path.mtu.start(now);
		this.schedule(path, now);
	}

	/** Returns the time of the next handleTimeout. `NEVER`: nothing is armed. */
	nextTimeout(): Millis {
		let next = NEVER;
		for (const path of this.#paths.all) next = Math.min(next, path.nextTimeout());
		return next;
	}

	/** Sends the probes that are due soon. True when there were any. */
	runEarly(now: Millis): boolean {
		let any = false;
		for (const path of this.#paths.all) {
			if (path.state !== 'up' || now < path.nextProbe - EARLY) continue;
			this.probe(path, now);
			any = true;
		}
		return any;
	}

	/** Judges and probes what is due. */
	handleTimeout(now: Millis): void {
		for (const path of this.#paths.all) {
			if (now >= path.nextJudgement) this.#judge(path, now);
			if (now >= path.nextProbe) this.probe(path, now);
			if (now >= path.nextSizeProbes) this.#probeSizes(path, now);
		}
	}

	#probeSizes(path: Path, now: Millis): void {
		// What carries no data may be tested when it does.
		const inUse = this.#lanes.carry(path) && !path.settings.metered;
		const active = inUse && this.#activity(now) === 'active';
		const sizes = path.mtu.nextSizes(now, path.probeFailure, active);
		for (const size of sizes) this.probe(path, now, size);
		// One without padding behind them shows if the size or the path loses them.
		if (sizes.length > 0) this.probe(path, now);
	}

	#judge(path: Path, now: Millis): void {
		const from = path.state;
		const silent = Math.round(now - path.judge.unprovenSince);
		path.judge.judge(now, path.circumstances(this.#reportSilence));
		if (!this.#paths.stateChanged(path, from, now, `no evidence for ${silent} ms`)) return;
		// Reports on it come over the other paths, which are probed more often from now on.
		for (const each of this.#paths.all) this.schedule(each, now);
		if (this.#role === Role.CLIENT) this.#context.emit({type: 'path-silent', path: path.id});
	}

	/** Takes a path down without a judgement: nothing can be sent on it. */
	lost(path: Path, now: Millis, reason: string): void {
		const from = path.state;
		if (from === 'down') path.downReason = reason;
		path.judge.lost(now);
		this.#paths.stateChanged(path, from, now, reason);
		this.schedule(path, now);
	}

	/** Doubts a path on which the system refused to deliver. */
	refused(path: Path, now: Millis, reason: string): void {
		const from = path.state;
		path.judge.refused();
		this.#paths.stateChanged(path, from, now, reason);
		// Another path may be the only one now.
		for (const each of this.#paths.all) this.schedule(each, now);
	}
}

/** Updates the loss of probes from the peer's count of them when it got the one that it echoes. */
function measureLoss(path: Path, {packets, data, padded}: SentProbe): void {
	const sent = packets - data - padded + path.answeredPadded;
	path.probeLoss.update(sent >>> 0, path.peerProbesInAll >>> 0);
}
