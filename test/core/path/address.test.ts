import test from 'ava';
import fc from 'fast-check';
import {AddressList, PathAddress} from '../../../src/core/path/address.ts';
import {remoteOf} from '../session/core-fixtures.ts';

function addressOf(port: number, now: number, validated = false): PathAddress {
	const address = new PathAddress(remoteOf(port), new Uint8Array(8).fill(port), now);
	address.validated = validated;
	return address;
}

test('a client’s own socket needs no proof', (t) => {
	const address = new PathAddress(undefined, new Uint8Array(8), 0);
	t.true(address.validated);
	t.true(address.allow(1_000_000));
});

test('an unproven address never gets more than three times what came from it', (t) => {
	const events = fc.array(fc.tuple(fc.boolean(), fc.integer({min: 1, max: 1500})));
	fc.assert(
		fc.property(events, (list) => {
			const address = addressOf(1, 0);
			let [received, sent] = [0, 0];
			for (const [incoming, bytes] of list) {
				if (incoming) {
					address.received(bytes, 1);
					received += bytes;
				} else {
					const fits = sent + bytes <= 3 * received;
					t.is(address.allow(bytes), fits);
					if (fits) sent += bytes;
				}
			}
			t.true(sent <= 3 * received);
		}),
		{seed: 33},
	);
});

test('a proven address gets everything', (t) => {
	const address = addressOf(1, 0);
	t.false(address.allow(1));
	address.validated = true;
	t.true(address.allow(1500));
});

test('keeps four addresses; the one heard longest ago goes', (t) => {
	const addresses = new AddressList();
	const all = [5, 3, 4, 6, 1].map((heard, port) => addressOf(port, heard));
	for (const address of all.slice(0, 4)) t.is(addresses.add(address), undefined);
	t.is(addresses.add(all[4]!), all[1]);
	t.is(addresses.list.length, 4);
	t.true(addresses.list.includes(all[4]!));
});

test('both addresses stay until the old one was silent for 2 s', (t) => {
	const addresses = new AddressList();
	const old = addressOf(1, 0, true);
	const fresh = addressOf(2, 1000, true);
	addresses.add(old);
	addresses.add(fresh);
	fresh.lastReceived = 2000;
	t.deepEqual(addresses.expire(2000), []);
	t.deepEqual(addresses.expire(2001), [old]);
	t.deepEqual(addresses.list, [fresh]);
});

test('an address that is not proven replaces nobody', (t) => {
	const addresses = new AddressList();
	addresses.add(addressOf(1, 0, true));
	addresses.add(addressOf(2, 9000));
	t.deepEqual(addresses.expire(10_000), []);
});

test('an only address stays however silent it is', (t) => {
	const addresses = new AddressList();
	addresses.add(addressOf(1, 0, true));
	t.deepEqual(addresses.expire(1e9), []);
});
