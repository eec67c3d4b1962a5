import type {Socket} from 'node:net';
import {atLeast, atMost, type Limit} from '../limits.ts';
import {pause} from '../processes.ts';
import {makeRow} from '../row.ts';
import {EXCHANGE_BYTES, Service, SHORT_BYTES, TcpTarget} from '../streams/tcp-target.ts';
import {TcpTunnel} from '../streams/tcp-tunnel.ts';
import type {Case, Conditions, Measurement} from './measurement.ts';

type Links = readonly (readonly string[])[];

const NAME = 'connections';

/** The words of a link: Mbit/s, milliseconds of round trip, percent lost; its buffer holds a round trip. */
function link(rate: number, roundTrip: number, loss: number): readonly string[] {
	const delay = ['--delay', `${roundTrip / 2}ms`, '--queue', `${roundTrip}ms`];
	return ['--rate', `${rate}mbit`, ...delay, '--loss', `${loss}%`];
}

const three = (loss: number): Links => [1, 2, 3].map(() => link(100, 50, loss));

type Measure = (tunnel: TcpTunnel, target: TcpTarget) => Promise<readonly number[]>;

/** One figure of a run. */
interface Figure {
	readonly name: string;
	readonly unit: string;
	readonly limit: Limit;
}

/** Counts what a socket gets; `bytes` goes on counting. */
function counter(socket: Socket): {bytes: number; longestGap: number} {
	const counted = {bytes: 0, longestGap: 0};
	let last = performance.now();
	socket.on('data', ({length}) => {
		const now = performance.now();
		counted.longestGap = Math.max(counted.longestGap, now - last);
		last = now;
		counted.bytes += length;
	});
	return counted;
}

/** Mbit/s of a download between two times after its beginning, in seconds. */
function download(from: number, to: number): Measure {
	return async (tunnel, target) => {
		const socket = await tunnel.open(target.port, Service.DOWNLOAD);
		const counted = counter(socket);
		const rate = await rateOf(() => counted.bytes, from, to);
		socket.destroy();
		return [rate];
	};
}

async function rateOf(bytes: () => number, from: number, to: number): Promise<number> {
	await pause(from * 1000);
	const [began, before] = [performance.now(), bytes()];
	await pause((to - from) * 1000);
	return ((bytes() - before) * 8) / (performance.now() - began) / 1000;
}

/** The 99th percentile of a KiB and its answer, in round trips of 50 ms. */
function exchanges(isBeside: boolean): Measure {
	return async (tunnel, target) => {
		const bulk = isBeside ? await tunnel.open(target.port, Service.DOWNLOAD) : undefined;
		bulk?.resume();
		await pause(2000);
		const socket = await tunnel.open(target.port, Service.EXCHANGE);
		const counted = counter(socket);
		const request = Buffer.alloc(EXCHANGE_BYTES);
		const times: number[] = [];
		for (let i = 1; i <= 400; i++) {
			const began = performance.now();
			socket.write(request);
			await arrival(socket, () => counted.bytes >= i * EXCHANGE_BYTES);
			times.push(performance.now() - began);
		}
		socket.destroy();
		bulk?.destroy();
		times.sort((a, b) => a - b);
		return [times[Math.floor(times.length * 0.99)]! / 50];
	};
}

/** Resolves when what a socket got makes that true; rejects when it is closed before. */
function arrival(socket: Socket, isThere: () => boolean): Promise<void> {
	return new Promise((resolve, reject) => {
		const look = () => {
			if (isThere()) end(resolve);
		};
		const close = () => end(() => reject(new Error('the connection is closed')));
		const end = (then: () => void) => {
			socket.off('data', look);
			socket.off('close', close);
			then();
		};
		socket.on('data', look);
		socket.on('close', close);
		look();
	});
}

/** The longest pause of a download of whose two links one is gone for 2 s, in ms. */
const blackhole: Measure = async (tunnel, target) => {
	const socket = await tunnel.open(target.port, Service.DOWNLOAD);
	const counted = counter(socket);
	await pause(tunnel.linksFrom + 9000 - performance.now());
	socket.destroy();
	return [counted.longestGap];
};

