import test, {type ExecutionContext} from 'ava';
import type {ServerConfig, UserConfig} from '../../src/core/endpoint.ts';
import type {TunnelStream} from '../../src/core/tunnel-stream.ts';
import {Prng} from '../../src/sim/prng.ts';
import {PacketType, RefusalCode} from '../../src/wire/constants.ts';
import {packetType} from '../../src/wire/header.ts';
import {Crowd, type Member} from '../support/world/crowd.ts';
import {StreamWorld, serve, type Talker} from '../support/world/stream-world.ts';

const MIB = 2 ** 20;
const GREEDY = new Uint8Array(32).fill(9);
const BOUND = Uint8Array.of(1, 192, 0, 2, 1, 4, 210);
/** Ports whose targets send without end and read nothing. */
const FLOOD_PORT = 9;

interface SetUp {
	readonly world: StreamWorld;
	readonly crowd: Crowd;
	/** Streams of the greedy user at the server. */
	readonly taken: TunnelStream[];
}

/** A modest client and the crowd of a greedy user at one server. */
function setUp(
	greedy: Partial<UserConfig> = {},
	server: Partial<ServerConfig> = {},
	delay = 20,
): SetUp {
	const taken: TunnelStream[] = [];
	const service = serve(() => 50_000);
	let crowd: Crowd | undefined;
	const world = new StreamWorld(
		{
			seed: 99,
			links: [{delay}, {delay: delay + 10}],
			echo: true,
			user: 'modest',
			observe: (from, bytes, to) => {
				if (from === 'server') crowd?.observe(bytes, to);
			},
			server: {
				users: [
					{name: 'modest', psk: new Uint8Array(32).fill(7)},
					{name: 'greedy', psk: GREEDY, ...greedy},
				],
				...server,
			},
		},
		(stream, port, where) => {
			if (stream.user === 'modest') return service(stream, port, where);
			taken.push(stream);
			stream.accept(BOUND);
			stream.owner = {streamChanged: () => flood(stream)};
			if (port === FLOOD_PORT) flood(stream);
		},
	);
	world.startServer();
	crowd = new Crowd(world, GREEDY);
	return {world, crowd, taken};
}

function flood(stream: TunnelStream): void {
	while (stream.writable) stream.write(new Uint8Array(65_536));
}

const greedyOf = ({world}: SetUp) =>
	world.server!.status(world.now).users!.find(({name}) => name === 'greedy')!;

/** What the greedy user was refused, and what the server's events say of it. */
function refusals(setup: SetUp): {readonly counted: string[]; readonly events: string[]} {
	const counted = greedyOf(setup).refused.map(({kind, code}) => `${kind} ${code}`);
	const events = setup.world.serverEvents.flatMap(({event}) =>
		event.type === 'refused' && event.user === 'greedy' ? [`${event.kind} ${event.code}`] : [],
	);
	return {counted, events: [...new Set(events)]};
}

function join(crowd: Crowd, world: StreamWorld, count: number): Member[] {
	const members = Array.from({length: count}, () => crowd.join());
	world.run(world.now + 300);
	return members;
}

/** Each limit in turn: how it is met, and what is refused then. */
const LIMITS: Readonly<
	Record<
		string,
		{
			readonly greedy?: Partial<UserConfig>;
			readonly server?: Partial<ServerConfig>;
			readonly meet: (setup: SetUp) => void;
			readonly refused: string;
			readonly client?: (member: Member) => boolean;
		}
	>
