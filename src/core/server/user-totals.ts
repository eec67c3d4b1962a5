import {addCounts, createCounts, meanTraffic, type SenderCounts} from '../../fec/sender-counts.ts';
import type {TrafficStatus} from '../events.ts';
import type {Session} from '../session/session.ts';
import type {StreamTraffic} from '../stream/stream.ts';

/** Sums over sessions of a user; bytes are those on the wire. */
export class UserTotals {
	sessions = 0;
	/** Datagrams sent to the user and received from it. */
	sent = 0;
	received = 0;
	readonly streams: StreamTraffic = {opened: 0, sent: 0, received: 0};
	readonly #lanes: SenderCounts = createCounts();
	#packetsSent = 0;
	#bytesSent = 0;
	#packetsReceived = 0;
	#bytesReceived = 0;

	/** Adds what a session did so far. */
	add({sent, received, streams, lanes, paths}: Session): void {
		this.sessions++;
		this.sent += sent;
		this.received += received;
		if (streams !== undefined) addStreams(this.streams, streams.traffic);
		addCounts(this.#lanes, lanes.counts);
		const {sending, receiving} = paths.counts.sum(paths.all);
		this.#packetsSent += sending.packets;
		this.#bytesSent += sending.bytes;
		this.#packetsReceived += receiving.packets;
		this.#bytesReceived += receiving.bytes;
	}

	/** Adds the sums over other sessions. */
	addAll(other: UserTotals): void {
		this.sessions += other.sessions;
		this.sent += other.sent;
		this.received += other.received;
		addStreams(this.streams, other.streams);
		addCounts(this.#lanes, other.#lanes);
		this.#packetsSent += other.#packetsSent;
		this.#bytesSent += other.#bytesSent;
		this.#packetsReceived += other.#packetsReceived;
		this.#bytesReceived += other.#bytesReceived;
	}

	/** Traffic of all these sessions. */
	get traffic(): TrafficStatus {
		const {sources, copies, repairs} = this.#lanes;
		return {
			packetsSent: this.#packetsSent,
			bytesSent: this.#bytesSent,
			packetsReceived: this.#packetsReceived,
			bytesReceived: this.#bytesReceived,
			sources,
			copies,
			repairs,
			factor: meanTraffic(this.#lanes),
		};
	}
}

function addStreams(sum: StreamTraffic, {opened, sent, received}: StreamTraffic): void {
	sum.opened += opened;
	sum.sent += sent;
	sum.received += received;
}
