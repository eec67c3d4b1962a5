/** A bug planted on purpose: in `file`, `from` (which occurs exactly once) becomes `to`. */
export interface Mutation {
	readonly name: string;
	readonly file: string;
	readonly from: string;
	readonly to: string;
}

/** Bugs that somebody might really make; each has to be caught by a test. */
export const MUTATIONS: readonly Mutation[] = [
	{
		name: 'a flow with one target takes another one',
		file: 'src/core/flow/server-flows.ts',
		from: "if (flow.key !== keyOf(target) || reference !== 0) return 'unknown-target';",
		to: '',
	},
	{
		name: 'flows of the clients of a user are not added up',
		file: 'src/core/flow/server-flow-table.ts',
		from: 'owner.user.flows++;',
		to: '',
	},
	{
		name: 'a removed flow counts for its user for ever',
		file: 'src/core/flow/server-flow-table.ts',
		from: 'if (this.#byHandle.delete(flow.handle)) flow.owner.user.flows--;',
		to: 'this.#byHandle.delete(flow.handle);',
	},
	{
		name: 'what no answer takes along is never confirmed',
		file: 'src/core/flow/server-flows.ts',
		from: 'if (frames !== undefined) this.session.sendControl(frames, now);',
		to: '',
	},
	{
		name: 'the replay window is not told of accepted packets',
		file: 'src/core/session.ts',
		from: 'this.#window.accept(packetNumber);',
		to: '',
	},
	{
		name: 'the replay window is not asked before a packet is opened',
		file: 'src/core/session.ts',
		from: 'if (seen === Seen.DUPLICATE) {',
		to: 'if (seen === Seen.DUPLICATE && now < 0) {',
	},
	{
		name: 'the replay window clears one word too few',
		file: 'src/core/replay-window.ts',
		from: 'for (let i = 1; i <= steps; i++)',
		to: 'for (let i = 2; i <= steps; i++)',
	},
	{
		name: 'a packet number is used twice',
		file: 'src/core/packet-sender.ts',
		from: 'const packetNumber = this.nextPacketNumber++;',
		to: 'const packetNumber = this.nextPacketNumber++ & ~1;',
	},
	{
		name: 'a packet that nobody wants keeps its slot',
		file: 'src/core/outbox.ts',
		from: 'this.pool.release(transmit.slot);',
		to: '',
	},
	{
		name: 'copies go out on the wrong path',
		file: 'src/core/path/path.ts',
		from: 'transmit.paths[transmit.count] = this.id;',
		to: 'transmit.paths[transmit.count] = 0;',
	},
	{
		name: 'an old epoch is accepted for new packet numbers',
		file: 'src/core/key-schedule.ts',
		from: 'keys.order < newest.order && packetNumber > this.#bound(keys)',
		to: 'keys.order < newest.order && packetNumber < 0',
	},
	{
		name: 'an old epoch is accepted for ever',
		file: 'src/core/key-schedule.ts',
		from: 'if (now > keys.expires) {',
		to: 'if (now > keys.expires && now < 0) {',
	},
	{
		name: 'the epoch nibble wraps too late',
		file: 'src/core/key-schedule.ts',
		from: '(this.#sending.epoch + 1) % EPOCHS',
		to: '(this.#sending.epoch + 1) % (EPOCHS + 1)',
	},
	{
		name: 'the client goes on under the old keys',
		file: 'src/core/key-schedule.ts',
		from: 'this.#sending = this.#put(epoch, sealing, opening);\n\t}\n\n\t/** The number',
		to: 'this.#put(epoch, sealing, opening);\n\t}\n\n\t/** The number',
	},
	{
		name: 'a wrong tag is ignored',
		file: 'src/core/session.ts',
		from: 'if (!key.open(packetNumber, bytes, start, text, framesEnd)) {',
		to: 'if (!key.open(packetNumber, bytes, start, text, framesEnd) && now < 0) {',
	},
	{
		name: 'the associated data lacks a byte at one end',
		file: 'src/core/packet-sender.ts',
		from: 'seal(packetNumber, slot.bytes, header, text, end)',
		to: 'seal(packetNumber, slot.bytes, header + 1, text, end)',
	},
	{
		name: 'copies from an unproven address count as evidence',
		file: 'src/core/session.ts',
		from: 'if (address?.validated) path?.received(packetNumber, now);',
		to: 'path?.received(packetNumber, now);',
	},
	{
		name: 'an unproven address gets everything',
		file: 'src/core/path/address.ts',
		from: 'if (this.#allowance < bytes) return false;',
		to: '',
	},
	{
		name: 'every address counts as proven',
		file: 'src/core/path/address.ts',
		from: 'this.validated = remote === undefined;',
		to: 'this.validated = true;',
	},
	{
		name: 'no address is ever proven',
		file: 'src/core/path/prober.ts',
		from: 'address.validated = true;',
		to: '',
	},
	{
		name: 'every RESET is believed',
		file: 'src/core/client.ts',
		from: 'if (!ours || now - this.#lastReset < RESET_PAUSE)',
		to: 'if (!ours && now < 0)',
	},
	{
		name: 'RESETs are not limited',
		file: 'src/core/server.ts',
		from: "if (!this.#resetsBySource.allow(remote.host, now) || !this.#resets.allow('', now)) return;",
		to: '',
	},
	{
		name: 'an INIT displaces the session at once',
		file: 'src/core/server-sessions.ts',
		from: 'this.#byId.set(entry.session.localId, entry);\n\t\tthis.#halfOpen++;',
		to: 'this.#byId.set(entry.session.localId, entry);\n\t\tthis.#halfOpen++;\n\t\tthis.activate(entry);',
	},
	{
		name: 'an old INIT counts as new',
		file: 'src/core/admission.ts',
		from: 'time <= record.newestTime',
		to: 'time <= 0',
	},
	{
		name: 'a late copy of an older INIT replaces the newer keys',
		file: 'src/core/admission.ts',
		from: 'payload.time <= resumed.newestInit',
		to: 'payload.time < 0',
	},
	{
		name: 'a cookie is good for any address',
		file: 'src/core/handshake/server-handshake.ts',
		from: 'mac(secret, session, where)',
		to: 'mac(secret, session)',
	},
	{
		name: 'a second INIT seals another payload under the same ephemeral key',
		file: 'src/core/handshake/client-handshake.ts',
		from: 'random,\n\t\t\taead,\n\t\t\tdh,',
		to: 'random,\n\t\t\taead,\n\t\t\tdh,\n\t\t\tephemeral: this.#psk.map((byte) => byte ^ 1),',
	},
	{
		name: 'the client uses a flow id twice',
		file: 'src/core/flow/client-flows.ts',
		from: 'id: this.#nextId++,',
		to: 'id: this.#byId.size,',
	},
	{
		name: 'a late DATAGRAM_TO revives a closed flow',
		file: 'src/core/flow/server-flows.ts',
		from: 'if (this.#opened.peek(id) !== Seen.FRESH) {',
		to: 'if (this.#opened.peek(id) !== Seen.FRESH && now < 0) {',
	},
	{
		name: 'the target counts as known before the server said so',
		file: 'src/core/flow/client-flows.ts',
		from: 'known: false,',
		to: 'known: true,',
	},
	{
		name: 'a new session is expected to know the targets of the old one',
		file: 'src/core/flow/client-traffic.ts',
		from: 'this.#flows.forgetKnown();',
		to: '',
	},
	{
		name: 'applications of one listener share a flow',
		file: 'src/core/flow/server-flows.ts',
		// biome-ignore lint/suspicious/noTemplateCurlyInString: source code
		from: '|${target.application}`',
		to: '|`',
	},
	{
		name: 'pieces of different datagrams are joined',
		file: 'src/core/reassembly.ts',
		from: 'const first = packetNumber - index;',
		to: 'const first = Math.floor(packetNumber / 64) + 0 * index;',
	},
	{
		name: 'half-joined datagrams are kept for ever',
		file: 'src/core/reassembly.ts',
		from: 'while (this.#open.size >= MAX_OPEN) this.#abandonOldest();',
		to: '',
	},
	{
		name: 'datagrams wait without a bound',
		file: 'src/core/hold-queue.ts',
		from: 'while (this.#held.length > MAX_DATAGRAMS || this.#bytes > MAX_BYTES) {',
		to: 'while (this.#held.length < 0) {',
	},
	{
		name: 'datagrams that wait are forgotten when a session resumes',
		file: 'src/core/flow/client-traffic.ts',
		from: 'session.waiting = this.#held.length > 0;\n\t\tif (!session.waiting ||',
		to: 'session.waiting = false;\n\t\tif (this.#held.length === 0 ||',
	},
	{
		name: 'silence asks for a second resume at once',
		file: 'src/core/client.ts',
		from: 'session.sender.unheardSince = NEVER;',
		to: '',
	},
	{
		name: 'a closed client answers',
		file: 'src/core/client.ts',
		from: "if (this.#state === 'closed') return this.drop('unexpected');",
		to: '',
	},
	{
		name: 'the client does not keep quiet when the server asks for it',
		file: 'src/core/client.ts',
		from: 'now + Math.max(quiet, code === CloseCode.PROTOCOL ? 5000 : 0)',
		to: 'now + (code === CloseCode.PROTOCOL ? 5000 : 0)',
	},
	{
		name: 'a size that is too long stays in use',
		file: 'src/core/path/mtu.ts',
		from: 'this.confirmed = BASE_PACKET_SIZE;',
		to: '',
	},
	{
		name: 'no path is ever judged down',
		file: 'src/core/path/judge.ts',
		from: "this.state = 'down';",
		to: "this.state = 'suspect';",
	},
	{
		name: 'paths are judged down too quickly',
		file: 'src/core/path/judge.ts',
		from: 'Math.log(1e-6)',
		to: 'Math.log(1e-1)',
	},
	{
		name: 'padding repeats what the memory held before',
		file: 'src/core/path/prober.ts',
		from: 'slot.bytes.fill(FrameType.PADDING, end, padded);',
		to: '',
	},
	{
		name: 'the nonce loses the upper half of the packet number',
		file: 'src/crypto/packet-aead.ts',
		from: 'nonceView.setUint32(8, (packetNumber / TWO_TO_32) >>> 0, true);',
		to: 'nonceView.setUint32(8, 0, true);',
	},
	{
		name: 'a varint takes two bytes one value too long',
		file: 'src/bytes/varint.ts',
		from: 'if (value < 0x4000) {',
		to: 'if (value <= 0x4000) {',
	},
	{
		name: 'the packet number loses its upper 16 bits on the wire',
		file: 'src/bytes/cursor.ts',
		from: 'bytes[at] = (high >>> 8) & 0xff;',
		to: 'bytes[at] = 0;',
	},
	{
		name: 'the probe does not carry what the peer asked to hear back',
		file: 'src/wire/probe.ts',
		from: 'if (probe.response) at = copyBytes(bytes, at, probe.response, 0, CHALLENGE_LENGTH);',
		to: 'if (probe.response) at += CHALLENGE_LENGTH;',
	},
];