> = {
	sessions: {
		greedy: {sessionLimit: 3},
		meet: ({world, crowd}) => join(crowd, world, 5),
		refused: `session ${RefusalCode.LIMIT}`,
		client: ({events}) => events.some((event) => 'code' in event && event.code === 'user-full'),
	},
	flows: {
		greedy: {flowLimit: 4},
		meet: ({world, crowd}) => {
			const [member] = join(crowd, world, 1);
			for (let i = 0; i < 8; i++) crowd.send(member!, 1000 + i, 50);
		},
		refused: `flow ${RefusalCode.LIMIT}`,
		client: ({events}) =>
			events.some((event) => event.type === 'target-refused' && event.code === RefusalCode.LIMIT),
	},
	'new flows': {
		greedy: {flowRate: 4},
		meet: ({world, crowd}) => {
			const [member] = join(crowd, world, 1);
			for (let i = 0; i < 8; i++) crowd.send(member!, 1000 + i, 50);
		},
		refused: `flow ${RefusalCode.RATE}`,
		client: ({events}) =>
			events.some((event) => event.type === 'target-refused' && event.code === RefusalCode.RATE),
	},
	'streams of all clients together': {
		greedy: {streamLimit: 6},
		meet: ({world, crowd}) => {
			for (const member of join(crowd, world, 3)) {
				for (let i = 0; i < 4; i++) crowd.open(member, 80);
			}
		},
		refused: `stream ${RefusalCode.LIMIT}`,
		client: ({streams}) => streams.some(({rejection}) => rejection === RefusalCode.LIMIT),
	},
	'connections a second': {
		greedy: {connectRate: 2},
		meet: ({world, crowd}) => {
			const [member] = join(crowd, world, 1);
			for (let i = 0; i < 40; i++) crowd.open(member!, 80);
		},
		refused: `stream ${RefusalCode.RATE}`,
		client: ({streams}) => streams.some(({rejection}) => rejection === RefusalCode.RATE),
	},
	'memory of quiet connections': {
		greedy: {memoryLimit: 2 * MIB},
		meet: ({world, crowd}) => {
			const [member] = join(crowd, world, 1);
			for (let i = 0; i < 100; i++) crowd.open(member!, 80);
		},
		refused: `stream ${RefusalCode.MEMORY}`,
		client: ({streams}) => streams.some(({rejection}) => rejection === RefusalCode.MEMORY),
	},
};

for (const [name, {greedy, server, meet, refused, client}] of Object.entries(LIMITS)) {
	test(`a user meets its limit of ${name}: refused, counted under its name, and said at both ends`, (t) => {
		const setup = setUp(greedy, server);
		meet(setup);
		setup.world.run(setup.world.now + 1000);
		const {counted, events} = refusals(setup);
		t.deepEqual(counted, [refused]);
		t.deepEqual(events, [refused]);
		if (client !== undefined) t.true(setup.crowd.members.some(client));
		t.deepEqual(setup.world.faults, []);
	});
}

test('connections and their bytes are counted for each user, session and path, and never go back', (t) => {
	const {world, crowd, taken} = setUp();
	world.startClient();
	const [member] = join(crowd, world, 1);
	const talkers = [world.open(80, 30_000), world.open(80, 20_000)];
	crowd.open(member!, 80, 10_000);
	world.run(world.now + 2000);
	t.is(talkers[0]!.received, 50_000);
	const [own] = world.client!.status(world.now).sessions;
	t.deepEqual(own!.streams, {now: 0, opened: 2, sent: 50_000, received: 100_000});
	const sums = own!.paths.reduce(
		({sent, received}, {sending, receiving}) => ({
			sent: sent + sending.streamBytes!,
			received: received + receiving.streamBytes!,
		}),
		{sent: 0, received: 0},
	);
	t.true(sums.sent >= 50_000 && sums.received >= 100_000, JSON.stringify(sums));
	const users = () => world.server!.status(world.now).users!;
	const totals = {now: 0, opened: 2, sent: 100_000, received: 50_000};
	t.deepEqual(users()[0]!.streams, totals);
	t.like(users()[1]!.streams, {now: 1, opened: 1});
	t.true(users()[1]!.memory! > 0);
	// Sessions end; what they counted stays, what they held is given back.
	world.act('server', () => taken[0]!.read());
	world.killClient();
	member!.dead = true;
	world.run(world.now + 200_000);
	t.deepEqual(world.server!.status(world.now).sessions, []);
	t.deepEqual(users()[0]!.streams, totals);
	t.like(users()[1]!.streams, {now: 0, opened: 1, received: 10_000});
	t.is(users()[0]!.memory! + users()[1]!.memory!, 0);
});

test('what streams of a user have not acknowledged is bounded, all of them together', (t) => {
	const {world, crowd, taken} = setUp({memoryLimit: 4 * MIB}, {streamMemory: 64 * MIB});
	const members = join(crowd, world, 4);
	// They let the server send as much as it may, and acknowledge nothing.
	for (const member of members) for (let i = 0; i < 10; i++) crowd.open(member, FLOOD_PORT);
	world.run(world.now + 100);
	for (const member of members) member.dead = true;
	world.run(world.now + 500);
	let waiting = 0;
	for (const stream of taken)
		waiting += (stream as unknown as {out: {buffered: number}}).out.buffered;
	t.true(waiting > MIB && waiting <= 5 * MIB, `${waiting} bytes`);
});

