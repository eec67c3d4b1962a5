/** What a number should be. */
export interface Limit {
	readonly text: string;
	readonly isMet: (value: number) => boolean;
}

export function atLeast(bound: number, unit = ''): Limit {
	return {text: `>= ${format(bound)}${unit}`, isMet: (value) => value >= bound};
}

export function atMost(bound: number, unit = ''): Limit {
	return {text: `<= ${format(bound)}${unit}`, isMet: (value) => value <= bound};
}

export function below(bound: number, unit = ''): Limit {
	return {text: `< ${format(bound)}${unit}`, isMet: (value) => value < bound};
}

function format(bound: number): string {
	return bound.toLocaleString('en');
}

/** What CPU time for a datagram is held against, by the rate: in us, and as a multiple of socat's. */
export const CPU_LIMITS: Readonly<
	Record<number, {readonly micros?: Limit; readonly ratio: Limit}>
> = {
	1000: {ratio: atMost(3, ' x socat')},
	10000: {ratio: atMost(2, ' x socat')},
	50000: {ratio: atMost(1, ' x socat')},
	80000: {micros: atMost(5), ratio: below(1, ' x socat')},
};

/** CPU time of a coded lane with a traffic factor of 1.5, of that of copies on all paths. */
export const CODED_CPU: Limit = atMost(1.4, ' x tunnel');

/** Of 1200 bytes one way, at no more than 1 % loss, in Mbit/s. */
export const GOODPUT: Limit = atLeast(1500);
/** Of 100 bytes one way, in datagrams a second. */
export const SMALL_GOODPUT: Limit = atLeast(150_000);
/** Of the portable back ends, in datagrams a second of 1200 bytes. */
export const PORTABLE_GOODPUT: Limit = atLeast(15_000);
/** Each way when both are used at once, of what one way alone carries. */
export const BOTH_WAYS_PART: Limit = atLeast(45, ' % of one way');
/** Through three relays, of what these carry when the generator makes the copies. */
export const BRIDGED_PART: Limit = atLeast(80, ' % of the relays');

/** The round trip at 1,000 datagrams a second, as a multiple of one socat hop. */
export const TRIP_MEDIAN: Limit = atMost(1.3, ' x socat');
export const TRIP_P99: Limit = atMost(2.5, ' x socat');
/** The round trip at half of the highest rate: 99th percentile in us. */
export const LOADED_P99: Limit = atMost(2000);

/** One TCP connection, in Mbit/s: over a direct path, over three, over three bad links. */
export const STREAM_ONE: Limit = atLeast(1000);
export const STREAM_THREE: Limit = atLeast(500);
export const STREAM_LINKS: Limit = atLeast(80);

/** One TCP connection inside a VPN over links of 10 % loss, of what it is without loss. */
export const VPN_PART: Limit = atLeast(0.75, ' x no loss');

/** Resident memory of each end, in MiB. */
export const MEMORY: Limit = atMost(120);

/** Time in which the garbage collector holds everything up, in per cent. */
export const COLLECTING: Limit = below(1, ' %');

/** Of real datagrams beside a flood of forged packets, in per cent. */
export const FLOODED_LOSS: Limit = below(1, ' %');

/** Of datagrams with a code, over three links of 10 %, in per cent; and the traffic factor. */
export const LANE_LOST: Limit = atMost(0.03, ' %');
export const LANE_TRAFFIC: Limit = atMost(1.55, ' x');

/** What generator -> sink alone may lose at a rate for it to be a measurement. */
export const GENERATOR_LOSS = 0.0005;

/** The limit for values in another unit: `factor` of them make one of the limit's. */
export function scaled({text, isMet}: Limit, factor: number, unit: string): Limit {
	return {text: `${text}${unit}`, isMet: (value) => isMet(value * factor)};
}

/** A limit in per cent, for values of which `whole` is 100 %. */
export function ofReference({text, isMet}: Limit, whole: number): Limit {
	return {text, isMet: (value) => isMet((value / whole) * 100)};
}
