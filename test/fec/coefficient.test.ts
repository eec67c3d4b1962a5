import test from 'ava';
import {coefficient, coefficientSeed} from '../../src/fec/coefficient.ts';
import {Encoder} from '../../src/fec/encoder.ts';
import {SYMBOL_SLOT, SymbolMemory} from '../../src/fec/symbol-memory.ts';
import {TableKernel} from '../../src/fec/table-kernel.ts';
import {wasmKernel} from '../../src/fec/wasm-kernel.ts';
import {REPAIR_HEAD_LENGTH, repairFrame} from '../../src/wire/frames/lane.ts';
import {fromHex, readVectors, toHex} from '../crypto/fixtures.ts';
import {CHECKED} from './checked-format.ts';

const vectors = readVectors<{
	coefficients: {packetNumber: number; sequence: number; coefficient: number}[];
	repairs: {
		name: string;
		lane: number;
		packetNumber: number;
		sources: {sequence: number; content: string}[];
		hex: string;
	}[];
}>('wire-lanes');

test('coefficients are those of the wire format', (t) => {
	for (const {packetNumber, sequence, coefficient: expected} of vectors.coefficients) {
		const found = coefficient(coefficientSeed(packetNumber), sequence);
		t.is(found, expected, `packet ${packetNumber}, sequence ${sequence}`);
	}
});

test('every element but 0 is a coefficient about as often as the others', (t) => {
	const counts = new Uint32Array(256);
	for (let packet = 0; packet < 1000; packet++) {
		const seed = coefficientSeed(packet);
		for (let sequence = 0; sequence < 64; sequence++) counts[coefficient(seed, sequence)]!++;
	}
	t.is(counts[0], 0);
	// 251 each on average, with a standard deviation of 16.
	t.true(Math.min(...counts.subarray(1)) > 170 && Math.max(...counts) < 340);
});

for (const [kernelName, kernel] of [
	['tables', new TableKernel()],
	['WebAssembly', wasmKernel()],
] as const) {
	for (const {name, lane, packetNumber, sources, hex} of vectors.repairs) {
		test(`${kernelName}: the repair of the wire format ${name}`, (t) => {
			if (kernel === undefined) {
				t.pass('no WebAssembly here');
				return;
			}
			const encoder = new Encoder(new SymbolMemory(kernel, 1 << 20), CHECKED, sources[0]!.sequence);
			for (const {sequence, content} of sources) {
				const bytes = fromHex(content);
				t.is(encoder.add(bytes, 0, bytes.length), sequence);
			}
			const frame = new Uint8Array(REPAIR_HEAD_LENGTH + SYMBOL_SLOT);
			const {newest} = encoder;
			const count = sources.length;
			const empty = {bytes: frame, start: 0, end: 0};
			const at = repairFrame.encodeHead(frame, 0, {lane, newest, count, ...empty});
			const end = encoder.repair(packetNumber, count, frame, at);
			t.is(toHex(frame.subarray(0, end)), hex);
			encoder.close();
		});
	}
}