test('sessions that a user does not finish push out its own, never those of another', (t) => {
	const {world, crowd} = setUp({}, {}, 100);
	world.startClient();
	// The modest client's session is half open from 100 to 300 ms.
	world.run(110);
	crowd.loses = (bytes) => packetType(bytes, 0) === PacketType.DATA;
	for (let i = 0; i < 200; i++) crowd.join();
	world.run(400);
	world.send();
	world.run(600);
	t.deepEqual(world.lostAtServer(), []);
	t.is(world.server!.status(world.now).sessions.filter(({user}) => user === 'modest').length, 1);
});

/** How the modest client fares: its datagrams, a download every 200 ms, and a session that is new. */
function fare(t: ExecutionContext, {world}: SetUp, between: (round: number) => void) {
	world.startClient();
	world.run(world.now + 300);
	const talkers: Talker[] = [];
	const from = world.now;
	for (let round = 0; round < 10; round++) {
		between(round);
		talkers.push(world.open(80, 20_000));
		for (let i = 0; i < 20; i++) {
			world.run(from + round * 200 + i * 10);
			world.send(i % 4, 200 + 100 * i);
		}
	}
	world.run(world.now + 3000);
	t.deepEqual(world.faults, []);
	t.deepEqual(world.lostAtServer(), []);
	t.deepEqual(world.lostAtClient(), []);
	const delays = world.atClient.map(({at, sentAt}) => at - sentAt).sort((a, b) => a - b);
	const times = talkers.map(({acceptedAt, lastAt, received, finishedAt}) => {
		t.is(received, 50_000);
		t.false(Number.isNaN(acceptedAt));
		return Math.max(lastAt, finishedAt);
	});
	const finished = times.map((time, i) => time - (from + i * 200)).sort((a, b) => a - b);
	return {p99: delays[Math.floor(delays.length * 0.99)]!, worst: delays.at(-1)!, finished};
}

test('a user that is greedy at every limit at once takes nothing from a modest one', (t) => {
	const server = {streamMemory: 8 * MIB, sessionLimit: 12, flowLimit: 16, flowRate: 10};
	const alone = fare(t, setUp({}, server), () => {});
	const setup = setUp({connectRate: 6}, server);
	const {world, crowd, taken} = setup;
	const random = new Prng('losses');
	// Fragments of large datagrams are never complete for long.
	crowd.loses = (bytes) => bytes.length > 1000 && random.uniform() < 0.3;
	// More than it may have, with a limit of its own that reaches into the other's share.
	join(crowd, world, 16);
	const fared = fare(t, setup, (round) => {
		for (const [i, member] of crowd.members.entries()) {
			for (let j = 0; j < 3; j++) crowd.open(member, i % 2 ? FLOOD_PORT : 80, 4096);
			for (let j = 0; j < 3; j++) crowd.send(member, 1000 + round * 10 + j, j === 0 ? 30_000 : 500);
			// Those that answer no more, with answers that wait for a path.
			if (round > 2 && i % 3 === 0) member.dead = true;
		}
		crowd.join();
	});
	const {counted} = refusals(setup);
	for (const refused of [
		`flow ${RefusalCode.LIMIT}`,
		`flow ${RefusalCode.RATE}`,
		`stream ${RefusalCode.MEMORY}`,
		`stream ${RefusalCode.RATE}`,
	]) {
		t.true(counted.includes(refused), `${refused} of ${counted}`);
	}
	t.true(taken.length > 20);
	t.true(fared.p99 <= 1.5 * alone.p99, `${fared.p99} ms, ${alone.p99} ms alone`);
	t.true(fared.worst <= 1.5 * alone.worst, `${fared.worst} ms, ${alone.worst} ms alone`);
	t.true(
		fared.finished.at(-1)! <= 1.5 * alone.finished.at(-1)!,
		`downloads ${fared.finished} ms, ${alone.finished} ms alone`,
	);
});
