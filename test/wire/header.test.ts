import test from 'ava';
import fc from 'fast-check';
import {PacketType} from '../../src/wire/constants.ts';
import {
	encodeHeader,
	headerEpoch,
	headerPacketNumber,
	headerSessionId,
	packetType,
} from '../../src/wire/header.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';

interface Vector {
	readonly name: string;
	readonly epoch: number;
	readonly sessionId: number;
	readonly packetNumber: number;
	readonly hex: string;
}

for (const vector of readVectors<{valid: Vector[]}>('wire-header').valid) {
	const {name, epoch, sessionId, packetNumber, hex} = vector;
	test(`vector: ${name}`, (t) => {
		const bytes = new Uint8Array(11);
		encodeHeader(bytes, 0, epoch, sessionId, packetNumber);
		t.is(toHex(bytes), hex);
		const read = fromHex(hex);
		t.is(packetType(read, 0), PacketType.DATA);
		t.is(headerEpoch(read, 0), epoch);
		t.is(headerSessionId(read, 0), sessionId);
		t.is(headerPacketNumber(read, 0), packetNumber);
	});
}

test('every header is read again, and nothing beside it is written', (t) => {
	const header = fc.tuple(fc.nat(15), fc.nat(0xffff_ffff), fc.nat(2 ** 48 - 1));
	fc.assert(
		fc.property(header, fc.nat(8), ([epoch, sessionId, packetNumber], at) => {
			const bytes = new Uint8Array(32).fill(0xa5);
			encodeHeader(bytes, at, epoch, sessionId, packetNumber);
			t.is(headerEpoch(bytes, at), epoch);
			t.is(headerSessionId(bytes, at), sessionId);
			t.is(headerPacketNumber(bytes, at), packetNumber);
			t.true(bytes.every((byte, index) => (index >= at && index < at + 11) || byte === 0xa5));
		}),
		{seed: 6},
	);
});
