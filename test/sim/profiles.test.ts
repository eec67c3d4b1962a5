import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';
import {Link} from '../../src/sim/link.ts';
import {type LinkConfig, PERFECT_LINK} from '../../src/sim/link-config.ts';
import {Prng} from '../../src/sim/prng.ts';
import {
	ProfileError,
	parseImpairments,
	type RawProfile,
	readProfile,
} from '../../src/sim/profiles.ts';

const FOLDER = 'fixtures/links';

/** A profile with the values of both directions. */
interface Profile extends Pick<RawProfile, 'description' | 'source'> {
	readonly up: LinkConfig;
	readonly down: LinkConfig;
}

function parseProfile(value: unknown): Profile {
	const {up, down, ...rest} = readProfile(value);
	return {
		...rest,
		up: parseImpairments(up, (key) => `up.${key}`),
		down: parseImpairments(down, (key) => `down.${key}`),
	};
}

function parseFile(name: string): Profile {
	return parseProfile(JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')));
}

for (const name of readdirSync(FOLDER)) {
	test(`${name} is a profile that says where its numbers come from`, (t) => {
		const profile = parseFile(name);
		t.true(profile.source.length > 20);
		t.true(profile.description.length > 5);
		for (const config of [profile.up, profile.down]) {
			t.notThrows(() => new Link<number>(config, new Prng(1)));
			t.not(config.rate, PERFECT_LINK.rate);
		}
	});
}

test('lte differs by direction', (t) => {
	const {up, down} = parseFile('lte.json');
	t.is(up.rate, 6e6);
	t.is(down.rate, 13e6);
	t.is(up.delay, down.delay);
	t.deepEqual(up.loss, {kind: 'burst', loss: 0.003, meanBurst: 3});
});

test('an empty profile is a perfect link', (t) => {
	const {up, down} = parseProfile({});
	t.deepEqual(up, PERFECT_LINK);
	t.deepEqual(down, PERFECT_LINK);
});

test('reads every impairment', (t) => {
	const {up} = parseProfile({
		both: {
			loss: '10%',
			delay: '40ms',
			jitter: '5ms',
			jitterReorders: true,
			rate: '20mbit',
			queue: '64kB',
			police: '8mbit',
			reorder: '1%',
			reorderBy: '3ms',
			duplicate: '2%',
			corrupt: '0.1%',
			outage: ['10s..12s', '1m..'],
		},
	});
	t.deepEqual(up, {
		loss: {kind: 'random', loss: 0.1},
		delay: 40,
		jitter: 5,
		jitterReorders: true,
		rate: 20e6,
		queue: {bytes: 64_000},
		policer: {rate: 8e6, burst: 50_000},
		reorder: 0.01,
		reorderBy: 3,
		duplicate: 0.02,
		corrupt: 0.001,
		outages: [
			{from: 10_000, until: 12_000},
			{from: 60_000, until: Number.POSITIVE_INFINITY},
		],
	});
});

test('one direction wins over both, value by value', (t) => {
	const {up, down} = parseProfile({both: {loss: '10%', delay: '5ms'}, down: {loss: '0'}});
	t.deepEqual(up.loss, {kind: 'random', loss: 0.1});
	t.deepEqual(down.loss, {kind: 'none'});
	t.is(down.delay, 5);
});

test('reads traces, queues in time and sizes of policer bursts', (t) => {
	const {up, down} = parseProfile({
		both: {lossTrace: '0010'},
		up: {rate: '1mbit', queue: '30ms'},
		down: {police: '1mbit', policeBurst: '9kB'},
	});
	t.deepEqual(up.loss, {kind: 'trace', lost: [false, false, true, false]});
	t.deepEqual(up.queue, {millis: 30});
	t.deepEqual(down.policer, {rate: 1e6, burst: 9000});
});

const wrong: [title: string, profile: unknown, field: string][] = [
	['no object', [], 'profile'],
	['an unknown key', {upp: {}}, 'upp'],
	['an unknown impairment', {up: {lag: '5ms'}}, 'up.lag'],
	['a direction that is no object', {up: 3}, 'up'],
	['a description that is no text', {description: 3}, 'description'],
	['a value of the wrong type', {up: {delay: {}}}, 'up.delay'],
	['a list for one value', {up: {delay: ['1ms', '2ms']}}, 'up.delay'],
	['a percentage without its sign', {up: {loss: '10'}}, 'up.loss'],
	['a share above 100 %', {up: {corrupt: '101%'}}, 'up.corrupt'],
	['a delay without a unit', {down: {delay: '40'}}, 'down.delay'],
	['a rate of zero', {down: {rate: '0'}}, 'down.rate'],
	['a policer of zero', {down: {police: '0'}}, 'down.police'],
	['a queue without a bottleneck', {up: {queue: '5ms'}}, 'up.queue'],
	['a queue that is no size', {up: {rate: '1mbit', queue: '5x'}}, 'up.queue'],
	['a burst without losses', {up: {burst: '5'}}, 'up.burst'],
	['a burst too short for its loss', {up: {loss: '90%', burst: '5'}}, 'up.burst'],
	['a burst that is no number', {up: {loss: '9%', burst: 'x'}}, 'up.burst'],
	['jitterReorders without jitter', {up: {jitterReorders: true}}, 'up.jitterReorders'],
	['jitterReorders of maybe', {up: {jitter: '1ms', jitterReorders: 'y'}}, 'up.jitterReorders'],
	['reorderBy without reorder', {up: {reorderBy: '5ms'}}, 'up.reorderBy'],
	['policeBurst without police', {up: {policeBurst: '5kB'}}, 'up.policeBurst'],
	['a trace and a loss rate', {up: {loss: '1%', lossTrace: '01'}}, 'up.lossTrace'],
	['a trace of other digits', {up: {lossTrace: '012'}}, 'up.lossTrace'],
	['an outage without an end', {up: {outage: '10s'}}, 'up.outage'],
	['an outage that ends before it begins', {up: {outage: '10s..9s'}}, 'up.outage'],
	['an outage of three times', {up: {outage: '1s..2s..3s'}}, 'up.outage'],
];

for (const [title, profile, field] of wrong) {
	test(`refuses ${title} and names it`, (t) => {
		const error = t.throws(() => parseProfile(profile), {instanceOf: ProfileError});
		t.is(error?.field, field);
		t.true(error?.message.startsWith(`${field}: `));
		t.false(error?.message.includes('\n'));
	});
}
