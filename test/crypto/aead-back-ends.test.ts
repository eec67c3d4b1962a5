import {createHash} from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import {type AeadFactory, TAG_LENGTH} from '../../src/crypto/aead.ts';
import {sealByTheBook} from '../support/reference/chacha20-poly1305.ts';
import {fromHex, loadBackEnds, readVectors, seededBytes, toHex} from './fixtures.ts';

interface AeadVector {
	source: string;
	key: string;
	nonce: string;
	ad: string;
	text: string;
	sealed: string;
}

const KEY = seededBytes('key', 32);
const FRAME = 7;

const vectors = readVectors<AeadVector[]>('chacha20-poly1305');
const {available, absent} = await loadBackEnds();

for (const name of absent) {
	test.skip(`[${name}] is not tested: sodium-native, an optional dependency, is not installed`, () => {});
}

/** Seals in the middle of a larger array and returns ad, cipher text and tag. */
function seal(
	factory: AeadFactory,
	packetNumber: number,
	ad: Uint8Array,
	text: Uint8Array,
): Uint8Array {
	const textStart = FRAME + ad.length;
	const textEnd = textStart + text.length;
	const bytes = new Uint8Array(textEnd + TAG_LENGTH + FRAME);
	bytes.set(ad, FRAME);
	bytes.set(text, textStart);
	factory(KEY).seal(packetNumber, bytes, FRAME, textStart, textEnd);
	return bytes.slice(FRAME, textEnd + TAG_LENGTH);
}

function open(
	factory: AeadFactory,
	packetNumber: number,
	packet: Uint8Array,
	adLength: number,
): Uint8Array | undefined {
	const bytes = packet.slice();
	const textEnd = bytes.length - TAG_LENGTH;
	const opened = factory(KEY).open(packetNumber, bytes, 0, adLength, textEnd);
	return opened ? bytes.slice(adLength, textEnd) : undefined;
}

