import test from 'ava';
import type {EndpointEvent} from '../../src/core/events.ts';
import type {CodedPolicy, FlowFacts, Policy} from '../../src/policy/policy.ts';
import type {LinkConfig} from '../../src/sim/link-config.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import {always} from '../support/world/always.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';
import type {WorldOptions} from '../support/world/world-options.ts';

const USER = {name: 'user', psk: new Uint8Array(32).fill(7)};

const CODED: CodedPolicy = {
	name: 'fec 1.5',
	kind: 'fec',
	residual: 1e-4,
	within: 40,
	traffic: 1.5,
	floor: 1.5,
	cheap: false,
	rate: 0,
	paths: [],
};

/** A world whose flows have that policy in both directions. */
function worldOf(
	policy: Policy,
	links: readonly Partial<LinkConfig>[],
	options: Partial<WorldOptions> = {},
): TunnelWorld {
	const client = {policies: always(policy), ...options.client};
	return new TunnelWorld({seed: 1, links, lanes: true, echo: true, ...options, client}).start();
}

function three(link: Partial<LinkConfig>): readonly Partial<LinkConfig>[] {
	return [link, link, link];
}

function sum(numbers: readonly number[]): number {
	return numbers.reduce((total, number) => total + number, 0);
}

const LOSSY = three({delay: 20, loss: randomLoss(0.1)});

/** The only lane of both ends. */
function lanesOf({client, server, now}: TunnelWorld) {
	const [sent] = client!.status(now).sessions[0]!.lanes;
	const [answered] = server!.status(now).sessions[0]!.lanes;
	return {sent: sent!, answered: answered!};
}

/** Events of both ends about promises and policies. */
function laneEvents({clientEvents, serverEvents}: TunnelWorld): readonly EndpointEvent[] {
	return [...clientEvents, ...serverEvents]
		.map(({event}) => event)
		.filter(({type}) => type === 'promise-broken' || type === 'policy-replaced');
}

test('a code over three paths of 10 % loses next to nothing, at half of the traffic', (t) => {
	const world = worldOf(CODED, LOSSY);
	world.stream(1000, 2000);
	const from = world.sent;
	const before = sum(world.copies);
	world.stream(1000, 20_000);
	const copies = sum(world.copies) - before;
	world.run(world.now + 2000);
	t.true(world.lostAtServer(from).length <= 3, `${world.lostAtServer(from).length} lost`);
	t.true(world.lostAtClient(from).length <= 6, `${world.lostAtClient(from).length} lost`);
	// Sources and repairs both ways, reports and probes.
	t.true(copies < 2 * 20_000 * 1.65, `${copies} packets`);
	const {sent, answered} = lanesOf(world);
	// Answers to what is recovered share packets, whose lengths differ then: a repair is longer.
	t.true(answered.sending!.meanTraffic < 2, `${answered.sending!.meanTraffic}`);
	t.true(sent.sending!.meanTraffic < 1.55, `${sent.sending!.meanTraffic}`);
	for (const {policy, sending, receiving} of [sent, answered]) {
		t.is(policy, 'fec 1.5');
		t.true(sending!.meanTraffic > 1.4, `${sending!.meanTraffic}`);
		const {reported, sources} = sending!;
		t.true(reported.received + reported.recovered > 0.99 * sources);
		t.true(receiving!.recovered > 0.05 * sources && receiving!.recovered < 0.15 * sources);
	}
	t.deepEqual(world.faults, []);
});

test('without the consent of the server every policy but the own choice is lane 0', (t) => {
	const lanes = {client: true, server: false};
	const world = worldOf(CODED, LOSSY, {lanes});
	world.stream(500, 3000);
	world.run(world.now + 1000);
	const replaced = {policy: 'fec 1.5', obstacle: 'unknown-to-peer'};
	const [first, instead] = world.client!.status(world.now).sessions[0]!.lanes;
	t.deepEqual(first, {lane: 0, ...replaced});
	t.like(instead, {lane: 0, policy: 'redundant', routed: {datagrams: 1500, copies: 3000}});
	t.deepEqual(laneEvents(world), [{type: 'policy-replaced', session: 1, ...replaced}]);
	t.true(world.lostAtServer(0).length <= 10);
	t.deepEqual(world.faults, []);
});

test('the server answers in the lane that the client chose, also when half of the first packets are lost', (t) => {
	let lost = 0;
	const world = worldOf(CODED, three({delay: 10}), {
		intercept: (_packet, _path, up, now) => {
			if (!up || now < 60 || now > 300) return true;
			lost++;
			return lost % 2 === 0;
		},
	});
	world.stream(200, 3000);
	world.run(world.now + 500);
	const {answered} = lanesOf(world);
	t.is(answered.policy, 'fec 1.5');
	t.true(answered.sending!.sources > 400);
	t.deepEqual(world.faults, []);
});

test('datagrams of any size pass a coded lane', (t) => {
	const world = worldOf(CODED, LOSSY);
	for (let i = 0; i < 300; i++) {
		world.run(world.now + 5);
		world.send(0, [60, 700, 1150, 1400, 3000, 9000][i % 6]!);
	}
	world.run(world.now + 2000);
	t.true(world.lostAtServer(0).length <= 6, `${world.lostAtServer(0).length} lost`);
	t.deepEqual(world.faults, []);
});

test('a path that goes silent costs few datagrams', (t) => {
	const policy = {...CODED, name: 'fec', traffic: 2, floor: 1.75};
	const world = worldOf(policy, three({delay: 20, loss: randomLoss(0.01)}));
	world.stream(1000, 5000);
	const from = world.sent;
	world.configure(0, {loss: randomLoss(1)});
	world.stream(1000, 5000);
	world.run(world.now + 2000);
	t.true(world.lostAtServer(from).length <= 10, `${world.lostAtServer(from).length} lost`);
	t.deepEqual(world.faults, []);
});

