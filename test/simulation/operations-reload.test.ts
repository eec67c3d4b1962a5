import test from 'ava';
import fc from 'fast-check';
import type {ClientSettings} from '../../src/core/endpoint.ts';
import {type Policy, REDUNDANT} from '../../src/policy/policy.ts';
import {always} from '../support/world/always.ts';
import {StreamWorld, serve} from '../support/world/stream-world.ts';

const SEED = Number(process.env['MPTUNNEL_SEED'] ?? 1);
const WORLDS = Math.ceil(Number(process.env['MPTUNNEL_WORLDS'] ?? 5000) / 250);

const FEC: Policy = {
	name: 'fec',
	kind: 'fec',
	residual: 1e-4,
	within: 40,
	traffic: 2,
	floor: 1.125,
	cheap: false,
	rate: 0,
	paths: [],
};
const POLICIES: readonly Policy[] = [
	REDUNDANT,
	{name: 'best', kind: 'best'},
	FEC,
	{...FEC, within: 30},
	{name: 'redundant 2', kind: 'redundant', copies: 2},
];

/** A change of the settings of a running client. */
interface Reload {
	/** Paths that are there beside those that always are, as bits. */
	readonly paths: number;
	/** Those of them that are held, and that are backups. */
	readonly held: number;
	readonly backup: number;
	readonly policy: number;
	readonly copies: number;
	/** Milliseconds of traffic behind it. */
	readonly wait: number;
	readonly stream: boolean;
}

const RELOAD: fc.Arbitrary<Reload> = fc.record({
	paths: fc.nat(15),
	held: fc.nat(15),
	backup: fc.nat(15),
	policy: fc.nat(POLICIES.length - 1),
	copies: fc.constantFrom(0, 0, 1, 2),
	wait: fc.nat(800),
	stream: fc.boolean(),
});

/** Paths that stay in all settings. */
const STAYING = 2;

function settingsOf(before: ClientSettings, all: ClientSettings, reload: Reload): ClientSettings {
	const has = (bits: number, id: number) => id >= STAYING && ((bits >> (id - STAYING)) & 1) === 1;
	const {paths, held, backup, copies, policy} = reload;
	return {
		...before,
		copies,
		policies: always(POLICIES[policy]!),
		paths: all.paths
			.filter(({id}) => id < STAYING || has(paths, id))
			.map((path) => ({...path, held: has(held, path.id), backup: has(backup, path.id)})),
	};
}

/** Applies all changes under traffic of both directions; returns what is wrong afterwards. */
function faultsOf(seed: number, reloads: readonly Reload[]): readonly string[] {
	const links = [8, 11, 14, 17, 25, 9].map((delay) => ({delay}));
	const world = new StreamWorld(
		{seed, links, lanes: true, echo: true},
		serve(() => 200_000),
	);
	let settings: ClientSettings = world.clientConfig;
	world.start();
	world.run(1000);
	const downloads = [];
	for (const reload of reloads) {
		if (reload.stream) downloads.push(world.open(2000, 50_000));
		const known = new Set(settings.paths.map(({id}) => id));
		settings = settingsOf(settings, world.clientConfig, reload);
		world.poke('client', () => {
			world.client!.reconfigure(settings, world.now);
			for (const {id} of settings.paths) {
				if (!known.has(id)) world.client!.pathOpened(id, world.now);
			}
		});
		world.stream(200, reload.wait);
	}
	world.run(world.now + 6000);
	const pathsOf = (end: 'client' | 'server') =>
		world[end]!.status(world.now)
			.sessions[0]!.paths.map(({name, held = false, backup}) => `${name} ${held} ${backup}`)
			.sort()
			.join();
	const sessions = world.clientEvents.filter(({event}) => event.type === 'session-up').length;
	return [
		...world.faults,
		...world.lostAtServer(0).map((one) => `${one} is lost on its way`),
		...world.lostAtClient(0).map((one) => `the answer to ${one} is lost`),
		...downloads.filter(({received}) => received !== 200_000).map(() => 'a download is cut'),
		...(sessions === 1 ? [] : [`${sessions} sessions`]),
		...(pathsOf('client') === pathsOf('server') ? [] : [`the server has ${pathsOf('server')}`]),
	];
}

test(`${WORLDS} random worlds in which settings change lose nothing while two paths stay`, (t) => {
	fc.assert(
		fc.property(fc.nat(), fc.array(RELOAD, {minLength: 1, maxLength: 12}), (seed, reloads) => {
			t.deepEqual(faultsOf(seed, reloads), []);
		}),
		{seed: SEED, numRuns: WORLDS},
	);
});
