import test from 'ava';
import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import {EndpointContext} from '../../../src/core/context.ts';
import type {DropReason} from '../../../src/core/drop-reason.ts';
import {KeySchedule} from '../../../src/core/packets/key-schedule.ts';
import {PacketSender} from '../../../src/core/packets/packet-sender.ts';
import {ReceivedPacket} from '../../../src/core/packets/received-packet.ts';
import {PathSet} from '../../../src/core/path/path-set.ts';
import {PacketReceiver} from '../../../src/core/session/packet-receiver.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {pathsKnownFrame} from '../../../src/wire/frames/paths.ts';
import {RawSession} from '../../support/world/raw-session.ts';
import {environmentOf, remoteOf, settingsOf} from './core-fixtures.ts';

/** The number of the packets that are damaged. */
const NUMBER = 9;

/** A receiver with real keys and one path, and the peer that seals for it. */
function newReceiver(encrypt: boolean) {
	const context = new EndpointContext(environmentOf('receiver'), encrypt);
	const aead = context.environment.aead(new Uint8Array(32).fill(5));
	const keys = new KeySchedule(aead, aead, 0);
	const paths = new PathSet(context, 1);
	const path = paths.configure(settingsOf(0), 0);
	const address = paths.learn(path, remoteOf(1), 0);
	const sender = new PacketSender(context, keys, paths, 1);
	const log: string[] = [];
	const events = {
		copied: () => log.push('copied'),
		eliciting: () => log.push('eliciting'),
		breach: () => log.push('breach'),
	};
	const receiver = new PacketReceiver({context, keys, paths, sender, events, now: 0});
	receiver.frames.on(pathsKnownFrame, {sequence: 0}, ({sequence}) => log.push(`read ${sequence}`));
	const receive = (bytes: Uint8Array, now: Millis, isKnown = true) => {
		const packet = new ReceivedPacket();
		packet.begin(bytes.slice(), 0, bytes.length);
		if (isKnown) packet.cameOver(remoteOf(1), path, address);
		else packet.cameOver(remoteOf(2), undefined, undefined);
		return receiver.receive(packet, now);
	};
	return {receiver, sender, path, log, receive, peer: new RawSession(aead, aead, 1, encrypt)};
}

/** The reason for which a packet with that bit flipped is dropped; `undefined`: the bit proves nothing. */
function expectedFor(bit: number, encrypt: boolean): DropReason | undefined {
	const byte = bit >> 3;
	// The low nibble is the epoch, which says which key opens the packet.
	if (byte === 0 && (bit & 7) < 4) return 'unknown-epoch';
	// The session id says whose key does; a receiver is one session.
	if (byte >= 1 && byte <= 4 && encrypt) return undefined;
	return 'bad-tag';
}

for (const encrypt of [true, false]) {
	const name = encrypt ? 'encrypted' : 'readable';
	test(`a packet with one wrong bit is dropped, and nothing comes of it, ${name}`, (t) => {
		const {receiver, sender, path, log, receive, peer} = newReceiver(encrypt);
		sender.unansweredSince = 10;
		const packet = peer.packet([FrameType.PATHS_KNOWN, 7], NUMBER);
		for (let bit = 0; bit < 8 * packet.length; bit++) {
			const reason = expectedFor(bit, encrypt);
			if (reason === undefined) continue;
			const wrong = packet.slice();
			wrong[bit >> 3]! ^= 1 << (bit & 7);
			t.is(receive(wrong, 50), reason, `bit ${bit}`);
		}
		t.deepEqual(log, []);
		t.is(receiver.opened, 0);
		t.is(receiver.lastReceived, 0);
		t.is(sender.unansweredSince, 10);
		t.is(path.receivedPackets, 0);
		// Its number is not taken: the packet itself is still new.
		t.is(receive(packet, 60), undefined);
		t.deepEqual(log, ['read 7']);
		t.is(receiver.opened, 1);
		t.is(receiver.lastReceived, 60);
		t.is(sender.unansweredSince, NEVER);
		t.is(path.receivedPackets, 1);
	});
}

test('a packet of another key is dropped, and nothing comes of it', (t) => {
	const {receiver, log, receive} = newReceiver(true);
	const other = environmentOf('other').aead(new Uint8Array(32).fill(6));
	const forger = new RawSession(other, other, 1);
	t.is(receive(forger.packet([FrameType.PATHS_KNOWN, 7], NUMBER), 50), 'bad-tag');
	t.deepEqual(log, []);
	t.is(receiver.opened, 0);
});

test('of a stranger 64 packets a second are opened in vain, of a known address all', (t) => {
	const {receive, peer} = newReceiver(true);
	const packet = peer.packet([FrameType.PATHS_KNOWN, 7], NUMBER);
	const wrong = packet.slice();
	wrong[wrong.length - 1]! ^= 1;
	const reasons = Array.from({length: 100}, () => receive(wrong, 50, false));
	t.deepEqual(reasons, [...new Array(64).fill('bad-tag'), ...new Array(36).fill('flood')]);
	t.is(receive(packet, 50, false), 'flood');
	for (let i = 0; i < 100; i++) t.is(receive(wrong, 50), 'bad-tag');
	t.is(receive(packet, 50), undefined);
	t.is(receive(wrong, 1050, false), 'duplicate', 'its number is known now');
});
