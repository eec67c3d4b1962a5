import {readFileSync} from 'node:fs';
import {arch, availableParallelism, cpus, loadavg, platform, release} from 'node:os';
import process from 'node:process';

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

/** The machine for people. */
export function formatMachine(machine: Machine): string {
	const {date, node, system, cpu, cores, receiveBufferLimit, load} = machine;
	return (
		`${date} UTC, Node ${node}, ${system}, nproc ${cores}, ${cpu}\n` +
		`net.core.rmem_max ${receiveBufferLimit ?? '-'}, load before ${load.toFixed(2)}\n`
	);
}