/** How long after both links came back data flows again, in ms. */
const outage: Measure = async (tunnel, target) => {
	const socket = await tunnel.open(target.port, Service.DOWNLOAD);
	const counted = counter(socket);
	const back = tunnel.linksFrom + 11_000;
	await pause(back - performance.now());
	const before = counted.bytes;
	await arrival(socket, () => counted.bytes > before);
	const resumed = performance.now() - back;
	socket.destroy();
	return [resumed];
};

/** 500 connections of 32 KiB, 20 at once: the 99th percentile and the longest, in round trips. */
const connections: Measure = async (tunnel, target) => {
	const times: number[] = [];
	let opened = 0;
	const one = async () => {
		while (opened < 500) {
			opened++;
			const began = performance.now();
			const socket = await tunnel.open(target.port, Service.SHORT);
			const counted = counter(socket);
			await arrival(socket, () => counted.bytes >= SHORT_BYTES);
			times.push((performance.now() - began) / 50);
			socket.destroy();
		}
	};
	await Promise.all(Array.from({length: 20}, one));
	times.sort((a, b) => a - b);
	return [times[494]!, times[499]!];
};

function asCase(name: string, links: Links, run: Measure, figures: readonly Figure[]): Case {
	const measure = async ({repeats}: Conditions) => {
		const runs = figures.map((): number[] => []);
		for (let repeat = 0; repeat < repeats; repeat++) {
			const target = await TcpTarget.open();
			const tunnel = await TcpTunnel.start(links);
			// Until all paths are up, and code that has just started is compiled.
			await pause(1500);
			const values = await run(tunnel, target);
			for (const [index, value] of values.entries()) runs[index]!.push(value);
			await tunnel.stop();
			target.close();
		}
		return figures.map((figure, index) =>
			makeRow({
				measurement: NAME,
				case: name,
				system: figure.name,
				unit: figure.unit,
				runs: runs[index]!,
				limit: figure.limit,
			}),
		);
	};
	return {name, run: measure};
}

const rate = (bound: number): readonly Figure[] => [
	{name: 'second 3 to 13', unit: 'Mbit/s', limit: atLeast(bound)},
];
const delay = (name: string, bound: number): readonly Figure[] => [
	{name, unit: 'ms', limit: atMost(bound)},
];
const trips = (name: string, bound: number): Figure => ({
	name,
	unit: 'round trips of 50 ms',
	limit: atMost(bound),
});
const outages = (from: number, until: number) => ['--outage', `${from}s..${until}s`];

/** What simulations promise of TCP connections through SOCKS5, over `mptunnel link`. */
export const CONNECTIONS_MEASUREMENT: Measurement = {
	name: NAME,
	title: 'TCP connections through SOCKS5 over simulated links',
	reference: 'none',
	cases: [
		...([0, 2, 10] as const).map((loss, index) =>
			asCase(
				`one link of 100 Mbit/s, 50 ms, ${loss} % loss`,
				[link(100, 50, loss)],
				download(3, 13),
				rate([90, 80, 70][index]!),
			),
		),
		asCase('three links of 100 Mbit/s, 50 ms, 10 % loss', three(10), download(3, 13), rate(80)),
		asCase('1 KiB and answer, three such links', three(10), exchanges(false), [trips('p99', 1.15)]),
		asCase('the same beside a download', three(10), exchanges(true), [trips('p99', 1.6)]),
		asCase(
			'two links of 20 Mbit/s, one gone for 2 s',
			[[...link(20, 40, 1), ...outages(6, 8)], link(20, 60, 1)],
			blackhole,
			delay('longest pause', 300),
		),
		asCase(
			'two links of 20 Mbit/s, both gone for 5 s',
			[40, 60].map((roundTrip) => [...link(20, roundTrip, 0), ...outages(6, 11)]),
			outage,
			delay('until data flows again', 290),
		),
		asCase('500 connections of 32 KiB, three links, 5 % loss', three(5), connections, [
			trips('p99', 5),
			trips('longest', 9),
		]),
	],
};
