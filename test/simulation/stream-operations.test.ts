import test from 'ava';
import fc from 'fast-check';
import {StreamCode} from '../../src/wire/constants.ts';
import {StreamWorld, Talker} from '../support/world/stream-world.ts';
import {randomLoss} from '../support/world/tunnel-world.ts';

const BOUND = Uint8Array.of(1, 192, 0, 2, 1, 4, 210);

type Operation =
	| {readonly what: 'open'}
	| {
			readonly what: 'send';
			readonly end: 'client' | 'server';
			readonly which: number;
			readonly bytes: number;
	  }
	| {
			readonly what: 'finish' | 'reset' | 'stop';
			readonly end: 'client' | 'server';
			readonly which: number;
	  }
	| {readonly what: 'stall' | 'read'; readonly which: number}
	| {readonly what: 'loss'; readonly path: number; readonly loss: number}
	| {readonly what: 'server' | 'client'}
	| {readonly what: 'run'; readonly millis: number};

const end = fc.constantFrom('client' as const, 'server' as const);
const which = fc.nat(5);
const operation: fc.Arbitrary<Operation> = fc.oneof(
	{weight: 4, arbitrary: fc.constant({what: 'open' as const})},
	{
		weight: 8,
		arbitrary: fc.record({
			what: fc.constant('send' as const),
			end,
			which,
			bytes: fc.oneof(fc.nat(100), fc.nat(400_000)),
		}),
	},
	{weight: 3, arbitrary: fc.record({what: fc.constant('finish' as const), end, which})},
	{weight: 1, arbitrary: fc.record({what: fc.constant('reset' as const), end, which})},
	{weight: 1, arbitrary: fc.record({what: fc.constant('stop' as const), end, which})},
	{
		weight: 2,
		arbitrary: fc.record({what: fc.constantFrom('stall' as const, 'read' as const), which}),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			what: fc.constant('loss' as const),
			path: fc.nat(1),
			loss: fc.constantFrom(0, 0.1, 0.5, 1),
		}),
	},
	{weight: 1, arbitrary: fc.record({what: fc.constantFrom('server' as const, 'client' as const)})},
	{
		weight: 12,
		arbitrary: fc.record({
			what: fc.constant('run' as const),
			millis: fc.integer({min: 1, max: 600}),
		}),
	},
);

/** Both ends of one stream; the server's is missing until it hears of it. */
interface Pair {
	readonly client: Talker;
	server: Talker | undefined;
	/** Whether a reset or restart may cut it off. */
	cut: boolean;
	/** The ends that wanted no more bytes. */
	readonly stopped: {client: boolean; server: boolean};
}

function play(seed: number, operations: readonly Operation[]): string[] {
	const links = [
		{delay: 10, jitter: 5, jitterReorders: true, duplicate: 0.02, corrupt: 0.01},
		{delay: 35, loss: randomLoss(0.05), reorder: 0.05},
	];
	const pairs: Pair[] = [];
	const world: StreamWorld = new StreamWorld(
		{seed, links, client: {rekeyInterval: 1500}},
		(stream, port) => {
			stream.accept(BOUND);
			const pair = pairs[port]!;
			if (pair.server !== undefined) world.faults.push(`stream ${port} was opened twice`);
			pair.server = new Talker(world, stream, 0, false);
		},
	);
	world.start();
	const pick = (index: number): Pair | undefined => pairs[index % Math.max(1, pairs.length)];
	const act = (
		side: 'client' | 'server',
		pair: Pair | undefined,
		run: (talker: Talker) => void,
	) => {
		const talker = pair?.[side];
		if (talker !== undefined) world.act(side, () => run(talker));
	};
	let cutUntil = 0;
	const cutAll = () => {
		for (const pair of pairs) pair.cut = true;
		// What is opened before the other end has learnt of the restart goes down with the old session.
		cutUntil = world.now + 5000;
	};
	for (const step of operations) {
		switch (step.what) {
			case 'open':
				if (pairs.length >= 6) break;
				pairs.push({
					client: world.open(pairs.length, 0, false),
					server: undefined,
					cut: world.now < cutUntil,
					stopped: {client: false, server: false},
				});
				break;
			case 'send':
				act(step.end, pick(step.which), (talker) => talker.send(step.bytes));
				break;
			case 'finish':
				act(step.end, pick(step.which), (talker) => talker.end());
				break;
			case 'reset': {
				const pair = pick(step.which);
				act(step.end, pair, (talker) => talker.stream.reset(StreamCode.CONNECTION_RESET));
				if (pair?.[step.end] !== undefined) pair.cut = true;
				break;
			}
			case 'stop': {
				const pair = pick(step.which);
				act(step.end, pair, (talker) => talker.stream.stop());
				if (pair?.[step.end] !== undefined) pair.stopped[step.end] = true;
				break;
			}
			case 'stall':
			case 'read': {
				const pair = pick(step.which);
				if (pair === undefined) break;
				pair.client.reading = step.what === 'read';
				act('client', pair, (talker) => talker.streamChanged());
				break;
			}
			case 'loss':
				world.configure(step.path, {loss: randomLoss(step.loss)});
				break;
			case 'server':
				cutAll();
				world.killServer();
				world.startServer();
				break;
			case 'client':
				cutAll();
				world.killClient();
				world.startClient();
				break;
			case 'run':
				world.run(world.now + step.millis);
				break;
			default:
		}
	}
	for (const path of [0, 1]) world.configure(path, {loss: randomLoss(0)});
	world.run(world.now + 100);
	for (const pair of pairs) {
		pair.client.reading = true;
		act('client', pair, (talker) => talker.streamChanged());
		act('client', pair, (talker) => talker.end());
		act('server', pair, (talker) => talker.end());
	}
	world.run(world.now + 25_000);
	// Whoever heard of its stream only now has not ended it yet.
	for (const pair of pairs) act('server', pair, (talker) => talker.end());
	world.run(world.now + 25_000);
	check(world, pairs);
	return world.faults;
}

function check(world: StreamWorld, pairs: readonly Pair[]): void {
	pairs.forEach(({client, server, cut, stopped}, index) => {
		const say = (text: string) => world.faults.push(`stream ${index}: ${text}`);
		if (client.received > (server?.sent ?? 0)) say('the client got more than was sent');
		if ((server?.received ?? 0) > client.sent) say('the server got more than was sent');
		if (cut) return;
		if (client.stream.resetCode !== undefined) say(`reset, code ${client.stream.resetCode}`);
		if (server === undefined) say('never arrived');
		if (client.received !== server?.sent && !stopped.client)
			say(`${client.received} of ${server?.sent} at the client`);
		if (server?.received !== client.sent && !stopped.server)
			say(`${server?.received} of ${client.sent} at the server`);
		if (client.stream.state !== 'closed' || server?.stream.state !== 'closed') say('is not closed');
	});
}

test('whatever happens, what is received is a prefix of what was sent, and all of it in the end', (t) => {
	const operations = fc.array(operation, {minLength: 30, maxLength: 60, size: 'max'});
	let faults: string[] = [];
	fc.assert(
		fc.property(fc.nat(), operations, (seed, steps) => {
			faults = play(seed, steps);
			return faults.length === 0;
		}),
		{
			numRuns: Number(process.env['STREAM_WORLDS'] ?? 60),
			reporter: (details) => {
				if (!details.failed) return;
				t.log(JSON.stringify(details.counterexample), faults);
				t.fail(`seed ${details.seed} path ${details.counterexamplePath}`);
			},
		},
	);
	t.pass();
});
