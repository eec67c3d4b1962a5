import process from 'node:process';

/** Looks at both clocks: something may come in between, but hardly every time. */
const LOOKS = 50;

let offset = Number.NEGATIVE_INFINITY;
for (let i = 0; i < LOOKS; i++) {
	const shared = Number(process.hrtime.bigint()) / 1e6;
	offset = Math.max(offset, shared - performance.now());
}

/** Milliseconds of the monotonic clock that all processes of a machine share. */
export function sharedNow(): number {
	return offset + performance.now();
}
