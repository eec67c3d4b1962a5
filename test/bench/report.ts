import {readFileSync} from 'node:fs';
import {arch, availableParallelism, cpus, loadavg, platform, release} from 'node:os';
import process from 'node:process';
import type {CpuRow} from './cpu.ts';
import type {FlowsRow} from './flows.ts';
import type {GoodputRow} from './goodput.ts';
import type {LatencyRow} from './latency.ts';
import type {RecoveryRow} from './recovery.ts';
import type {Spread} from './statistics.ts';
import type {StreamsRow} from './streams.ts';

/** Where the numbers come from. */
export interface Machine {
	readonly date: string;
	readonly node: string;
	readonly system: string;
	readonly cpu: string;
	readonly cores: number;
	/** Bytes of net.core.rmem_max; undefined where there is no such setting. */
	readonly receiveBufferLimit: number | undefined;
	/** Load average of the last minute before the start: above 0.3 others were at work. */
	readonly load: number;
}

/** Everything that a run of the benchmark found. */
export interface Report {
	readonly machine: Machine;
	readonly goodput: readonly GoodputRow[];
	readonly cpu: readonly CpuRow[];
	readonly latency: readonly LatencyRow[];
	readonly recovery: readonly RecoveryRow[];
	readonly flows: readonly FlowsRow[];
	readonly streams: readonly StreamsRow[];
	readonly warnings: readonly string[];
}

export function describeMachine(): Machine {
	let limit: number | undefined;
	try {
		limit = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
	} catch {
		limit = undefined;
	}
	return {
		date: new Date().toISOString().slice(0, 16),
		node: process.version,
		system: `${platform()} ${release()} ${arch()}`,
		cpu: cpus()[0]?.model ?? 'unknown',
		cores: availableParallelism(),
		receiveBufferLimit: limit,
		load: loadavg()[0] ?? 0,
	};
}

/** The report for people. */
export function formatReport({machine, ...report}: Report): string {
	const {date, node, system, cpu, cores, receiveBufferLimit, load} = machine;
	const lines = [
		`${date} UTC, Node ${node}, ${system}, ${cores} x ${cpu}`,
		`net.core.rmem_max ${receiveBufferLimit ?? '-'}, load before ${load.toFixed(2)}`,
		'Medians (lowest..highest) over interleaved repetitions; tunnels over three direct paths;',
		"'direct' is generator -> sink alone, 'socat' one plain relay hop without sealing or copies.",
	];
	const tables = [
		goodputTable(report.goodput),
		cpuTable(report.cpu),
		latencyTable(report.latency),
		recoveryTable(report.recovery),
		flowsTable(report.flows),
		streamsTable(report.streams),
	];
	for (const table of tables) if (table.length > 1) lines.push('', ...align(table));
	for (const warning of report.warnings) lines.push('', `Warning: ${warning}`);
	return `${lines.join('\n')}\n`;
}

function goodputTable(rows: readonly GoodputRow[]): string[][] {
	return [
		['goodput at <= 1 % loss', 'bytes', 'packets/s', '', 'Mbit/s', ''],
		...rows.map(({system, size, packets, generatorLimited}) => [
			system,
			`${size}`,
			...cells(packets, 0),
			((packets.median * size * 8) / 1e6).toFixed(0),
			generatorLimited ? 'the generator gave no more' : '',
		]),
	];
}

function cpuTable(rows: readonly CpuRow[]): string[][] {
	return [
		['CPU us per packet', 'bytes', 'at/s', 'main thread', '', 'all threads', '', 'loss'],
		...rows.map(({system, role, size, rate, main, all, loss}) => [
			`${system} ${role}`,
			`${size}`,
			`${rate}`,
			...cells(main, 1),
			...cells(all, 1),
			percent(loss.median),
		]),
	];
}

function latencyTable(rows: readonly LatencyRow[]): string[][] {
	return [
		['round trip us', 'at/s', 'p50', '', 'p99', '', 'loss'],
		...rows.map(({system, rate, p50, p99, loss}) => [
			system,
			`${rate}`,
			...cells(p50, 0),
			...cells(p99, 0),
			percent(loss.median),
		]),
	];
}

function recoveryTable(rows: readonly RecoveryRow[]): string[][] {
	return [
		['recovery ms after kill -9', 'start to datagram', '', 'start of the program', ''],
		...rows.map(({system, killed, fromStart, starting}) => [
			`${system} ${killed}`,
			...cells(fromStart, 0),
			...cells(starting, 0),
		]),
	];
}

function flowsTable(rows: readonly FlowsRow[]): string[][] {
	return [
		['flows opened at', 'open', 'answered', 'heap each', 'p99 ms alone', 'meanwhile', 'lost'],
		...rows.map(({rate, flows, answered, heapPerFlow, before, during}) => [
			`${rate}/s`,
			`${flows}`,
			`${answered}`,
			`${heapPerFlow.toFixed(0)} B`,
			before.p99.toFixed(1),
			during.p99.toFixed(1),
			`${during.lost} of ${during.sent}`,
		]),
	];
}

function streamsTable(rows: readonly StreamsRow[]): string[][] {
	return [
		['TCP through SOCKS5', 'measured', 'wanted', '', ''],
		...rows.map(({name, unit, value, limit, isLeast}) => [
			name,
			`${Number(value.toPrecision(3))}`,
			`${isLeast ? '>=' : '<='} ${limit}`,
			unit,
			(isLeast ? value >= limit : value <= limit) ? '' : 'MISSED',
		]),
	];
}

function cells({median, low, high}: Spread, digits: number): string[] {
	return [median.toFixed(digits), `(${low.toFixed(digits)}..${high.toFixed(digits)})`];
}

function percent(part: number): string {
	return `${(part * 100).toFixed(2)} %`;
}

function align(table: readonly string[][]): string[] {
	const widths: number[] = [];
	for (const row of table) {
		for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
	}
	return table.map((row) => {
		const padded = row.map((cell, i) =>
			i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
		);
		return padded.join('  ').trimEnd();
	});
}