for (const {name, create, factory} of available) {
	for (const {source, ...vector} of vectors) {
		test(`[${name}] meets ${source}, text of ${vector.text.length / 2} bytes, associated data ${vector.ad}`, (t) => {
			const aead = create(fromHex(vector.key));
			const nonce = fromHex(vector.nonce);
			const textStart = vector.ad.length / 2;
			const textEnd = textStart + vector.text.length / 2;
			const bytes = fromHex(vector.ad + vector.text + '00'.repeat(TAG_LENGTH));
			aead.seal(nonce, bytes, 0, textStart, textEnd);
			t.is(toHex(bytes), vector.ad + vector.sealed);
			t.true(aead.open(nonce, bytes, 0, textStart, textEnd));
			t.is(toHex(bytes.slice(0, textEnd)), vector.ad + vector.text);
		});
	}

	test(`[${name}] takes four zero bytes and the packet number in little-endian as the nonce`, (t) => {
		const ad = fromHex('a1a2a3');
		const text = fromHex('b1b2b3b4b5');
		const numbers = [0, 1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1, 2 ** 53 - 1];
		for (const packetNumber of numbers) {
			const nonce = Buffer.alloc(12);
			nonce.writeBigUInt64LE(BigInt(packetNumber), 4);
			t.is(
				toHex(seal(factory, packetNumber, ad, text).slice(ad.length)),
				toHex(sealByTheBook(KEY, nonce, ad, text)),
			);
		}
	});

	test(`[${name}] seals as the pseudo-code of the RFC does`, (t) => {
		fc.assert(
			fc.property(
				fc.nat(2 ** 48),
				fc.uint8Array({maxLength: 40}),
				fc.uint8Array({maxLength: 150}),
				(packetNumber, ad, text) => {
					const nonce = Buffer.alloc(12);
					nonce.writeBigUInt64LE(BigInt(packetNumber), 4);
					const sealed = seal(factory, packetNumber, ad, text).subarray(ad.length);
					return Buffer.from(sealed).equals(sealByTheBook(KEY, nonce, ad, text));
				},
			),
			{numRuns: 50},
		);
		t.pass();
	});

	test(`[${name}] opens what it sealed, for associated data up to 64 KiB and empty texts`, (t) => {
		for (const adLength of [0, 1, 11, 15, 16, 17, 1500, 65_536]) {
			for (const textLength of [0, 1, 15, 16, 17, 1200, 65_535]) {
				const ad = seededBytes('ad', adLength);
				const text = seededBytes('text', textLength);
				const packet = seal(factory, 5, ad, text);
				t.deepEqual(packet.subarray(0, adLength), ad);
				t.deepEqual(open(factory, 5, packet, adLength), text);
			}
		}
	});

	test(`[${name}] touches nothing but text and tag`, (t) => {
		const arena = Buffer.alloc(4096, 0xee);
		const slot = arena.subarray(1000, 3048);
		const aead = factory(KEY);
		const before = Buffer.from(arena);
		aead.seal(9, slot, 300, 311, 1511);
		const expected = Buffer.from(before);
		arena.copy(expected, 1311, 1311, 2527);
		t.deepEqual(arena, expected);
		t.notDeepEqual(arena.subarray(1311, 2527), before.subarray(1311, 2527));
		t.true(aead.open(9, slot, 300, 311, 1511));
		before.set(slot.subarray(1511, 1527), 2511);
		t.deepEqual(arena, before);
	});

	test(`[${name}] refuses a packet with any bit flipped`, (t) => {
		const ad = seededBytes('ad', 11);
		const packet = seal(factory, 77, ad, seededBytes('text', 40));
		for (let bit = 0; bit < packet.length * 8; bit++) {
			const forged = packet.slice();
			forged[bit >> 3] = forged[bit >> 3]! ^ (1 << (bit & 7));
			t.is(open(factory, 77, forged, ad.length), undefined, `bit ${bit}`);
		}
		t.not(open(factory, 77, packet, ad.length), undefined);
	});

	test(`[${name}] refuses another packet number, another key, and a cut packet`, (t) => {
		const packet = seal(factory, 77, seededBytes('ad', 11), seededBytes('text', 40));
		for (const packetNumber of [0, 76, 78, 77 + 2 ** 32, 77 + 2 ** 40]) {
			t.is(open(factory, packetNumber, packet, 11), undefined);
		}
		for (let length = 11 + TAG_LENGTH; length < packet.length; length++) {
			t.is(open(factory, 77, packet.subarray(0, length), 11), undefined);
		}
		t.is(open(factory, 77, packet, 10), undefined);
		const other = factory(seededBytes('another key', 32));
		t.false(other.open(77, packet.slice(), 0, 11, packet.length - TAG_LENGTH));
	});

	test(`[${name}] never opens arbitrary bytes and never throws on them`, (t) => {
		const aead = factory(KEY);
		fc.assert(
			fc.property(
				fc.uint8Array({minLength: TAG_LENGTH, maxLength: 200}),
				fc.nat(200),
				fc.maxSafeNat(),
				(bytes, cut, packetNumber) => {
					const textEnd = bytes.length - TAG_LENGTH;
					return !aead.open(packetNumber, bytes, 0, Math.min(cut, textEnd), textEnd);
				},
			),
		);
		t.pass();
	});

	test(`[${name}] leaves the stack trace limit as it was`, (t) => {
		const before = Error.stackTraceLimit;
		const aead = factory(KEY);
		t.false(aead.open(1, new Uint8Array(100), 0, 11, 84));
		t.is(Error.stackTraceLimit, before);
		const bytes = new Uint8Array(100);
		aead.seal(1, bytes, 0, 11, 84);
		t.true(aead.open(1, bytes, 0, 11, 84));
		t.is(Error.stackTraceLimit, before);
	});

	test(`[${name}] keeps the keys of several sessions apart`, (t) => {
		const first = factory(seededBytes('first', 32));
		const second = factory(seededBytes('second', 32));
		const [a, b] = [new Uint8Array(64), new Uint8Array(64)];
		first.seal(1, a, 0, 8, 48);
		second.seal(1, b, 0, 8, 48);
		t.notDeepEqual(a, b);
		t.true(first.open(1, a, 0, 8, 48));
		t.true(second.open(1, b, 0, 8, 48));
	});

	test(`[${name}] takes keys of 32 bytes only`, (t) => {
		for (const length of [0, 16, 31, 33]) {
			t.throws(() => factory(new Uint8Array(length)), {
				instanceOf: RangeError,
				message: `an AEAD key is 32 bytes, this has ${length}`,
			});
		}
	});
}

test('all back ends seal 10,000 random packets into the same bytes and open each other’s', (t) => {
	const material = seededBytes('packets', 8192);
	const aeads = available.map(({factory}) => factory(KEY));
	const digests = available.map(() => createHash('sha256'));
	let unopened = 0;
	for (let index = 0; index < 10_000; index++) {
		const draw = Buffer.from(seededBytes(`packet ${index}`, 16));
		const adLength = draw[0]! < 128 ? 11 : draw.readUInt16LE(1) % 1501;
		const textLength = draw.readUInt16LE(3) % 1501;
		const packetNumber = draw.readUIntLE(5, 6);
		const textEnd = adLength + textLength;
		const offset = draw.readUInt16LE(11) % 4096;
		const packets = aeads.map((aead) => {
			const bytes = new Uint8Array(textEnd + TAG_LENGTH);
			bytes.set(material.subarray(offset, offset + textEnd));
			aead.seal(packetNumber, bytes, 0, adLength, textEnd);
			return bytes;
		});
		for (const [which, packet] of packets.entries()) {
			digests[which]!.update(packet);
			const opener = aeads[(which + 1) % aeads.length]!;
			const opened = opener.open(packetNumber, packet, 0, adLength, textEnd);
			const text = material.subarray(offset, offset + textEnd);
			unopened += opened && Buffer.compare(packet.subarray(0, textEnd), text) === 0 ? 0 : 1;
		}
	}
	t.is(unopened, 0);
	t.is(new Set(digests.map((digest) => digest.digest('hex'))).size, 1);
});
