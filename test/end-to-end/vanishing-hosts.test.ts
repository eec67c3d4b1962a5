import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {StreamCode} from '../../src/wire/constants.ts';
import {TwoHosts} from '../support/e2e/namespaces.ts';
import {needing} from '../support/e2e/needs.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';

const MAIN = fileURLToPath(new URL('./vanishing-main.js', import.meta.url));

/**
 * Milliseconds in which a host is missed at the latest. It takes less than a minute, as the timers show
 * (`test/net/tcp/stream-pipe.test.ts`, `peer-watch.test.ts`), and a quarter of an hour without them.
 */
const LATEST = 120_000;

needing({namespaces: true}).serial(
	'a host that vanishes is missed soon, whatever its connection does',
	async (t) => {
		const stage = new Stage(t);
		const hosts = new TwoHosts(t);
		const start = (host: string, typed: boolean, ...words: readonly string[]) => {
			const [command = '', ...argv] = [...hosts.in(host), process.execPath, MAIN, ...words];
			return stage.child(command, argv, typed);
		};
		const peer = start(hosts.b, false, 'peer', hosts.addressB);
		await peer.says(/^port \d+$/m);
		const [, port = ''] = /^port (\d+)$/m.exec(peer.output) ?? [];
		const pipes = start(hosts.a, true, 'pipes', hosts.addressB, port);
		await pipes.says('ready');
		// Silence from one moment to the next, and no error that tells of it.
		hosts.set(hosts.b, 'cable', 'down');
		pipes.type('cut');
		const told = () => [...pipes.output.matchAll(/^(.+): (\d+) (\d+)$/gm)];
		await waitFor(() => told().length >= 4, `four words in ${pipes.output}`, LATEST);
		t.log(pipes.output);
		const names = told().map(([, name]) => name);
		t.deepEqual(names.toSorted(), [
			'idle',
			'paused',
			'paused, with bytes under way',
			'taking nothing',
		]);
		for (const [, name = '', code] of told()) t.is(Number(code), StreamCode.TIMED_OUT, name);
		t.true(pipes.alive);
	},
);
