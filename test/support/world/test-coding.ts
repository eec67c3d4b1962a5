import {crc32} from 'node:zlib';
import {type Coding, createCoding} from '../../../src/core/coding.ts';

let coding: Coding | undefined;

/** What coded lanes of all worlds of a test process share. */
export function testCoding(): Coding {
	coding ??= createCoding(crc32, 2 ** 30);
	return coding;
}
