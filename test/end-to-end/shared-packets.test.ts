import {join} from 'node:path';
import {readStatus} from '../../src/app/observe/status-server.ts';
import {BatchBackEnd} from '../../src/net/udp/batch/batch-back-end.ts';
import {needing} from '../support/e2e/needs.ts';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import {waitFor} from '../support/machine/wait-for.ts';

const BURST = 120;
const SIZE = 20;

needing({batch: true}).serial(
	'datagrams that come in together share packets, and come out in their order',
	async (t) => {
		const stage = new Stage(t);
		const [port, listen] = [await freePort(), await freePort()];
		const target = await stage.echo();
		const words = [
			`${port}`,
			'127.0.0.1',
			`${target.port}`,
			'--bind',
			'127.0.0.1',
			'--io',
			'batch',
		];
		await stage.program('mpserver', [...words, '--state', stage.path('s')]).says('mpserver runs');
		// One path: the copies of several may overtake each other.
		const conf = stage.write('c.conf', `127.0.0.1 ${port}\n`);
		const client = ['--listen', `127.0.0.1:${listen}`, '--io', 'batch', '--state', stage.path('c')];
		await stage.program('mpclient', [conf, ...client]).says(/a path is up/);

		let answers = 0;
		const binding = {address: '127.0.0.1', port: 0};
		const socket = new BatchBackEnd().open(binding, {
			onBatch: (_socket, {count}) => (answers += count),
			onError: () => {},
		});
		t.teardown(() => socket.close());
		const to = socket.remote('127.0.0.1', listen);
		const memory = Buffer.alloc(BURST * SIZE);
		const packets = async () => {
			const snapshot = await readStatus(join(stage.path('c'), 'status.sock'));
			return snapshot!.sessions[0]!.paths[0]!.sending.packets;
		};
		// Its answer says that the target is known: until then every datagram has a packet of its own.
		socket.send(memory, 0, SIZE, to);
		socket.flush();
		await waitFor(() => answers === 1, 'the first answer');

		const texts = Array.from({length: BURST}, (_, i) => `${i}`.padEnd(SIZE));
		for (const [i, text] of texts.entries()) memory.write(text, i * SIZE, 'latin1');
		const before = await packets();
		for (let i = 0; i < BURST; i++) socket.send(memory, i * SIZE, (i + 1) * SIZE, to);
		socket.flush();
		await waitFor(() => answers === 1 + BURST, 'all answers');
		const sent = (await packets()) - before;
		// Probes among them.
		t.true(sent < BURST, `${sent} packets`);
		t.deepEqual([...target.seen.keys()].slice(1), texts);
		t.deepEqual(target.repeated, []);
	},
);
