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
	test.skip(`[${name}] is not tested: the optional dependency that it needs is not installed`, () => {});
}

/** Seals in the middle of a larger array and returns cipher text and tag. */
function seal(
	factory: AeadFactory,
	packetNumber: number,
	ad: Uint8Array,
	text: Uint8Array,
): Uint8Array {
	const textEnd = FRAME + text.length;
	const bytes = new Uint8Array(textEnd + TAG_LENGTH + FRAME);
	bytes.set(text, FRAME);
	factory(KEY).seal(packetNumber, ad, bytes, FRAME, textEnd);
	return bytes.slice(FRAME, textEnd + TAG_LENGTH);
}

function open(
	factory: AeadFactory,
	packetNumber: number,
	ad: Uint8Array,
	sealed: Uint8Array,
): Uint8Array | undefined {
	const bytes = sealed.slice();
	const textEnd = bytes.length - TAG_LENGTH;
	const opened = factory(KEY).open(packetNumber, ad, bytes, 0, textEnd);
	return opened ? bytes.slice(0, textEnd) : undefined;
}

/** Associated data in the form of a TLS 1.2 record, as those of DATA are. */
function recordOf(packetNumber: number, length: number): Uint8Array {
	const ad = Buffer.alloc(13);
	ad.writeBigUInt64LE(BigInt(packetNumber));
	ad[8] = 0x45;
	ad.writeUInt16BE(length, 11);
	return Uint8Array.from(ad);
}

function nonceOf(packetNumber: number): Buffer {
	const nonce = Buffer.alloc(12);
	nonce.writeBigUInt64LE(BigInt(packetNumber), 4);
	return nonce;
}

