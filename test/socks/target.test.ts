import test from 'ava';
import {formatTarget, ipTarget, namedTarget} from '../../src/socks/target.ts';
import {parseIpv6} from '../../src/text/ip.ts';

test('a literal in the place of a name is an address', (t) => {
	t.deepEqual(namedTarget('1.2.3.4', 5), ipTarget(Uint8Array.of(1, 2, 3, 4), 5));
	t.deepEqual(namedTarget('::1', 5), ipTarget(parseIpv6('::1')!, 5));
	t.deepEqual(namedTarget('::ffff:1.2.3.4', 5), ipTarget(Uint8Array.of(1, 2, 3, 4), 5));
});

test('a name is kept as it was written, and text that is no name is refused', (t) => {
	t.deepEqual(namedTarget('A-b_c.example.', 1), {kind: 'domain', name: 'A-b_c.example.', port: 1});
	t.is(namedTarget('a b', 1), undefined);
});

test('targets are printed for people', (t) => {
	t.is(formatTarget(ipTarget(Uint8Array.of(1, 2, 3, 4), 5)), '1.2.3.4:5');
	t.is(formatTarget(ipTarget(parseIpv6('::1')!, 5)), '[::1]:5');
	t.is(formatTarget({kind: 'domain', name: 'a.example', port: 5}), 'a.example:5');
});
