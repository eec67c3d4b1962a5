import {IP_UDP_OVERHEAD} from '../../bytes/overhead.ts';
import {type Millis, NEVER} from '../../bytes/time.ts';
import {BASE_PACKET_SIZE} from '../../wire/constants.ts';
import type {PathSettings} from '../../wire/frames/paths.ts';
import type {PathState, PathStatus} from '../events.ts';
import {PathLoad} from '../load/path-load.ts';
import {RttEstimator} from '../load/rtt.ts';
import {ReplayWindow} from '../replay-window.ts';
import {Sent} from '../sent.ts';
import type {PathTotals} from '../totals.ts';
import type {Transmit} from '../transmit.ts';
import {AddressList, type PathAddress} from './address.ts';
import {DataLossMeter, WORST_GRADE} from './data-loss.ts';
import {DelayMeter} from './delay.ts';
import {type Circumstances, PathJudge} from './judge.ts';
import {LossMeter} from './loss.ts';
import {MtuSearch} from './mtu.ts';
import {ProbeHistory} from './probe-history.ts';
import {SizeWorth} from './size-worth.ts';

/**
 * Copies older than this many packet numbers are not counted: enough for 100 ms of skew at
 * 40,000/s.
 */
const COPY_SPAN = 4096;

/**
 * So many probes in a row, over so much time beyond what answers take, make a path one that is not
 * measured.
 */
const FEWEST_UNANSWERED = 10;
const LONGEST_UNANSWERED: Millis = 1000;

/** One path at one end: its addresses, its measurements and its judgement. */
export class Path {
	readonly id: number;
	settings: PathSettings;
	/** False: its client has not described it yet, and its name is made up. */
	isNamed = false;
	/** Addresses of the far end. Empty: its socket is closed or its address unknown. */
	readonly addresses: AddressList = new AddressList();
	readonly judge: PathJudge = new PathJudge();
	readonly rtt: RttEstimator = new RttEstimator();
	readonly sendLoss: LossMeter = new LossMeter();
	readonly receiveLoss: LossMeter = new LossMeter();
	/** Share of the data sent on the path that arrives. */
	readonly dataLoss: DataLossMeter = new DataLossMeter();
	/** Loss of probes, those with padding left out. */
	readonly probeLoss: LossMeter = new LossMeter();
	readonly sendDelay: DelayMeter = new DelayMeter();
	readonly receiveDelay: DelayMeter = new DelayMeter();
	readonly mtu: MtuSearch = new MtuSearch();
	readonly sizeWorth: SizeWorth = new SizeWorth();
	/** Load: the rate that the path may carry now. */
	readonly load: PathLoad = new PathLoad();
	readonly probes: ProbeHistory = new ProbeHistory();
	/**
	 * Packets sent and received on the path, copies included, as the counters in probes; and bytes
	 * of these on the wire, headers of IPv4 and UDP included.
	 */
	sentPackets = 0;
	sentBytes = 0;
	/** Packets of these that were a PROBE or PONG. */
	sentProbes = 0;
	/** Probes of these with padding; below, those of them that were answered. */
	sentPadded = 0;
	answeredPadded = 0;
	receivedPackets = 0;
	receivedBytes = 0;
	receivedProbes = 0;
	/** The peer's counters of what it received on the path, modulo 2^32 and 2^16. */
	peerPackets = 0;
	peerProbes = 0;
	/** Count of probes that goes on where `peerProbes` wraps. */
	peerProbesInAll = 0;
	/** Time of the last genuine packet or counted copy. `NEVER`: none so far. */
	lastReceived: Millis = NEVER;
	/** Time at which the last probe went out; below, came in. */
	probed: Millis = Number.NEGATIVE_INFINITY;
	peerProbed: Millis = Number.NEGATIVE_INFINITY;
	/**
	 * Bytes of packets with parts of streams: all copies sent, and those received that came first.
	 */
	streamBytesSent = 0;
	streamBytesReceived = 0;
	/** Probes sent since an echo last came back; below, the time of the first of them. */
	#unanswered = 0;
	#unansweredSince: Millis = NEVER;
	/**
	 * Set when nothing measures the path: probes get through, by reports over other paths, and no
	 * answers.
	 */
	unmeasured = false;
	/** Time at which the path went down. `NEVER`: it is not down. */
	downSince: Millis = NEVER;
	/** Reason why it went down last. */
	downReason = '';
	/** Client: the longest time between two packets on the path, as configured. */
	keepAlive: Millis = NEVER;
	/**
	 * Time at which the size that it carries fell; earlier packets may have been lost for their size.
	 */
	narrowedAt: Millis = Number.NEGATIVE_INFINITY;
	/** Time of the next probe. `NEVER`: the path is not open. */
	nextProbe: Millis = NEVER;
	/** A challenge of the peer that waits for its answer. */
	response: Uint8Array | undefined = undefined;
	/** Client: numbers of the newest packets sent on the path, of which a true RESET names one. */
	sentNumbers: ReplayWindow | undefined = undefined;
	readonly #copies = new ReplayWindow(COPY_SPAN);
	/** Packets that the peer had sent, and those that had come in, at its last probe. */
	#peerSent = 0;
	#received = 0;
	#receivedProbes = 0;

