import test from 'ava';
import {HEADER_LENGTH} from './datagram.ts';
import {KernelSockets} from './kernel-sockets.ts';

const style = {sendsRuns: true, receivesRuns: true};

function available(): boolean {
	try {
		return new KernelSockets(style) !== undefined;
	} catch {
		return false;
	}
}

const linux = available() ? test.serial : test.serial.skip;

for (const each of [style, {...style, receivesRuns: false}, {...style, sendsRuns: false}]) {
	linux(`every datagram arrives once and comes back: ${JSON.stringify(each)}`, async (t) => {
		const sockets = new KernelSockets(each);
		const lengths: number[] = [];
		let back = 0;
		const sink = await sockets.open(
			{address: '127.0.0.1'},
			{
				onDatagram: (bytes, start, end, from) => {
					lengths.push(end - start);
					sink.send(bytes, start, end, from);
				},
				onEnd: () => sink.flush(),
			},
		);
		const source = await sockets.open(
			{address: '127.0.0.1', to: {host: '127.0.0.1', port: sink.port}},
			{
				onDatagram: () => {
					back++;
				},
				onEnd: () => {},
			},
		);
		const bytes = new Uint8Array(64 * 1024);
		const sent = [1200, 1200, 1200, 64, 576, 576, HEADER_LENGTH, 1200];
		for (const [i, length] of sent.entries()) source.send(bytes, i * 2048, i * 2048 + length);
		source.flush();
		for (let i = 0; i < 20 && back < sent.length; i++) sockets.wait(50_000);
		t.deepEqual(lengths, sent);
		t.is(back, sent.length);
		t.is(source.dropped + sink.missed, 0);
		sink.close();
		source.close();
	});
}

linux('waiting takes no longer than it was told', async (t) => {
	const sockets = new KernelSockets(style);
	const reception = {onDatagram: () => {}, onEnd: () => {}};
	const socket = await sockets.open({address: '127.0.0.1'}, reception);
	const begin = performance.now();
	sockets.wait(30_000);
	const took = performance.now() - begin;
	t.true(took >= 29 && took < 1000, `${took}`);
	sockets.wait(-5);
	socket.close();
});
