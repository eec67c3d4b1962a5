import test from 'ava';
import fc from 'fast-check';
import type {ClientSettings, ServerSettings} from '../../src/core/endpoint.ts';
import type {EndpointStatus} from '../../src/core/events.ts';
import {always} from '../support/world/always.ts';
import {TunnelWorld} from '../support/world/tunnel-world.ts';

/** Operations, each with a number that it takes modulo what there is. */
const OPERATIONS = [
	...['traffic', 'traffic', 'traffic', 'wait', 'paths', 'rename', 'address', 'socket'],
	...['client restarts', 'server restarts', 'server closes', 'user goes', 'user comes'],
] as const;
type Operation = readonly [name: (typeof OPERATIONS)[number], argument: number];

/** Every counter of a status, by a name of its own; those of sessions begin anew with each. */
function countersOf({totals, users = [], drops}: EndpointStatus): ReadonlyMap<string, number> {
	const counters = new Map<string, number>();
	const walk = (value: unknown, name: string): void => {
		if (typeof value === 'number') counters.set(name, value);
		else if (Array.isArray(value)) {
			for (const item of value as readonly Record<string, unknown>[]) {
				walk(item, `${name} ${item['user'] ?? item['name'] ?? item['policy'] ?? ''}`);
			}
		} else if (typeof value === 'object' && value !== null) {
			for (const [field, inner] of Object.entries(value)) walk(inner, `${name}.${field}`);
		}
	};
	walk(totals, 'totals');
	walk(drops, 'drops');
	for (const {name, datagramsSent, datagramsReceived, streams, traffic, refused} of users) {
		const {factor: _, ...sums} = traffic;
		const {opened, sent, received} = streams;
		walk({datagramsSent, datagramsReceived, opened, sent, received, ...sums}, `user ${name}`);
		for (const {kind, code, count} of refused) walk(count, `user ${name} ${kind} ${code}`);
	}
	return counters;
}

/** A world whose counters are compared with the largest that were there before. */
class CountedWorld {
	readonly world: TunnelWorld;
	readonly fallen: string[] = [];
	/** Counters that rose. */
	readonly risen = new Set<string>();
	readonly #highest = {client: new Map<string, number>(), server: new Map<string, number>()};
	#client: ClientSettings;
	#names = 0;

	constructor() {
		const policies = always({
			...{name: 'voice', kind: 'fec', residual: 1e-3, within: 100, traffic: 3, floor: 2},
			...{cheap: false, rate: 0, paths: []},
		});
		const loss = {kind: 'random', loss: 0.1} as const;
		const links = [{delay: 10, loss}, {delay: 20, loss}, {delay: 15}];
		this.world = new TunnelWorld({seed: 5, links, lanes: true, echo: true, client: {policies}});
		this.#client = this.world.clientConfig;
		this.world.start();
	}

	run([name, argument]: Operation): void {
		const {world} = this;
		switch (name) {
			case 'traffic':
				world.stream(50 + (argument % 200), 300, argument % 3);
				return;
			case 'wait':
				world.run(world.now + 50 * argument);
				return;
			case 'paths':
				this.#changePaths(world.clientConfig.paths.filter(({id}) => id !== argument % 4));
				return;
			case 'rename':
				this.#changePaths(
					this.#client.paths.map((path) =>
						path.id === argument % 3 ? {...path, name: `new ${this.#names++}`} : path,
					),
				);
				return;
			case 'address':
				world.changeAddress(argument % 3);
				return;
			case 'socket':
				world.poke('server', () => world.server?.socketClosed(0, world.now));
				return;
			case 'client restarts':
				world.killClient();
				this.#highest.client.clear();
				world.startClient();
				return;
			case 'server restarts':
				world.killServer();
				this.#highest.server.clear();
				world.startServer();
				return;
			case 'server closes':
				world.poke('server', () => world.server?.close(world.now));
				return;
			case 'user goes':
				this.#changeUsers([]);
				return;
			case 'user comes':
				this.#changeUsers(world.serverConfig.users);
		}
	}

	#changePaths(paths: ClientSettings['paths']): void {
		const {world} = this;
		this.#client = {...this.#client, paths};
		world.poke('client', () => {
			world.client?.reconfigure(this.#client, world.now);
			for (const {id} of paths) world.client?.pathOpened(id, world.now);
		});
	}

	#changeUsers(users: ServerSettings['users']): void {
		const {world} = this;
		const {fixedTarget} = world.serverConfig;
		world.poke('server', () => world.server?.reconfigure({users, fixedTarget}, world.now));
	}

	/** Compares the counters with the largest so far. */
	check(after: string): void {
		for (const end of ['client', 'server'] as const) {
			const status = this.world[end]?.status(this.world.now);
			if (status === undefined) continue;
			const highest = this.#highest[end];
			for (const [name, count] of countersOf(status)) {
				const before = highest.get(name) ?? 0;
				if (count > before) this.risen.add(`${end} ${name}`);
				if (count < before) this.fallen.push(`${after}: ${end} ${name} ${before} ${count}`);
				highest.set(name, Math.max(before, count));
			}
		}
	}
}

test('no counter falls while sockets close, paths and users go and sessions end', (t) => {
	const operation = fc.tuple(fc.constantFrom(...OPERATIONS), fc.nat(40));
	const risen = new Set<string>();
	const property = fc.property(fc.array(operation, {minLength: 5, maxLength: 14}), (operations) => {
		const counted = new CountedWorld();
		counted.run(['traffic', 1]);
		counted.check('the beginning');
		for (const next of operations) {
			counted.run(next);
			counted.check(next.join(' '));
		}
		for (const name of counted.risen) risen.add(name);
		if (counted.fallen.length > 0) throw new Error(counted.fallen.join('\n'));
	});
	fc.assert(property, {numRuns: 25, seed: 11, includeErrorInReport: true});
	// It could have failed: these are what sessions, paths and lanes count.
	for (const name of [
		'server totals user.paths new 0.receiving.bytes',
		'server totals user.lanes voice.receiving.received',
		'client totals .lanes voice.reported.received',
		'server totals user.sessions',
	])
		t.true(risen.has(name), `${name} of ${[...risen].join('\n')}`);
});
