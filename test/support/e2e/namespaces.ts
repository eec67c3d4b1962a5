import process from 'node:process';
import {threadId} from 'node:worker_threads';
import type {ExecutionContext} from 'ava';
import {attempt, ip, run} from '../machine/commands.ts';

let count = 0;

/** Two hosts, `a` and `b`, in network namespaces of their own, with a cable between them. */
export class TwoHosts {
	readonly a: string;
	readonly b: string;
	/** Addresses on the cable. */
	readonly addressA: string = '10.99.0.1';
	readonly addressB: string = '10.99.0.2';

	/** They are gone after the test; throws when the machine does not allow them. */
	constructor(t: ExecutionContext) {
		// Test files are threads of one process.
		const name = `mpt-${process.pid}-${threadId}-${count++}`;
		this.a = `${name}a`;
		this.b = `${name}b`;
		t.teardown(() => {
			for (const host of [this.a, this.b]) attempt('ip', ['netns', 'del', host]);
		});
		ip('netns', 'add', this.a);
		ip('netns', 'add', this.b);
		ip('link', 'add', 'cable', 'netns', this.a, 'type', 'veth', 'peer', 'cable', 'netns', this.b);
		for (const [host, address] of [
			[this.a, this.addressA],
			[this.b, this.addressB],
		] as const) {
			ip('-n', host, 'addr', 'add', `${address}/24`, 'dev', 'cable');
			ip('-n', host, 'link', 'set', 'cable', 'up');
			ip('-n', host, 'link', 'set', 'lo', 'up');
		}
	}

	/** The words that run a command in a host. */
	in(host: string): readonly string[] {
		return ['ip', 'netns', 'exec', host];
	}

	/** Runs a command in a host; returns what it printed. */
	run(host: string, command: string, ...words: readonly string[]): string {
		return run('ip', ['netns', 'exec', host, command, ...words]);
	}

	/** Sets a device of a host up or down. */
	set(host: string, device: string, state: 'up' | 'down'): void {
		ip('-n', host, 'link', 'set', device, state);
	}
}
