import {crc32} from 'node:zlib';
import type {SymbolFormat} from '../../src/fec/symbol-format.ts';

/** A head of a checksum (4) and the length of the content (2), the checksum over sequence and content. */
export const CHECKED: SymbolFormat = {
	headLength: 6,
	writeHead(sequence, bytes, start, end) {
		const view = new DataView(bytes.buffer, bytes.byteOffset);
		view.setUint32(start, checksum(sequence, bytes.subarray(start + 6, end)));
		view.setUint16(start + 4, end - start - 6);
	},
	contentEnd(sequence, bytes, start, end) {
		const view = new DataView(bytes.buffer, bytes.byteOffset);
		const last = start + 6 + view.getUint16(start + 4);
		if (end - start < 6 || last > end) return -1;
		if (bytes.subarray(last, end).some((byte) => byte !== 0)) return -1;
		const agrees = view.getUint32(start) === checksum(sequence, bytes.subarray(start + 6, last));
		return agrees ? last : -1;
	},
};

function checksum(sequence: number, content: Uint8Array): number {
	const head = new Uint8Array(4);
	new DataView(head.buffer).setUint32(0, sequence);
	return crc32(content, crc32(head));
}