	constructor(settings: PathSettings) {
		this.id = settings.id;
		this.settings = settings;
	}

	/** The judgement of the sending direction. */
	get state(): PathState {
		return this.judge.state;
	}

	/** True while there is an address to send to. */
	get open(): boolean {
		return this.addresses.list.length > 0;
	}

	/** Time of the next judgement, because evidence is missing. `NEVER`: none is missing. */
	get nextJudgement(): Millis {
		return this.judge.nextTimeout(this.rtt.patience);
	}

	/** Time of the next probes of packet sizes. `NEVER`: the path is not up. */
	get nextSizeProbes(): Millis {
		return this.state === 'up' ? this.mtu.nextTimeout() : NEVER;
	}

	/** Returns the time of the first of these: probe, judgement, probes of sizes. */
	nextTimeout(): Millis {
		return Math.min(this.nextProbe, this.nextJudgement, this.nextSizeProbes);
	}

	/** Adds the path's addresses to a packet's destinations and counts it. False: there was none. */
	send(transmit: Transmit, bytes: number, now: Millis, kind: Sent): boolean {
		const before = transmit.count;
		const {list} = this.addresses;
		if (list.length === 1) this.#address(list[0]!, transmit, bytes);
		else this.#addressAll(transmit, bytes);
		if (transmit.count === before) return false;
		this.#sent(bytes, now, kind);
		return true;
	}

