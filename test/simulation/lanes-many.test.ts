/*
 * An association with hundreds of targets under three policies: each datagram goes to its target in
 * its lane, also when the server has forgotten what it was told.
 */
import test from 'ava';
import {parseBuiltIn} from '../../src/policy/built-in.ts';
import type {FlowFacts, Policy} from '../../src/policy/policy.ts';
import {HEADER_LENGTH} from '../../src/wire/constants.ts';
import {FrameType} from '../../src/wire/frames/frame-type.ts';
import {links} from '../support/lanes/lane-world.ts';
import {randomLoss, TunnelWorld} from '../support/world/tunnel-world.ts';

const TARGETS = 300;
const NAMES = ['fec 1.5', 'fec 2', 'best'] as const;
const POLICIES: readonly Policy[] = NAMES.map((name) => parseBuiltIn(name)!);

/** Number of a target's policy: three, four and five of twelve. */
function policyOf(target: number): number {
	const place = target % 12;
	if (place < 3) return 0;
	return place < 7 ? 1 : 2;
}

function choose({host = ''}: FlowFacts): Policy {
	const [, , third, fourth] = host.split('.').map(Number);
	return POLICIES[policyOf(256 * third! + fourth!)]!;
}

/** Sources that an end sent in the lane of a policy; -1: it has none. */
function sourcesOf(world: TunnelWorld, end: 'client' | 'server', name: string): number {
	const {lanes} = world[end]!.status(world.now).sessions[0]!;
	return lanes.find(({policy}) => policy === name)?.sending?.sources ?? -1;
}

for (const loss of [0, 0.05]) {
	test(`300 targets under three policies, ${100 * loss} % lost, forgotten by the server twice`, (t) => {
		let isPaused = false;
		const world = new TunnelWorld({
			...{seed: 1, lanes: true, echo: true},
			links: links(3, {delay: 10, loss: randomLoss(loss)}),
			client: {policies: {choose}, encrypt: false},
			// Flows end here, and with them all references, long before they do at the client.
			server: {encrypt: false, flowIdle: 1000},
			// It is not told in time.
			intercept: ({bytes}, _path, up) =>
				up || !isPaused || bytes[HEADER_LENGTH] !== FrameType.FLOW_CLOSE,
		}).start();
		world.run(1000);
		const sent: number[][] = [[], [], []];
		let forgotten = 0;
		for (let i = 0; i < 6000; i++) {
			if (i === 2000 || i === 4000) {
				isPaused = true;
				world.run(world.now + 5000);
				isPaused = false;
			}
			world.run(world.now + 1);
			const target = (i * 7) % TARGETS;
			const sequence = world.sendTo(target);
			// What is under way when the client learns of it is for nobody.
			if (i % 2000 < 40 && i >= 2000) forgotten++;
			else sent[policyOf(target)]!.push(sequence);
		}
		world.run(world.now + 1000);
		// Answers come from the targets that were asked, too.
		t.deepEqual(world.faults, []);
		t.is(forgotten, 80);
		const closed = world.serverEvents.filter(({event}) => event.type === 'flow-closed');
		t.is(closed.length, 2);
		const lost = sent.map((all) => all.filter((one) => !world.arrived('server', one)).length);
		const unanswered = sent.map((all) => all.filter((one) => !world.arrived('client', one)).length);
		t.log(`${lost} lost, ${unanswered} unanswered of ${sent.map(({length}) => length)}`);
		for (const lane of [0, 1]) {
			t.true(lost[lane]! <= 2 && unanswered[lane]! <= 4, `${lost}, ${unanswered}`);
			// All of them went in their own lane, and so did the answers.
			const name = NAMES[lane]!;
			const all = world.atClient.filter(
				({sequence}) => policyOf((sequence * 7) % TARGETS) === lane,
			);
			const up = sourcesOf(world, 'client', name);
			t.is(up, Math.round(([3, 4][lane]! * 6000) / 12));
			const down = sourcesOf(world, 'server', name);
			t.true(down >= all.length && down <= all.length + 4, `${down} for ${all.length} answers`);
		}
		// One path at a time loses what it loses.
		const most = loss * sent[2]!.length * 1.3;
		t.true(lost[2]! <= most, `${lost[2]} of ${sent[2]!.length}`);
	});
}
