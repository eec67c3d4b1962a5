import test from 'ava';
import {AEAD_BACK_ENDS} from '../../src/crypto/aead.ts';
import {AEAD_LOADERS, type AeadLoaders, chooseAead} from '../../src/crypto/aead-choice.ts';
import type {NonceAead, NonceAeadFactory} from '../../src/crypto/packet-aead.ts';
import {loadBackEnds} from './fixtures.ts';

const {available} = await loadBackEnds();
const {node, noble} = AEAD_LOADERS;

async function absent(): Promise<NonceAeadFactory> {
	throw new Error('Cannot find package imported from /somewhere\nRequire stack:\n- /here');
}

/** A loader whose back end is node's with one fault. */
function faulty(fault: (real: NonceAead) => Partial<NonceAead>): () => Promise<NonceAeadFactory> {
	return async () => {
		const create = await node();
		return (key) => {
			const real = create(key);
			return {
				seal: (...packet) => real.seal(...packet),
				open: (...packet) => real.open(...packet),
				...fault(real),
			};
		};
	};
}

test('chooses the fastest back end that loads', async (t) => {
	const choice = await chooseAead();
	t.is(choice.name, available[0]!.name);
	t.is(choice.rejected.length, AEAD_BACK_ENDS.indexOf(choice.name));
});

test('passes over back ends that do not load, with the first line of the reason', async (t) => {
	const choice = await chooseAead(undefined, {
		openssl: absent,
		sodium: absent,
		node: absent,
		noble,
	});
	t.is(choice.name, 'noble');
	t.deepEqual(choice.rejected, [
		{name: 'openssl', reason: 'Cannot find package'},
		{name: 'sodium', reason: 'Cannot find package'},
		{name: 'node', reason: 'Cannot find package'},
	]);
});

for (const {name} of available) {
	test(`[${name}] is chosen when it is asked for`, async (t) => {
		const choice = await chooseAead(name);
		t.is(choice.name, name);
		t.deepEqual(choice.rejected, []);
		const aead = choice.factory(new Uint8Array(32));
		const bytes = new Uint8Array(64);
		aead.seal(1, new Uint8Array(11), bytes, 11, 48);
		t.true(aead.open(1, new Uint8Array(11), bytes, 11, 48));
	});
}

test('without encryption sodium comes first, which openssl is slower than for such packets', async (t) => {
	const loaders = {openssl: node, sodium: node, node, noble};
	t.is((await chooseAead(undefined, loaders)).name, 'openssl');
	t.is((await chooseAead(undefined, loaders, false)).name, 'sodium');
	const choice = await chooseAead(undefined, {...loaders, sodium: absent}, false);
	t.is(choice.name, 'openssl');
	t.deepEqual(choice.rejected, [{name: 'sodium', reason: 'Cannot find package'}]);
});

test('refuses to run with another back end than the one asked for', async (t) => {
	await t.throwsAsync(chooseAead('sodium', {openssl: absent, sodium: absent, node, noble}), {
		message: 'the crypto back end that was asked for cannot be used: sodium: Cannot find package',
	});
});

test('says why when no back end works', async (t) => {
	const loaders = {openssl: absent, sodium: absent, node: absent, noble: absent};
	await t.throwsAsync(chooseAead(undefined, loaders), {
		message: /^no crypto back end can be used: openssl: .+; sodium: .+; node: .+; noble: .+$/,
	});
});

const faults: Record<string, Parameters<typeof faulty>[0]> = {
	'wrong cipher text for the vector of RFC 8439': () => ({seal: () => {}}),
	'does not open the vector of RFC 8439': () => ({open: () => false}),
	'wrong text for the vector of RFC 8439': () => ({open: () => true}),
	'opens a forgery of the vector of RFC 8439': (real) => ({
		open: (...packet) => {
			real.open(...packet);
			return true;
		},
	}),
	'wrong tag for a long packet': (real) => ({
		seal: (nonce, ad, bytes, start, end) => {
			real.seal(nonce, ad, bytes, start, end);
			if (end - start > 192) bytes[end]! ^= 1;
		},
	}),
	'does not open a long packet': (real) => ({
		open: (nonce, ad, bytes, start, end) =>
			end - start <= 192 && real.open(nonce, ad, bytes, start, end),
	}),
};

for (const [reason, fault] of Object.entries(faults)) {
	test(`rejects a back end that fails its self test: ${reason}`, async (t) => {
		const loaders: AeadLoaders = {openssl: faulty(fault), sodium: absent, node, noble};
		const {name, rejected} = await chooseAead(undefined, loaders);
		t.is(name, 'node');
		t.deepEqual(rejected[0], {name: 'openssl', reason: `self test: ${reason}`});
	});
}

test('cuts a reason that goes on for ever', async (t) => {
	const sodium = async () => {
		throw 'x'.repeat(1000);
	};
	const {rejected} = await chooseAead(undefined, {openssl: absent, sodium, node, noble});
	t.is(rejected[1]!.reason, `${'x'.repeat(197)}...`);
});