	#address(address: PathAddress, transmit: Transmit, bytes: number): void {
		if (!transmit.isFull && address.allow(bytes)) transmit.add(this.id, address.remote);
	}

	/**
	 * Adds all current addresses; apart from `send`, which is short enough to be compiled into its
	 * callers.
	 */
	#addressAll(transmit: Transmit, bytes: number): void {
		const {addresses} = this;
		for (const address of addresses.list) {
			if (addresses.isCurrent(address)) this.#address(address, transmit, bytes);
		}
	}

	/**
	 * Adds one of the path's addresses to a packet's destinations and counts it. False: it must not
	 * be sent there.
	 */
	sendTo(
		address: PathAddress,
		transmit: Transmit,
		bytes: number,
		now: Millis,
		kind: Sent,
	): boolean {
		if (!address.allow(bytes)) return false;
		transmit.add(this.id, address.remote);
		this.#sent(bytes, now, kind);
		return true;
	}

	#sent(bytes: number, now: Millis, kind: Sent): void {
		this.sentPackets++;
		this.sentBytes += bytes + IP_UDP_OVERHEAD;
		if (bytes > BASE_PACKET_SIZE) this.mtu.evidence.sent(bytes, kind === Sent.PROBE);
		this.judge.sent(now, kind, this.rtt.patience);
	}

	/**
	 * Share of the data sent on the path that is lost, for choosing: see DataLossMeter. An
	 * unmeasured path is only better than one known to lose most.
	 */
	get grade(): number {
		return this.unmeasured ? Math.max(WORST_GRADE - 1, this.dataLoss.grade) : this.dataLoss.grade;
	}

	/** Counts a PROBE that went out. True: the path counts as not measured from now on. */
	probeSent(now: Millis): boolean {
		this.#unanswered++;
		if (this.#unansweredSince === NEVER) this.#unansweredSince = now;
		if (this.unmeasured || this.#unanswered < FEWEST_UNANSWERED) return false;
		this.unmeasured = now - this.#unansweredSince > LONGEST_UNANSWERED + this.rtt.patience;
		return this.unmeasured;
	}

	/** Notes an echo that came back. True: the path was not measured before. */
	probeEchoed(): boolean {
		const {unmeasured} = this;
		this.#unanswered = 0;
		this.#unansweredSince = NEVER;
		this.unmeasured = false;
		return unmeasured;
	}

	/** Takes a copy of that size from the path's allowance. False: it must not go out there now. */
	admits(bytes: number, now: Millis): boolean {
		if (bytes > this.mtu.confirmed || !this.load.admits(bytes + IP_UDP_OVERHEAD, now)) return false;
		return this.reaches(bytes);
	}

	/** The same for what must leave room for another packet of that size behind it: a repair. */
	admitsBeside(bytes: number, now: Millis): boolean {
		const onWire = bytes + IP_UDP_OVERHEAD;
		if (bytes > this.mtu.confirmed || !this.load.admits(onWire, now, onWire)) return false;
		return this.reaches(bytes);
	}

	/**
	 * Admits a copy that `admits` has just refused, because no other path takes one. False: it must
	 * not go out here either.
	 */
	admitsLast(bytes: number, now: Millis): boolean {
		if (bytes > this.mtu.confirmed || !this.load.admitsLast(bytes + IP_UDP_OVERHEAD, now))
			return false;
		return this.reaches(bytes);
	}

	/** True while one of its addresses may be sent a packet of that size. */
	reaches(bytes: number): boolean {
		const {list} = this.addresses;
		return list.length === 1 ? list[0]!.affords(bytes) : this.#reachesAny(bytes);
	}

	#reachesAny(bytes: number): boolean {
		const {addresses} = this;
		for (const address of addresses.list) {
			if (addresses.isCurrent(address) && address.affords(bytes)) return true;
		}
		return false;
	}

	/** Counts a packet that arrived on the path, once for each packet number. */
	received(packetNumber: number, bytes: number, now: Millis): void {
		if (!this.#copies.accept(packetNumber)) return;
		this.receivedPackets++;
		this.receivedBytes += bytes + IP_UDP_OVERHEAD;
		this.lastReceived = now;
	}

	/** Chance that a probe on the path is not answered. */
	get probeFailure(): number {
		return 1 - (1 - this.probeLoss.cautious) * (1 - this.receiveLoss.cautious);
	}

	/**
	 * Notes that the confirmed size is given up: packets lost for their size are no evidence of the
	 * path's loss.
	 */
	narrowed(now: Millis): void {
		this.narrowedAt = now;
		this.sendLoss.reset();
		this.dataLoss.forget();
	}

	/** Returns the inputs of the judge; `reportSilence` is the session's. */
	circumstances(reportSilence: number): Circumstances {
		return {patience: this.rtt.patience, loss: this.sendLoss.cautious, reportSilence};
	}

	/**
	 * True when since the last probe of the peer, which had sent so many packets now, probes came and
	 * no data.
	 */
	onlyProbesCame(peerSent: number): boolean {
		const sent = (peerSent - this.#peerSent) | 0;
		const came = this.receivedPackets - this.#received;
		const probes = this.receivedProbes - this.#receivedProbes;
		this.#peerSent = peerSent;
		this.#received = this.receivedPackets;
		this.#receivedProbes = this.receivedProbes;
		return sent > came && came <= probes;
	}

	/** Forgets the delays, which were measured where the path led before. */
	forgetDelays(): void {
		this.sendDelay.reset();
		this.receiveDelay.reset();
	}

	/** Returns what the path has counted so far, under whatever name. */
	totals(): Omit<PathTotals, 'name'> {
		return {
			sending: {
				packets: this.sentPackets,
				bytes: this.sentBytes,
				streamBytes: this.streamBytesSent,
			},
			receiving: {
				packets: this.receivedPackets,
				bytes: this.receivedBytes,
				streamBytes: this.streamBytesReceived,
			},
			saturated: this.load.saturation.dropped,
		};
	}

	/** Returns the status of the path. */
	status(now: Millis): PathStatus {
		return {
			id: this.id,
			name: this.settings.name,
			remote: this.addresses.list
				.flatMap(({remote}) => (remote ? [`${remote.host} port ${remote.port}`] : []))
				.join(', '),
			state: this.state,
			rtt: this.rtt.measured ? this.rtt.smoothed : undefined,
			jitter: this.rtt.measured ? this.rtt.jitter : undefined,
			sending: {
				packets: this.sentPackets,
				bytes: this.sentBytes,
				streamBytes: this.streamBytesSent,
				loss: this.sendLoss.loss,
				dataLoss: this.dataLoss.shown,
				queueing: this.sendDelay.queueing,
			},
			receiving: {
				packets: this.receivedPackets,
				bytes: this.receivedBytes,
				streamBytes: this.streamBytesReceived,
				loss: this.receiveLoss.loss,
				queueing: this.receiveDelay.queueing,
			},
			saturated: this.load.saturation.dropped,
			mtu: this.open ? this.mtu.confirmed : BASE_PACKET_SIZE,
			backup: this.settings.backup,
			...(this.settings.held ? {held: true} : {}),
			metered: this.settings.metered,
			silence: this.lastReceived === NEVER ? undefined : now - this.lastReceived,
			down:
				this.downSince === NEVER ? undefined : {age: now - this.downSince, reason: this.downReason},
		};
	}
}
