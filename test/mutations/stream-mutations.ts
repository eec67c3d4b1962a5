import type {Mutation} from './mutations.ts';

const STREAM = 'src/core/stream/stream.ts';
const SET = 'src/core/stream/stream-set.ts';
const TRANSPORT = 'src/core/stream/stream-transport.ts';
const CARRIERS = 'src/core/packets/carrier-set.ts';
const CARRIER = 'src/core/packets/carrier.ts';
const FILLER = 'src/core/stream/packet-filler.ts';
const PIPE = 'src/net/tcp/stream-pipe.ts';

/** Bugs in streams, their rates and their TCP connections. */
export const STREAM_MUTATIONS: readonly Mutation[] = [
	{
		name: 'ranges that touch do not become one',
		file: 'src/core/stream/range-set.ts',
		from: 'starts[last]! <= end)',
		to: 'starts[last]! < end)',
	},
	{
		name: 'a send buffer forgets what was acknowledged behind a gap',
		file: 'src/core/stream/send-buffer.ts',
		from: 'this.#acknowledged.add(offset, end);',
		to: '',
	},
	{
		name: 'what was acknowledged is sent again',
		file: 'src/core/stream/send-buffer.ts',
		from: 'this.lost.remove(offset, end);',
		to: '',
	},
	{
		name: 'bytes that were read are stored again',
		file: 'src/core/stream/receive-buffer.ts',
		from: 'let from = Math.max(offset, this.position);',
		to: 'let from = offset;',
	},
	{
		name: 'bytes behind the end of a stream are taken',
		file: 'src/core/stream/receive-buffer.ts',
		from: 'if (to > this.finalSize || (fin && to < this.furthest)) return false;',
		to: '',
	},
	{
		name: 'the window of a stream is not checked',
		file: STREAM,
		from: 'if (offset + (end - start) > this.receiveLimit) return false;',
		to: '',
	},
	{
		name: 'a window grows although its reader is slow',
		file: STREAM,
		from: 'if (isFast && now - this.#slowAt >= 2 * roundTrip) this.#grow();',
		to: 'this.#grow();',
	},
	{
		name: 'a window never grows',
		file: STREAM,
		from: 'this.#window *= 2;',
		to: '',
	},
	{
		name: 'a stream that ended keeps its credit',
		file: STREAM,
		from: 'this.#host.memory.give(this.receiveLimit - this.#consumed);',
		to: '',
	},
	{
		name: 'bytes that the reader took keep their credit',
		file: STREAM,
		from: 'this.#host.memory.give(count);',
		to: '',
	},
	{
		name: 'the end of a stream that is lost is not told again',
		file: STREAM,
		from: 'if (fin && !this.finAcknowledged) this.finSent = false;',
		to: '',
	},
	{
		name: 'a lost STREAM_STOP is not told again',
		file: STREAM,
		from: 'kind !== Pending.WINDOW && kind !== Pending.STOP && this.known;',
		to: 'kind !== Pending.WINDOW && this.known;',
	},
	{
		name: 'a stream that wants no more bytes takes them',
		file: STREAM,
		from: 'if (this.#discarding) return true;',
		to: '',
	},
	{
		name: 'the memory of a user has no limit',
		file: 'src/core/budget.ts',
		from: 'Math.min(count, Math.floor(growth))',
		to: 'count',
	},
	{
		name: 'what one user borrows another is not guaranteed any more',
		file: 'src/core/budget.ts',
		from: 'Math.max(0, guarantee - this.used) + free',
		to: 'free',
	},
	{
		name: 'what waits to be acknowledged takes no memory',
		file: STREAM,
		from: 'this.#host.memory.add(wanted - this.#sending);',
		to: '',
	},
	{
		name: 'an id of a stream is taken twice',
		file: SET,
		from: '|| !this.#seen.accept(id)) return;',
		to: ') return;',
	},
	{
		name: 'opens of streams have no limit',
		file: SET,
		from: 'const beyond = this.#streams.size >= 2 * limit || user.streams >= 2 * user.streamLimit;',
		to: 'const beyond = false;',
	},
	{
		name: 'streams outlive a peer that is silent',
		file: SET,
		from: 'if (now >= session.sender.unheardSince + HOPELESS_AFTER) this.endAll(StreamCode.SESSION_LOST);',
		to: '',
	},
	{
		name: 'a reset that comes before its open does not count',
		file: SET,
		from: 'if (stream === undefined && this.#init.role === Role.SERVER) this.#seen.accept(id);',
		to: '',
	},
	{
		name: 'packets that only paths in doubt carry are waited for',
		file: CARRIERS,
		from: 'if (doubted === 0) return;',
		to: 'if (doubted >= 0) return;',
	},
	{
		name: 'a packet is told again although a copy of it is under way',
		file: CARRIERS,
		from: 'this.#giveUp(packet);\n\t\tif (packet.paths === 0)',
		to: 'if (!packet.settled) this.#lose(packet);\n\t\tif (packet.paths === 0)',
	},
	{
		name: 'new bytes go to a path that is much later than the others',
		file: 'src/core/packets/lateness.ts',
		from: 'return carrier.expected > this.limit + wait;',
		to: 'return wait < 0;',
	},
	{
		name: 'an acknowledgement of what was never sent is believed',
		file: CARRIERS,
		from: 'for (const number of this.#skipped) if (report.covers(number)) return false;',
		to: '',
	},
	{
		name: 'an acknowledgement of the future is believed',
		file: CARRIERS,
		from: 'if (report.largest >= this.#numbers.nextPacketNumber) return false;',
		to: '',
	},
	{
		name: 'copies go where the model has no room',
		file: TRANSPORT,
		from: 'carrier === lead || carrier.delayUntilSend(now, size) > patience',
		to: 'carrier === lead',
	},
	{
		name: 'no copies of stream packets',
		file: TRANSPORT,
		from: 'carrier === lead || carrier.delayUntilSend(now, size) > patience',
		to: 'carrier !== undefined',
	},
	{
		name: 'the worst path leads',
		file: TRANSPORT,
		from: 'while (at > 0 && order[at - 1]!.expected > carrier.expected) at--;',
		to: 'while (at > 0 && order[at - 1]!.expected < carrier.expected) at--;',
	},
	{
		name: 'the beginning of a stream is told once',
		file: 'src/core/stream/beginnings.ts',
		from: 'if (!stream.removed) stream.tellAgain',
		to: 'if (stream.removed) stream.tellAgain',
	},
	{
		name: 'packets that are overtaken are lost at once',
		file: CARRIER,
		from: 'const PACKET_THRESHOLD = 3;',
		to: 'const PACKET_THRESHOLD = 1;',
	},
	{
		name: 'what one report could not settle is never given up',
		file: CARRIER,
		from: 'this.#lossTime = now;',
		to: '',
	},
	{
		name: 'losses are only found by time',
		file: CARRIER,
		from: 'if (this.#highest - i < this.#threshold && due > now) {',
		to: 'if (due > now) {',
	},
	{
		name: 'packets that no later one follows are waited for',
		file: CARRIER,
		from: 'this.#abandonAll(now);\n',
		to: '\n',
	},
	{
		name: 'the bitmap of a report is off by one',
		file: 'src/wire/frames/feedback.ts',
		from: 'const index = this.largest - 1 - number;',
		to: 'const index = this.largest - number;',
	},
	{
		name: 'a bitmap of a report may be longer than the receiver has room',
		file: 'src/wire/frames/feedback.ts',
		from: 'report.length > BITMAP_BYTES || ',
		to: '',
	},
	{
		name: 'a gap is not reported at once',
		file: 'src/core/packets/feedback-sender.ts',
		from: 'this.#gapReport = now;\n\t\tthis.#due = now;',
		to: 'this.#gapReport = now;',
	},
	{
		name: 'each receipt is told once',
		file: 'src/core/packets/receipts.ts',
		from: 'const REPEATS = 8;',
		to: 'const REPEATS = 1;',
	},
	{
		name: 'a bulk stream keeps its turn',
		file: 'src/core/stream/stream-scheduler.ts',
		from: 'this.#turns < QUANTUM && ',
		to: '',
	},
	{
		name: 'young streams wait like all others',
		file: 'src/core/stream/stream-scheduler.ts',
		from: 'return stream.pending !== 0 || stream.urgent;',
		to: 'return false;',
	},
	{
		name: 'bytes before STREAM_ACCEPT go without STREAM_OPEN',
		file: FILLER,
		from: 'return stream.opener && !stream.known && this.#opened !== stream;',
		to: 'return false;',
	},
	{
		name: 'the rate falls with every loss',
		file: 'src/core/load/bbr-model.ts',
		from: 'if (loss.recent > (1 - MENDED) * this.#loweredLoss) return;\n\t\tif (!loss.exceeds(isProbe ? limit : loss.base + LOSS_MARGIN)) return;',
		to: '',
	},
	{
		name: 'no ceiling of loss',
		file: 'src/core/load/bbr-model.ts',
		from: 'if (!loss.exceeds(isProbe ? limit : loss.base + LOSS_MARGIN)) return;',
		to: 'return;',
	},
	{
		name: 'a probe for more leaves its queue behind',
		file: 'src/core/load/bbr-model.ts',
		from: 'const DOWN_GAIN = 0.75;',
		to: 'const DOWN_GAIN = 1;',
	},
	{
		name: 'delivery is timed by the sender alone',
		file: 'src/core/load/rate-sampler.ts',
		from: 'const span = Math.max(this.#sendSpan, arrivalSpan);',
		to: 'const span = this.#sendSpan;',
	},
	{
		name: 'a sender that lacked data measures the path',
		file: 'src/core/load/rate-sampler.ts',
		from: 'snapshot.appLimited = this.#limitedUntil > 0;',
		to: 'snapshot.appLimited = false;',
	},
	{
		name: 'a reset connection ends its stream',
		file: PIPE,
		from: 'else stream.reset(code);',
		to: 'else stream.end();',
	},
	{
		name: 'an end cuts the other direction off',
		file: PIPE,
		from: '\t\tstream.end();\n\t\tchanged();',
		to: '\t\tstream.reset(1);\n\t\tchanged();',
	},
	{
		name: 'what a vanished application sent before its end is cut off',
		file: PIPE,
		from: 'if (this.#inputEnded) stream.stop();\n\t\telse stream.reset(code);',
		to: 'stream.reset(code);',
	},
	{
		name: 'the stream is read although its socket is full',
		file: PIPE,
		from: 'next = this.#unwritten + total < UNWRITTEN_LIMIT ? stream.read() : undefined;',
		to: 'next = stream.read();',
	},
	{
		name: 'bytes count as taken before the socket took them',
		file: PIPE,
		from: 'this.#unwritten += total;',
		to: 'stream.consumed(total);',
	},
	{
		name: 'hosts that vanish are not noticed',
		file: PIPE,
		from: 'socket.setKeepAlive(true, KEEP_ALIVE);',
		to: '',
	},
	{
		name: 'addresses are tried one after the other only',
		file: 'src/net/tcp/race.ts',
		from: 'if (this.#queue.length > 0) {',
		to: 'if (this.#queue.length < 0) {',
	},
	{
		name: 'connections that lost a race stay open',
		file: 'src/net/tcp/race.ts',
		from: 'for (const socket of this.#running) socket.destroy();',
		to: '',
	},
];
