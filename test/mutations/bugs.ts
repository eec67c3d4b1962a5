import type {Bug} from './bug.ts';
import {LANE_BUGS} from './lane-bugs.ts';
import {RULE_BUGS} from './rule-bugs.ts';

/** Bugs that might really be made, about one for each invariant; every one makes a test fail. */
export const BUGS: readonly Bug[] = [
	// Encoding
	{
		bug: 'a varint takes two bytes one value too long',
		place: 'writeVarint',
		code: 'value < 0x4000',
		to: 'value <= 0x4000',
	},
	{
		bug: 'the packet number loses its upper 16 bits on the wire',
		place: 'writeUint48',
		code: '(high >>> 8) & 0xff',
		to: '0',
	},
	{
		bug: 'the nonce loses the upper half of the packet number',
		place: 'writeNonce',
		code: '(packetNumber / TWO_TO_32) >>> 0',
		to: '0',
	},
	{
		bug: 'the associated data lack type and epoch',
		place: 'associatedData',
		code: 'record[8] = bytes[at]!;',
		to: '',
	},
	{
		bug: 'the bitmap of a report is off by one',
		place: 'PathReport.covers',
		code: 'this.largest - 1 - number',
		to: 'this.largest - number',
	},
	{
		bug: 'a bitmap of a report may be longer than its receiver has room',
		place: 'decodePathReport',
		code: 'report.length > BITMAP_BYTES ||',
		to: '',
	},
	{
		bug: 'a probe does not carry what its peer asked to get back',
		place: 'encode',
		code: 'copyBytes(bytes, at, probe.response, 0, CHALLENGE_LENGTH)',
		to: 'at + CHALLENGE_LENGTH',
	},
	{
		bug: 'more datagrams are read from a packet than may be in it',
		place: 'DatagramReader.register',
		code: 'if (++packet.datagrams > MAX_DATAGRAMS) return MALFORMED;',
		to: '',
	},
	{
		bug: 'frames behind CLOSE take effect',
		place: 'PacketReceiver.readFrames',
		code: '&& !sender.ended',
		to: '',
	},
	{
		bug: 'the limits of a path are swapped on the wire',
		place: 'writeEntry',
		code: 'writeUint32(bytes, at, path.rateUp), path.rateDown',
		to: 'writeUint32(bytes, at, path.rateDown), path.rateUp',
		test: ['wire/codecs.test.ts', 'PATHS: read and written as the document says, field by field'],
	},
	// Keys and replay
	{
		bug: 'a packet number is used twice',
		place: 'PacketSender.#seal',
		code: 'this.nextPacketNumber++',
		to: 'this.nextPacketNumber++ & ~1',
	},
	{
		bug: 'a wrong tag is ignored',
		place: 'PacketReceiver.#open',
		code: '!key.open(number, ad, bytes, encrypt ? start + HEADER_LENGTH : framesEnd, framesEnd)',
		to: '!key.open(number, ad, bytes, encrypt ? start + HEADER_LENGTH : framesEnd, framesEnd) && now < 0',
		test: [
			'core/session/packet-receiver.test.ts',
			'a packet with one wrong bit is dropped, and nothing comes of it, encrypted',
		],
	},
	{
		bug: 'an old epoch is accepted for new packet numbers',
		place: 'KeySchedule.opening',
		code: 'packetNumber > this.#bound(keys)',
		to: 'packetNumber < 0',
	},
	{
		bug: 'the number of an epoch wraps too late',
		place: 'KeySchedule.nextEpoch',
		code: '% EPOCHS',
		to: '% (EPOCHS + 1)',
	},
	{
		bug: 'a second INIT seals another payload under the same ephemeral key',
		place: 'ClientHandshake.#makeAttempt',
		code: 'aead, dh, start:',
		to: 'aead, dh, ephemeral: this.#psk.map((byte) => byte ^ 1), start:',
	},
	{
		bug: 'a cookie is good for any address',
		place: 'cookieOf',
		code: 'mac(secret, handshakeSessionBytes(bytes), where)',
		to: 'mac(secret, handshakeSessionBytes(bytes))',
	},
	{
		bug: 'the replay window does not learn of accepted packets',
		place: 'PacketReceiver.#open',
		code: 'this.#window.accept(number);',
		to: '',
	},
	{
		bug: 'the replay window clears one word too few',
		place: 'ReplayWindow.#advance',
		code: 'i > 0; i--',
		to: 'i > 1; i--',
	},
	{
		bug: 'padding repeats what the memory held before',
		place: 'paddingFrame',
		code: 'bytes.fill(FrameType.PADDING, at, end);',
		to: 'bytes[at] = FrameType.PADDING;',
	},
	// Sessions
	{
		bug: 'an INIT displaces the session at once',
		place: 'ServerSessions.add',
		code: 'this.#halfOpen++;',
		to: 'this.#halfOpen++; this.activate(entry);',
	},
	{
		bug: 'an old INIT counts as new',
		place: 'Admission.#admit',
		code: 'time <= record.newestTime',
		to: 'time <= 0',
	},
	{
		bug: 'every RESET is believed',
		place: 'MptunnelClient.#receiveReset',
		code: '!namesOurPacket(session, path, bytes, start, now)',
		to: 'now < 0',
	},
	{
		bug: 'RESETs are not limited',
		place: 'MptunnelServer.#reset',
		code: "if (!this.#resetsBySource.allow(remote.host, now) || !this.#resets.allow('', now)) return;",
		to: '',
	},
	{
		bug: 'packets of a second session hide the deadline of the first',
		place: 'DeadlineQueue.touch',
		code: 'this.settle();',
		to: '',
	},
	{
		bug: 'an input to a session does not move the next timeout of the server',
		place: 'MptunnelServer.#afterInput',
		code: 'this.#deadlines.touch(entry);',
		to: '',
		test: [
			'core/server/server-deadlines.test.ts',
			'what inputs make due in their sessions is done in time, whichever came last',
		],
	},
	{
		bug: 'a client that keeps quiet takes a session',
		place: 'MOVES',
		code: "quiet: ['connecting',",
		to: "quiet: ['connecting', 'up',",
		test: [
			'core/client/lifecycle.test.ts',
			'no way leads out of closed, from quiet to a session, or to a suspicion without one',
		],
	},
	{
		bug: 'a client does not keep quiet when the server asks for it',
		place: 'Connector.#closedByServer',
		code: 'Math.max(quiet, broken ? BROKEN_PAUSE : 0)',
		to: '(broken ? BROKEN_PAUSE : 0)',
	},
	{
		bug: 'a packet that no path takes keeps its slot',
		place: 'Outbox.unqueue',
		code: 'this.pool.release(transmit.slot);',
		to: '',
	},
	// Paths
	{
		bug: 'an unproven address gets everything',
		place: 'PathAddress.allow',
		code: 'if (this.#allowance < bytes) return false;',
		to: '',
	},
	{
		bug: 'copies from an unproven address count as evidence',
		place: 'PacketReceiver.#countCopy',
		code: 'path === undefined || !address?.validated',
		to: 'path === undefined',
	},
	{
		bug: 'no address is ever proven',
		place: 'Prober.#validate',
		code: 'address.validated = true;',
		to: '',
	},
	{
		bug: 'copies go out on the wrong path',
		place: 'Path.#address',
		code: 'transmit.add(this.id,',
		to: 'transmit.add(0,',
	},
	{
		bug: 'what was located last outlives a new address',
		place: 'PathSet.learn',
		code: 'this.#lastRemote = undefined;',
		to: '',
	},
	{
		bug: 'the second-best path takes what the best one would',
		place: 'BestDispatch.route',
		code: 'for (const path of this.paths)',
		to: 'for (const path of this.#next)',
		test: [
			'core/lane/dispatch/best.test.ts',
			'every packet goes out on the quickest of the paths that are up',
		],
	},
	{
		bug: 'a silent path is never judged down',
		place: 'PathJudge.judge',
		code: "this.state = 'down';",
		to: "this.state = 'suspect';",
	},
	{
		bug: 'a size that is too long stays in use',
		place: 'MtuSearch.#fall',
		code: 'this.confirmed = BASE_PACKET_SIZE;',
		to: '',
	},
	// Flows and datagrams
	{
		bug: 'the client uses a flow id twice',
		place: 'ClientFlows.find',
		code: 'this.#nextId++',
		to: 'this.#byId.size',
	},
	{
		bug: 'a late datagram revives a closed flow',
		place: 'ServerFlows.datagramTo',
		code: 'this.#opened.peek(id) !== Seen.FRESH',
		to: 'this.#opened.peek(id) !== Seen.FRESH && now < 0',
	},
	{
		bug: 'a target counts as known before the server said so',
		place: 'ClientFlows.find',
		code: 'known: false',
		to: 'known: true',
	},
	{
		bug: 'a new session is expected to know the targets of the old one',
		place: 'ClientTraffic.hold',
		code: 'this.flows.leaveSession();',
		to: '',
	},
	{
		bug: 'applications of one listener share a flow',
		place: 'keyOf',
		// biome-ignore lint/suspicious/noTemplateCurlyInString: source code
		code: '|${target.application}`',
		to: '|`',
	},
	{
		bug: 'pieces of different datagrams are joined',
		place: 'ReceivedPacket.firstPiece',
		code: 'this.number - index',
		to: 'Math.floor(this.number / 64) + 0 * index',
	},
	{
		bug: 'half-joined datagrams are kept for ever',
		place: 'Reassembly.add',
		code: 'while (this.#open.size >= MAX_OPEN) this.#abandonOldest();',
		to: '',
	},
	{
		bug: 'datagrams wait without a bound',
		place: 'HoldQueue.#makeRoom',
		code: 'this.#held.length > MAX_DATAGRAMS || this.#bytes > MAX_BYTES',
		to: 'this.#held.length < 0',
	},
	{
		bug: 'a datagram that cannot share a packet overtakes the one before it',
		place: 'DatagramWriter.write',
		code: 'return undefined; this.flush(now);',
		to: 'return undefined; if (joins) this.flush(now);',
	},
	// Streams
	{
		bug: 'bytes behind the end of a stream are taken',
		place: 'ReceiveBuffer.insert',
		code: 'if (to > this.finalSize || (fin && to < this.furthest)) return false;',
		to: '',
	},
	{
		bug: 'the window of a stream is not checked',
		place: 'Stream.arrived',
		code: 'if (offset + (end - start) > this.receiveLimit) return false;',
		to: '',
	},
	{
		bug: 'a stream that ended keeps its credit',
		place: 'Stream.#release',
		code: 'this.#host.memory.give(this.receiveLimit - this.#consumed);',
		to: '',
	},
	{
		bug: 'the end of a stream that is lost is not sent again',
		place: 'Stream.lost',
		code: 'this.finSent = false;',
		to: '',
	},
	{
		bug: 'the memory of a user has no limit',
		place: 'Account.takeUpTo',
		code: 'Math.min(count, Math.floor(growth))',
		to: 'count',
	},
	{
		bug: 'what one user borrows another is not guaranteed any more',
		place: 'Account.room',
		code: 'Math.max(0, guarantee - this.used) + free',
		to: 'free',
	},
	{
		bug: 'an id of a stream is taken twice',
		place: 'StreamSet.#opened',
		code: '|| !this.#seen.accept(id)',
		to: '',
	},
	{
		bug: 'opens of streams have no limit',
		place: 'StreamSet.#opened',
		code: 'this.#streams.size >= 2 * limit || user.streams >= 2 * user.streamLimit',
		to: 'false',
	},
	{
		bug: 'streams outlive a peer that is silent',
		place: 'StreamSet.handleTimeout',
		code: 'this.endAll(StreamCode.SESSION_LOST);',
		to: '{}',
	},
	{
		bug: 'a reset that comes before its open does not count',
		place: 'StreamSet.#findEnding',
		code: 'stream === undefined && this.#init.role === Role.SERVER',
		to: 'now < 0',
	},
	{
		bug: 'bytes before STREAM_ACCEPT go without STREAM_OPEN',
		place: 'PacketFiller.#isUnknown',
		code: 'stream.opener && !stream.known',
		to: 'now < 0',
	},
	// Load
	{
		bug: 'copies are not charged to what can wait on their path',
		place: 'PathLoad.admits',
		code: 'this.#model?.onBeside(now, bytes);',
		to: '',
		test: [
			'core/load/path-load.test.ts',
			'copies put off what can wait, and are not put off themselves, BBR',
		],
	},
	{
		bug: 'an acknowledgement of what was never sent is believed',
		place: 'CarrierSet.#isPlausible',
		code: 'if (report.covers(number)) return false;',
		to: '',
	},
	{
		bug: 'a packet is sent again although a copy of it is under way',
		place: 'CarrierSet.copyLost',
		code: 'this.#giveUp(packet);',
		to: 'if (!packet.settled) this.#lose(packet);',
	},
	{
		bug: 'losses are only found by time',
		place: 'Carrier.#judge',
		code: 'this.#highest - i < this.#threshold && due > now',
		to: 'due > now',
	},
	{
		bug: 'new bytes go to a path that is much later than the others',
		place: 'Lateness.isTooLate',
		code: 'carrier.expected > this.limit + wait',
		to: 'wait < 0',
	},
	{
		bug: 'the rate falls with every loss',
		place: 'BbrModel.#limitLoss',
		code: 'if (!loss.exceeds(isProbe ? limit : loss.base + LOSS_MARGIN)) return;',
		to: '',
	},
	{
		bug: 'delivery is timed by the sender alone',
		place: 'RateSampler.close',
		code: 'Math.max(this.#sendSpan, arrivalSpan)',
		to: 'this.#sendSpan',
	},
	...RULE_BUGS,
	// Connections
	{
		bug: 'a reset connection ends its stream',
		place: 'StreamPipe.#reset',
		code: 'else stream.reset(code);',
		to: 'else stream.end();',
	},
	{
		bug: 'the stream is read although its socket is full',
		place: 'StreamPipe.#pull',
		code: 'this.#unwritten + total < UNWRITTEN_LIMIT ? stream.read() : undefined',
		to: 'stream.read()',
	},
	{
		bug: 'connections that lost a race stay open',
		place: 'TcpRace.stop',
		code: 'for (const socket of this.#running) socket.destroy();',
		to: '',
	},
	...LANE_BUGS,
];
