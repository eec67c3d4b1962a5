import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {createServer, type Server, Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {ExitPolicy, type UserRules} from '../../../src/exit/policy.ts';
import {parseRule, RuleSet} from '../../../src/exit/rules.ts';
import {StreamExit, type StreamExitInit} from '../../../src/net/exit/streams.ts';
import type {NameAnswer} from '../../../src/net/names/names.ts';
import {SocketBudget} from '../../../src/net/udp/socket-budget.ts';
import {encodeTarget, ipTarget, namedTarget} from '../../../src/socks/target.ts';
import {parseIp} from '../../../src/text/ip.ts';
import {RefusalCode, StreamCode} from '../../../src/wire/constants.ts';
import {toHex} from '../../crypto/fixtures.ts';
import {FakeClock} from '../../support/fakes/fake-clock.ts';
import {FakeReporter} from '../../support/fakes/fake-reporter.ts';
import {waitFor, within} from '../../support/machine/wait-for.ts';
import {type MemoryStream, StreamPair} from '../../support/sockets/stream-pair.ts';

const rules = (...texts: string[]) => new RuleSet(texts.map(parseRule));
const address = (text: string) => parseIp(text)!;

/** An exit with real or fake sockets, and streams that end in the hands of the test. */
class World {
	readonly exit: StreamExit;
	readonly reporter: FakeReporter = new FakeReporter();
	readonly budget: SocketBudget;
	readonly clock: FakeClock = new FakeClock();
	readonly asked: string[] = [];
	readonly names = new Map<string, NameAnswer>();
	readonly #pairs: StreamPair[] = [];

	constructor(t: ExecutionContext, init: Partial<StreamExitInit> = {}) {
		this.budget =
			init.budget ?? new SocketBudget({limit: 10, users: ['alice'], reporter: this.reporter});
		this.exit = new StreamExit({
			policy: new ExitPolicy({allow: rules('127.0.0.0/8')}),
			rulesOf: () => undefined,
			mayChoose: () => true,
			budget: this.budget,
			reporter: this.reporter,
			now: () => this.clock.now,
			clock: this.clock,
			changed: () => {
				for (const pair of this.#pairs) pair.changed();
			},
			resolve: async (user, name) => {
				this.asked.push(`${user} ${name}`);
				const unknown = {code: 'unknown', detail: 'no such name'} as const;
				return this.names.get(name) ?? {addresses: [], failure: unknown};
			},
			...init,
		});
		t.teardown(() => this.exit.close());
	}

	/** A stream to an encoded target; the client's end of it. */
	open(target: Uint8Array): {client: MemoryStream; pair: StreamPair} {
		const pair = new StreamPair(target);
		this.#pairs.push(pair);
		this.exit.open(pair.server);
		pair.changed();
		return {client: pair.client, pair};
	}

	/** The same by text. */
	to(host: string, port: number): {client: MemoryStream; pair: StreamPair} {
		return this.open(encodeTarget(namedTarget(host, port)!));
	}

	resolves(name: string, ...addresses: string[]): void {
		this.names.set(name, {addresses: addresses.map(address), failure: undefined});
	}
}

async function listen(t: ExecutionContext): Promise<{port: number; server: Server}> {
	const server = createServer({allowHalfOpen: true});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	server.on('connection', (socket) => socket.on('error', () => {}));
	t.teardown(() => server.close());
	const place = server.address();
	return {port: place !== null && typeof place === 'object' ? place.port : 0, server};
}

test('a stream to an address is accepted with the connection, and what came before it arrives', async (t) => {
	const world = new World(t);
	const {port, server} = await listen(t);
	const pair = new StreamPair(encodeTarget(ipTarget(address('127.0.0.1'), port)));
	pair.client.write(Uint8Array.from(Buffer.from('early')));
	const connected = once(server, 'connection') as Promise<[Socket]>;
	world.exit.open(pair.server);
	pair.changed();
	const [socket] = await connected;
	const [bytes] = (await within(once(socket, 'data'), 'bytes')) as [Buffer];
	t.is(bytes.toString(), 'early');
	pair.changed();
	t.is(pair.client.state, 'open');
	const bound = `017f000001${socket.remotePort!.toString(16).padStart(4, '0')}`;
	t.is(toHex(pair.client.bound), bound);
	t.is(world.budget.of('alice').used, 1);
	t.is(world.exit.size, 1);
	socket.resetAndDestroy();
	await waitFor(() => world.budget.of('alice').used === 0);
	t.is(world.exit.size, 0);
});

test('a name is resolved for its user, and every address of it is checked', async (t) => {
	const world = new World(t);
	const {port} = await listen(t);
	world.resolves('intern.example', '10.0.0.1', '127.0.0.1', '::ffff:192.168.0.1');
	const {client, pair} = world.to('INTERN.example', port);
	await waitFor(() => client.state === 'open');
	t.deepEqual(world.asked, ['alice intern.example']);
	pair.client.reset(StreamCode.CONNECTION_RESET);
	pair.changed();
	await waitFor(() => world.budget.of('alice').used === 0);
});

const {DENIED, UNRESOLVABLE, REFUSED, NO_TARGET, DESCRIPTORS, TIMED_OUT} = RefusalCode;

for (const [what, host, port, code, line] of [
	['a private address', '10.0.0.1', 80, DENIED, 'info: a target is denied'],
	['a private address inside IPv6', '::ffff:10.0.0.1', 80, DENIED, 'info: a target is denied'],
	['port 25 of a public address', '192.88.98.1', 25, DENIED, 'info: a target is denied'],
	['port 0', '8.8.8.8', 0, DENIED, 'info: a target is denied'],
	['a name with denied addresses only', 'intern.example', 80, DENIED, 'info: a target is denied'],
	['a name that is denied', 'bad.example', 80, DENIED, 'info: a target is denied'],
	['an unknown name', 'no.example', 80, UNRESOLVABLE, 'info: a target cannot be resolved'],
	[
		'a number that is no address',
		'0177.0.0.1',
		80,
		UNRESOLVABLE,
		'info: a target cannot be resolved',
	],
] as const) {
	test(`${what} is refused with ${code}, and the log says so`, async (t) => {
		const open = () => t.fail('a connection') as never;
		const policy = new ExitPolicy({deny: rules('bad.example')});
		const world = new World(t, {open, policy});
		world.resolves('intern.example', '10.0.0.1', '127.0.0.1');
		const {client} = world.to(host, port);
		await waitFor(() => client.rejection !== 0);
		t.is(client.rejection, code);
		t.true(world.reporter.lines.includes(line));
		t.like(world.reporter.fields[0], {user: 'alice'});
		t.is(world.exit.size, 0);
		t.is(world.clock.armed, 0);
		const word = code === DENIED ? 'stream-denied' : 'stream-unresolvable';
		t.deepEqual(world.exit.drops, {[word]: 1});
	});
}

test('the rules of a user hold, and a user who may not choose is told so', async (t) => {
	const own: UserRules = {allow: rules('127.0.0.1:1'), deny: rules()};
	const ruled = new World(t, {rulesOf: (user) => (user === 'alice' ? own : undefined)});
	t.is(ruled.to('127.0.0.1', 2).client.rejection, DENIED);
	const barred = new World(t, {mayChoose: (user) => user !== 'alice'});
	t.is(barred.to('127.0.0.1', 2).client.rejection, NO_TARGET);
});

test('a target that makes no sense is refused', (t) => {
	const world = new World(t);
	for (const target of [[], [0, 0, 0], [9, 1, 2], [1, 127, 0, 0, 1], [3, 1, 0, 0, 80]]) {
		t.is(world.open(Uint8Array.from(target)).client.rejection, UNRESOLVABLE);
	}
});

test('nobody listens: refused; the reason comes from the system', async (t) => {
	const world = new World(t);
	const {port, server} = await listen(t);
	server.close();
	await within(once(server, 'close'), 'the end of the server');
	const {client} = world.to('127.0.0.1', port);
	await waitFor(() => client.rejection !== 0);
	t.is(client.rejection, REFUSED);
	t.true(world.reporter.lines.includes('info: a target cannot be reached'));
	await waitFor(() => world.budget.of('alice').used === 0);
});

test('without a descriptor a stream is refused', (t) => {
	const reporter = new FakeReporter();
	const world = new World(t, {budget: new SocketBudget({limit: 0, users: ['alice'], reporter})});
	t.is(world.to('127.0.0.1', 80).client.rejection, DESCRIPTORS);
	t.deepEqual(reporter.lines, ['warn: too many flows for the open files allowed']);
	t.deepEqual(reporter.fields, [{user: 'alice', used: 0, limit: 0}]);
});

test('20 seconds without an answer are enough, those of the name included', async (t) => {
	const sockets: Socket[] = [];
	const open = () => {
		const socket = new Socket();
		sockets.push(socket);
		return socket;
	};
	const world = new World(t, {open});
	const {client} = world.to('127.0.0.1', 80);
	world.clock.pass(19_999);
	t.is(client.rejection, 0);
	world.clock.pass(1);
	t.is(client.rejection, TIMED_OUT);
	t.true(sockets.every(({destroyed}) => destroyed));
	const slow = new World(t, {open, resolve: () => new Promise(() => {})});
	const named = slow.to('a.example', 80);
	slow.clock.pass(20_000);
	t.is(named.client.rejection, TIMED_OUT);
	t.is(slow.exit.size, 0);
	await waitFor(() => world.budget.of('alice').used === 0);
});

test('a client that gives up while its target is looked for leaves nothing behind', async (t) => {
	const sockets: Socket[] = [];
	const open = () => {
		const socket = new Socket();
		sockets.push(socket);
		return socket;
	};
	const answers: ((answer: NameAnswer) => void)[] = [];
	const resolve = () => new Promise<NameAnswer>((resolve) => answers.push(resolve));
	const world = new World(t, {open, resolve});
	for (const {client, pair} of [world.to('127.0.0.1', 80), world.to('a.example', 80)]) {
		client.reset(StreamCode.CONNECTION_RESET);
		pair.changed();
	}
	t.is(world.exit.size, 0);
	t.is(world.clock.armed, 0);
	t.true(sockets[0]?.destroyed);
	answers[0]?.({addresses: [address('127.0.0.1')], failure: undefined});
	await new Promise(setImmediate);
	t.is(sockets.length, 1);
	await waitFor(() => world.budget.of('alice').used === 0);
});

test('closing resets the connections and ends the attempts', async (t) => {
	const world = new World(t);
	const {port, server} = await listen(t);
	const connected = once(server, 'connection') as Promise<[Socket]>;
	const {client, pair} = world.to('127.0.0.1', port);
	const [socket] = await connected;
	socket.resume();
	let code: string | undefined;
	socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
	await waitFor(() => client.state === 'open');
	client.write(Uint8Array.from(randomBytes(100)));
	pair.changed();
	await waitFor(() => socket.bytesRead === 100);
	world.exit.close();
	await waitFor(() => socket.closed);
	t.is(code, 'ECONNRESET');
	t.is(client.resetCode, StreamCode.STOPPED);
});