for (const {name, create, factory} of available) {
	for (const {source, ...vector} of vectors) {
		test(`[${name}] meets ${source}, text of ${vector.text.length / 2} bytes, associated data ${vector.ad}`, (t) => {
			const aead = create(fromHex(vector.key));
			const nonce = fromHex(vector.nonce);
			const ad = fromHex(vector.ad);
			const textEnd = vector.text.length / 2;
			const bytes = fromHex(vector.text + '00'.repeat(TAG_LENGTH));
			aead.seal(nonce, ad, bytes, 0, textEnd);
			t.is(toHex(bytes), vector.sealed);
			t.true(aead.open(nonce, ad, bytes, 0, textEnd));
			t.is(toHex(bytes.slice(0, textEnd)), vector.text);
		});
	}

	test(`[${name}] takes four zero bytes and the packet number in little-endian as the nonce`, (t) => {
		const ad = fromHex('a1a2a3');
		const text = fromHex('b1b2b3b4b5');
		const numbers = [0, 1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1, 2 ** 53 - 1];
		for (const packetNumber of numbers) {
			for (const each of [ad, recordOf(packetNumber, text.length)]) {
				t.is(
					toHex(seal(factory, packetNumber, each, text)),
					toHex(sealByTheBook(KEY, nonceOf(packetNumber), each, text)),
				);
			}
		}
	});

	test(`[${name}] seals as the pseudo-code of the RFC does`, (t) => {
		fc.assert(
			fc.property(
				fc.nat(2 ** 48),
				fc.uint8Array({maxLength: 40}),
				fc.uint8Array({maxLength: 150}),
				(packetNumber, ad, text) =>
					[ad, recordOf(packetNumber, text.length)].every((each) => {
						const sealed = Buffer.from(seal(factory, packetNumber, each, text));
						return sealed.equals(sealByTheBook(KEY, nonceOf(packetNumber), each, text));
					}),
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
				const sealed = seal(factory, 5, ad, text);
				t.deepEqual(ad, seededBytes('ad', adLength));
				t.deepEqual(open(factory, 5, ad, sealed), text);
			}
		}
	});

	test(`[${name}] opens records of any length that it sealed`, (t) => {
		for (const textLength of [0, 1, 63, 64, 65, 191, 192, 193, 255, 256, 1445, 4096, 65_535]) {
			const ad = recordOf(5, textLength);
			const text = seededBytes('text', textLength);
			const sealed = seal(factory, 5, ad, text);
			t.deepEqual(ad, recordOf(5, textLength));
			t.deepEqual(open(factory, 5, ad, sealed), text);
		}
	});

	test(`[${name}] seals what only looks like a record as the book says`, (t) => {
		const text = seededBytes('text', 300);
		const right = recordOf(77, text.length);
		for (let i = 0; i < right.length; i++) {
			const ad = right.slice();
			ad[i]! ^= 1;
			const sealed = seal(factory, 77, ad, text);
			t.is(toHex(sealed), toHex(sealByTheBook(KEY, nonceOf(77), ad, text)), `byte ${i}`);
			t.deepEqual(open(factory, 77, ad, sealed), text);
			t.is(open(factory, 77, right, sealed), undefined);
		}
	});

	test(`[${name}] touches nothing but text and tag`, (t) => {
		// Less than 4 KiB may lie in memory that moves, and is then treated in another way.
		for (const [size, ad] of [
			[4096, seededBytes('ad', 11)],
			[4096, recordOf(9, 1200)],
			[3000, seededBytes('ad', 11)],
			[3000, recordOf(9, 1200)],
		] as const) {
			const arena = Buffer.from(new ArrayBuffer(size)).fill(0xee);
			const slot = arena.subarray(1000, 2900);
			const aead = factory(KEY);
			const before = Buffer.from(arena);
			aead.seal(9, ad, slot, 311, 1511);
			const expected = Buffer.from(before);
			arena.copy(expected, 1311, 1311, 2527);
			t.deepEqual(arena, expected);
			t.notDeepEqual(arena.subarray(1311, 2527), before.subarray(1311, 2527));
			t.true(aead.open(9, ad, slot, 311, 1511));
			before.set(slot.subarray(1511, 1527), 2511);
			t.deepEqual(arena, before);
		}
	});

	test(`[${name}] refuses a packet with any bit flipped`, (t) => {
		for (const ad of [seededBytes('ad', 11), recordOf(77, 40)]) {
			const packet = Buffer.concat([ad, seal(factory, 77, ad, seededBytes('text', 40))]);
			for (let bit = 0; bit < packet.length * 8; bit++) {
				const forged = Uint8Array.from(packet);
				forged[bit >> 3] = forged[bit >> 3]! ^ (1 << (bit & 7));
				const [forgedAd, sealed] = [forged.slice(0, ad.length), forged.slice(ad.length)];
				t.is(open(factory, 77, forgedAd, sealed), undefined, `bit ${bit}`);
			}
			t.not(open(factory, 77, ad, Uint8Array.from(packet.subarray(ad.length))), undefined);
		}
	});

	test(`[${name}] refuses another packet number, another key, and a cut packet`, (t) => {
		for (const [ad, adOf] of [
			[seededBytes('ad', 11), () => seededBytes('ad', 11)],
			[recordOf(77, 40), recordOf],
		] as const) {
			const sealed = seal(factory, 77, ad, seededBytes('text', 40));
			for (const packetNumber of [0, 76, 78, 77 + 2 ** 32, 77 + 2 ** 40]) {
				t.is(open(factory, packetNumber, adOf(packetNumber, 40), sealed), undefined);
			}
			for (let length = TAG_LENGTH; length < sealed.length; length++) {
				const cut = sealed.subarray(0, length);
				t.is(open(factory, 77, adOf(77, length - TAG_LENGTH), cut), undefined);
			}
			t.is(open(factory, 77, ad.subarray(0, 10), sealed), undefined);
			const other = factory(seededBytes('another key', 32));
			t.false(other.open(77, ad, sealed.slice(), 0, 40));
		}
	});

	test(`[${name}] never opens arbitrary bytes and never throws on them`, (t) => {
		const aead = factory(KEY);
		fc.assert(
			fc.property(
				fc.uint8Array({minLength: TAG_LENGTH, maxLength: 200}),
				fc.uint8Array({maxLength: 200}),
				fc.maxSafeNat(),
				(bytes, ad, packetNumber) => {
					const textEnd = bytes.length - TAG_LENGTH;
					return [ad, recordOf(packetNumber, textEnd)].every(
						(each) => !aead.open(packetNumber, each, bytes, 0, textEnd),
					);
				},
			),
		);
		t.pass();
	});

	test(`[${name}] leaves the stack trace limit as it was`, (t) => {
		const before = Error.stackTraceLimit;
		const aead = factory(KEY);
		const ad = recordOf(1, 73);
		t.false(aead.open(1, ad, new Uint8Array(100), 11, 84));
		t.is(Error.stackTraceLimit, before);
		const bytes = new Uint8Array(100);
		aead.seal(1, ad, bytes, 11, 84);
		t.true(aead.open(1, ad, bytes, 11, 84));
		t.is(Error.stackTraceLimit, before);
	});

	test(`[${name}] keeps the keys of several sessions apart`, (t) => {
		for (const ad of [seededBytes('ad', 8), recordOf(1, 40)]) {
			const first = factory(seededBytes('first', 32));
			const second = factory(seededBytes('second', 32));
			const [a, b] = [new Uint8Array(64), new Uint8Array(64)];
			first.seal(1, ad, a, 8, 48);
			second.seal(1, ad, b, 8, 48);
			t.notDeepEqual(a, b);
			t.true(first.open(1, ad, a, 8, 48));
			t.true(second.open(1, ad, b, 8, 48));
		}
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
		const textEnd = draw.readUInt16LE(3) % 1501;
		const packetNumber = draw.readUIntLE(5, 6);
		const offset = draw.readUInt16LE(11) % 4096;
		const ad =
			draw[0]! < 128
				? recordOf(packetNumber, textEnd)
				: material.subarray(offset, offset + (draw.readUInt16LE(1) % 1501));
		const packets = aeads.map((aead) => {
			const bytes = new Uint8Array(textEnd + TAG_LENGTH);
			bytes.set(material.subarray(offset, offset + textEnd));
			aead.seal(packetNumber, ad, bytes, 0, textEnd);
			return bytes;
		});
		for (const [which, packet] of packets.entries()) {
			digests[which]!.update(packet);
			const opener = aeads[(which + 1) % aeads.length]!;
			const opened = opener.open(packetNumber, ad, packet, 0, textEnd);
			const text = material.subarray(offset, offset + textEnd);
			unopened += opened && Buffer.compare(packet.subarray(0, textEnd), text) === 0 ? 0 : 1;
		}
	}
	t.is(unopened, 0);
	t.is(new Set(digests.map((digest) => digest.digest('hex'))).size, 1);
});
