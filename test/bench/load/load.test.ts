import test, {type ExecutionContext} from 'ava';
import {sharedNow} from './clock.ts';
import {DgramSockets} from './dgram-sockets.ts';
import {Generator} from './generator.ts';
import {NO_LOAD} from './messages.ts';
import {Sink} from './sink.ts';

async function ends(t: ExecutionContext) {
	const sink = new Sink(new DgramSockets());
	await sink.start();
	const generator = new Generator(new DgramSockets());
	t.teardown(async () => {
		sink.stop();
		await generator.stop();
	});
	const {port} = sink.handle({type: 'report'});
	const to = {...NO_LOAD, host: '127.0.0.1', ports: [port], drainMillis: 1000};
	return {sink, generator, to, port};
}

test.serial('the sink has what the generator sent, and every second one comes back', async (t) => {
	const {sink, generator, to} = await ends(t);
	sink.handle({type: 'begin', run: 5});
	const traffic = {sizes: [100], rate: 1000, millis: 300, echoEvery: 2};
	const load = await generator.send({...to, ...traffic, run: 5});
	const {unique, duplicates, bytes, last} = sink.handle({type: 'report'});
	t.true(load.sent > 0);
	t.is(unique, load.sent);
	t.is(bytes, load.sent * 100);
	t.is(duplicates, 0);
	t.is(load.wanted, Math.ceil(load.sent / 2));
	t.is(load.echoed, load.wanted);
	t.true(load.p50 > 1 && load.p50 <= load.p99);
	t.true(last <= sharedNow() && last >= load.begin);
});

test.serial('a copy to each port counts once', async (t) => {
	const {sink, generator, to, port} = await ends(t);
	sink.handle({type: 'begin', run: 1});
	const traffic = {sizes: [100], rate: 500, millis: 200};
	const {sent} = await generator.send({...to, ...traffic, ports: [port, port], run: 1});
	const {unique} = sink.handle({type: 'report'});
	t.is(unique, sent);
});

test.serial('the sink sends back a load of its own', async (t) => {
	const {sink, generator, to} = await ends(t);
	sink.handle({type: 'begin', run: 3, push: {rate: 500, size: 200, millis: 200}});
	const {pushed, pushedTwice} = await generator.send({
		...to,
		...{sizes: [100], rate: 500, millis: 300, run: 3},
	});
	t.true(pushed > 0);
	t.is(pushed, sink.handle({type: 'report'}).pushed);
	t.is(pushedTwice, 0);
});

test.serial('datagrams of a former run are not counted', async (t) => {
	const {sink, generator, to} = await ends(t);
	sink.handle({type: 'begin', run: 2});
	await generator.send({...to, sizes: [100], rate: 500, millis: 100, run: 1});
	t.is(sink.handle({type: 'report'}).unique, 0);
});