test('targets of an association are answered each in its own lane', (t) => {
	const policies = {
		choose: ({host}: FlowFacts): Policy =>
			host === '198.18.0.0' || host === '198.18.0.2' ? CODED : {name: 'best', kind: 'best'},
	};
	const world = worldOf(CODED, three({delay: 10}), {client: {policies}});
	for (let i = 0; i < 400; i++) {
		world.run(world.now + 5);
		world.sendTo(i % 4);
	}
	world.run(world.now + 1000);
	t.is(world.lostAtServer(0).length, 0);
	t.is(world.lostAtClient(0).length, 0);
	t.deepEqual(world.faults, []);
});

test('a flow that was announced before its lane is answered in it from then on', (t) => {
	// LANES is lost for a second, TARGET_KNOWN is not.
	const isLanes = new WeakSet<Uint8Array>();
	const world = worldOf(CODED, [{delay: 10}], {
		aead: () => ({seal: () => {}, open: () => true}),
		intercept: ({bytes}, _path, up, now) => {
			if (up && bytes[11] === FrameType.LANES) isLanes.add(bytes);
			return now > 1000 || !isLanes.has(bytes);
		},
	});
	world.stream(100, 900);
	t.deepEqual(world.server!.status(world.now).sessions[0]!.lanes, []);
	world.stream(100, 2000);
	world.run(world.now + 500);
	const {answered} = lanesOf(world);
	t.true(answered.sending!.sources > 150, `${answered.sending!.sources}`);
	t.is(world.lostAtClient(0).length, 0);
	t.deepEqual(world.faults, []);
});

test('a promise that is kept is not talked of, and its residual has its count', (t) => {
	const policy = {...CODED, residual: 1e-3, traffic: 2, name: 'fec'};
	const world = worldOf(policy, three({delay: 20, loss: randomLoss(0.05)}));
	world.stream(500, 20_000);
	for (const {sending, receiving} of Object.values(lanesOf(world))) {
		for (const {sources, failed, failedInSteps, steps} of [
			sending!.residual,
			receiving!.residual,
		]) {
			t.true(sources > 9500 && sources <= 10_000, `${sources}`);
			t.true(failed <= 10, `${failed}`);
			t.deepEqual([failedInSteps, steps], [0, 0]);
		}
	}
	t.deepEqual(laneEvents(world), []);
});

test('a promise that cannot be met is said once by each end, with what it takes', (t) => {
	const policy = {...CODED, traffic: 1.25, floor: 1.125, name: 'voice'};
	const world = worldOf(policy, LOSSY);
	world.stream(500, 40_000);
	const events = laneEvents(world);
	t.is(events.length, 2);
	for (const event of events) {
		if (event.type !== 'promise-broken') return t.fail();
		t.is(event.policy, 'voice');
		t.like(event.promise, {residual: 1e-4, within: 40});
		t.true(event.needed! > 1.5 && event.allowed === 1.25, `${event.needed}`);
		t.true(event.reached.failed > 10 && event.reached.sources > 1000);
	}
	t.like(lanesOf(world).sent.sending!, {reason: 'cap', allowed: 1.25});
});

test('what the death of a path costs is counted apart, as one step', (t) => {
	const policy = {...CODED, traffic: 1.125, floor: 1.125, name: 'fec 1.125'};
	const world = worldOf(policy, three({delay: 20}));
	world.stream(1000, 10_000);
	world.configure(0, {loss: randomLoss(1)});
	world.stream(1000, 10_000);
	for (const {sending} of Object.values(lanesOf(world))) {
		const {failed, failedInSteps, steps} = sending!.residual;
		t.is(steps, 1);
		t.true(failedInSteps > 5, `${failedInSteps}`);
		t.true(failed <= 2, `${failed}`);
	}
});

test('a server without room for a lane says so, and the client sends copies', (t) => {
	const world = worldOf(CODED, LOSSY, {server: {users: [{...USER, laneLimit: 0}]}});
	world.stream(100, 12_000);
	const policy = 'fec 1.5';
	t.deepEqual(laneEvents(world), [
		{type: 'policy-replaced', session: 1, policy, obstacle: 'not-recovered'},
		{type: 'policy-replaced', session: 1, policy, obstacle: 'too-many'},
	]);
	const {sent} = lanesOf(world);
	t.like(sent, {obstacle: 'not-recovered', sending: {coded: false}});
	t.deepEqual(world.faults, []);
});

test('a copy that comes second counts for its path, so that copies make no loss', (t) => {
	const policy = {...CODED, residual: 1e-3, traffic: 2, name: 'fec'};
	const links = [{delay: 10}, {delay: 30}];
	const world = worldOf(policy, links);
	world.stream(50, 20_000);
	for (const {sending} of Object.values(lanesOf(world))) {
		const {coded, sourcePaths, copies, sources, residual} = sending!;
		t.false(coded);
		t.true(copies > 0.9 * sources, `${copies} copies`);
		t.deepEqual(sourcePaths.toSorted(), ['path 1', 'path 2']);
		t.like(residual, {failed: 0, failedInSteps: 0, steps: 0});
	}
	t.true(world.copies.every((packets) => packets > 950));
});

test('a policy has the name that its user gave it, whatever of it travels', (t) => {
	const name = 'Überall das längste Wort';
	const world = worldOf({...CODED, name}, three({delay: 10}));
	world.stream(100, 1000);
	const {sent, answered} = lanesOf(world);
	t.is(sent.policy, name);
	t.is(answered.policy, '?berall das l?ng');
	// The JSON of a status has all of it: nothing in it is infinite.
	t.deepEqual(JSON.parse(JSON.stringify(sent.sending)), sent.sending);
});
