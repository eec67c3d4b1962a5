import test from 'ava';
import {productOfLosses} from '../measurements/residual.ts';
import {parseLinkCounts} from './links.ts';
import {fillTemplate, readPeers} from './peers.ts';

test('peers are found in the environment by both of their commands', (t) => {
	const peers = readPeers({
		BENCH_PEER_UDP2RAW_CLIENT: 'c {listen}',
		BENCH_PEER_UDP2RAW_SERVER: 's {server}',
		BENCH_PEER_MY_RELAY_CLIENT: 'r',
		BENCH_PEER_X: 'no end',
		PATH: '/bin',
	});
	t.deepEqual(peers, [
		{name: 'udp2raw', client: 'c {listen}', server: 's {server}'},
		{name: 'my_relay', client: 'r', server: undefined},
	]);
});

test('placeholders are filled in, and unknown ones refused', (t) => {
	const values = {listen: '127.0.0.1:1', target_port: '9'};
	t.is(fillTemplate('x {listen} {target_port} {listen}', values), 'x 127.0.0.1:1 9 127.0.0.1:1');
	t.throws(() => fillTemplate('{lisen}', values), {message: /\{lisen\} is no placeholder/});
});

test('what a link tells at its end', (t) => {
	const text =
		'info listening on 127.0.0.1:1\n      received  delivered  lost\nup       1,000        900   100\ndown         1          1     0\n';
	t.deepEqual(parseLinkCounts(text), {received: 1000, delivered: 900});
	t.true(Number.isNaN(parseLinkCounts('').received));
});

test('the expected loss is the product of what the links lost', (t) => {
	const counts = [0.9, 0.8, 0.5].map((part) => ({received: 1000, delivered: part * 1000}));
	t.true(Math.abs(productOfLosses(counts) - 0.1 * 0.2 * 0.5) < 1e-9);
});
