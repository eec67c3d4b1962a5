import {readChoice} from './values.ts';

/** The names of the socket back ends, fastest first. */
export const IO_BACK_ENDS = ['batch', 'dgram'] as const;

/** The name of a socket back end, as `--io` takes it. */
export type IoName = (typeof IO_BACK_ENDS)[number];

/** Reads the name of a socket back end. */
export function readIoName(text: string): IoName {
	return readChoice(text, IO_BACK_ENDS);
}
