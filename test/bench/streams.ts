import type {Socket} from 'node:net';
import {pause} from './processes.ts';
import {EXCHANGE_BYTES, Service, SHORT_BYTES, sendOn, TcpTarget} from './tcp-target.ts';
import {TcpTunnel} from './tcp-tunnel.ts';

/** One number of TCP connections through SOCKS5, over real sockets. */
export interface StreamsRow {
	readonly name: string;
	readonly unit: string;
	readonly value: number;
	readonly limit: number;
	/** Whether the value has to be at least (else at most) the limit. */
	readonly isLeast: boolean;
}

type Links = readonly (readonly string[])[];

const DIRECT: readonly string[] = [];

/** The words of a link: Mbit/s, milliseconds of round trip, percent lost; its buffer holds a round trip. */
function link(rate: number, roundTrip: number, loss: number): readonly string[] {
	const delay = ['--delay', `${roundTrip / 2}ms`, '--queue', `${roundTrip}ms`];
	return ['--rate', `${rate}mbit`, ...delay, '--loss', `${loss}%`];
}

const three = (loss: number): Links => [1, 2, 3].map(() => link(100, 50, loss));

type Measure = (tunnel: TcpTunnel, target: TcpTarget) => Promise<readonly number[]>;

interface Case {
	readonly links: Links;
	readonly measure: Measure;
	readonly rows: readonly Omit<StreamsRow, 'value'>[];
}

const least = (name: string, unit: string, limit: number) => ({name, unit, limit, isLeast: true});
const most = (name: string, unit: string, limit: number) => ({name, unit, limit, isLeast: false});

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

function upload(from: number, to: number): Measure {
	return async (tunnel, target) => {
		const socket = await tunnel.open(target.port, Service.UPLOAD);
		sendOn(socket);
		const rate = await rateOf(() => target.uploaded, from, to);
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

const CASES: readonly Case[] = [
	{
		links: [DIRECT],
		measure: download(1, 6),
		rows: [least('one direct path, down', 'Mbit/s', 1000)],
	},
	{links: [DIRECT], measure: upload(1, 6), rows: [least('one direct path, up', 'Mbit/s', 1000)]},
	{
		links: [DIRECT, DIRECT, DIRECT],
		measure: download(1, 6),
		rows: [least('three direct paths, down', 'Mbit/s', 500)],
	},
	{
		links: [DIRECT, DIRECT, DIRECT],
		measure: upload(1, 6),
		rows: [least('three direct paths, up', 'Mbit/s', 500)],
	},
	...([0, 2, 10] as const).map((loss, index) => ({
		links: [link(100, 50, loss)],
		measure: download(3, 13),
		rows: [least(`one link, 100 Mbit/s, 50 ms, ${loss} % loss`, 'Mbit/s', [90, 80, 70][index]!)],
	})),
	{
		links: three(10),
		measure: download(3, 13),
		rows: [least('three links, 100 Mbit/s, 50 ms, 10 % loss', 'Mbit/s', 80)],
	},
	{
		links: three(10),
		measure: exchanges(false),
		rows: [most('1 KiB and answer over these, p99', 'round trips', 1.15)],
	},
	{
		links: three(10),
		measure: exchanges(true),
		rows: [most('the same beside a download, p99', 'round trips', 1.6)],
	},
	{
		links: [[...link(20, 40, 1), '--outage', '6s..8s'], link(20, 60, 1)],
		measure: blackhole,
		rows: [most('two links, one gone for 2 s, longest pause', 'ms', 300)],
	},
	{
		links: [40, 60].map((roundTrip) => [...link(20, roundTrip, 0), '--outage', '6s..11s']),
		measure: outage,
		rows: [most('two links, both gone for 5 s, until data flows', 'ms', 290)],
	},
	{
		links: three(5),
		measure: connections,
		rows: [
			most('500 connections, three links of 5 % loss, p99', 'round trips', 5),
			most('the longest of them', 'round trips', 9),
		],
	},
];

/** Measures TCP connections through SOCKS5, one set-up after the other. */
export async function measureStreams(): Promise<StreamsRow[]> {
	const rows: StreamsRow[] = [];
	for (const {links, measure, rows: wanted} of CASES) {
		const target = await TcpTarget.open();
		const tunnel = await TcpTunnel.start(links);
		// Until all paths are up, and code that has just started is compiled.
		await pause(1500);
		const values = await measure(tunnel, target);
		wanted.forEach((row, index) => {
			rows.push({...row, value: values[index]!});
		});
		await tunnel.stop();
		target.close();
	}
	return rows;
}
