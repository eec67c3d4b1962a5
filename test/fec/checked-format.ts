import {crc32} from 'node:zlib';
import type {SymbolFormat} from '../../src/fec/symbol-format.ts';
import {SymbolHead} from '../../src/wire/symbol.ts';

/** The format of the wire, with the checksum that programs have. */
export const CHECKED: SymbolFormat = new SymbolHead(crc32);
