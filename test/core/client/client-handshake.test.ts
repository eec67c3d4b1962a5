import test from 'ava';
import {NEVER} from '../../../src/bytes/time.ts';
import {ClientHandshake, type Resumable} from '../../../src/core/client/client-handshake.ts';
import {UserKeys} from '../../../src/core/user-keys.ts';
import {mac} from '../../../src/crypto/keys.ts';
import {NoiseResponder} from '../../../src/crypto/noise.ts';
import {
	decodeInitPayload,
	INIT_HEADER_LENGTH,
	INIT_LENGTH,
	INIT_MAC,
	InitKind,
	RespStatus,
} from '../../../src/wire/handshake.ts';
import {toHex} from '../../crypto/fixtures.ts';
import {CHEAP_DH} from '../../support/world/cheap-dh.ts';
import {answer, CLIENT_ID, PSK, serverOf} from '../server/exchange.ts';
import {environmentOf, REAL_AEAD, WALL} from '../session/core-fixtures.ts';

const KEYS = new UserKeys(PSK, {aead: REAL_AEAD});

function newClient(seed = 'client', wallTime = (now: number) => WALL + now): ClientHandshake {
	return new ClientHandshake(environmentOf(seed, {wallTime}), PSK, CLIENT_ID, true);
}

/** Everything sent from now to `until`. */
function sends(client: ClientHandshake, until: number) {
	const list: {readonly at: number; readonly hex: string}[] = [];
	for (;;) {
		const now = client.nextTimeout();
		if (now > until) return list;
		const init = client.poll(now)!;
		list.push({at: now, hex: toHex(init.bytes)!});
	}
}

/** What a server reads in an INIT, and h as the resume proof covers it. */
function open(hex: string) {
	const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
	const noise = new NoiseResponder({
		psk: PSK,
		prologue: Buffer.from('mptunnel/1'),
		random: environmentOf('nobody').random,
		aead: REAL_AEAD,
		dh: CHEAP_DH,
	});
	const header = bytes.subarray(0, INIT_HEADER_LENGTH);
	const plaintext = noise.readMessageA(header, bytes.subarray(INIT_HEADER_LENGTH, INIT_MAC))!;
	return {payload: decodeInitPayload(plaintext)!, hash: noise.handshakeHashA};
}

test('does nothing until it begins and after it stopped', (t) => {
	const client = newClient();
	t.is(client.nextTimeout(), NEVER);
	t.false(client.active);
	client.begin(undefined, 5);
	t.true(client.active);
	t.is(client.nextTimeout(), 5);
	client.poll(5);
	client.stop();
	t.false(client.active);
	t.is(client.nextTimeout(), NEVER);
	t.is(client.current(0), undefined);
});

test('sends at 0, 0.3, 0.9, 2.1 and 4.5 s, then every 5 to 5.333 s for ever', (t) => {
	const client = newClient();
	client.begin(undefined, 1000);
	const list = sends(client, 100_000);
	t.deepEqual(
		list.slice(0, 5).map(({at}) => Math.round(at - 1000)),
		[0, 300, 900, 2100, 4500],
	);
	for (const [index, {at}] of list.entries()) {
		if (index < 5) continue;
		const pause = at - list[index - 1]!.at;
		t.true(pause >= 5000 && pause < 5333.5, `${pause}`);
	}
	t.true(list.length >= 5 + 17);
	t.true(new Set(list.slice(5).map(({at}) => at % 1)).size > 1);
});

test('repeats the same bytes for 3 s, its time included', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const [first, ...rest] = sends(client, 2999);
	t.is(rest.length, 3);
	for (const repeated of rest) t.is(repeated.hex, first!.hex);
});

test('takes a fresh ephemeral key for every other payload', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const list = sends(client, 60_000).slice(3);
	const ephemerals = list.map(({hex}) => hex.slice(20, 84));
	t.is(new Set(ephemerals).size, ephemerals.length);
	const times = list.map(({hex}) => open(hex).payload.time);
	for (const [index, time] of times.entries()) {
		t.true(index === 0 || time > times[index - 1]!);
	}
});

test('the same ephemeral key never carries two payloads', (t) => {
	const client = newClient();
	const seen = new Map<string, string>();
	for (let round = 0; round < 5; round++) {
		client.begin(undefined, round * 1000);
		for (const {hex} of sends(client, round * 1000 + 900)) {
			const e = hex.slice(20, 84);
			t.is(seen.get(e) ?? hex, hex);
			seen.set(e, hex);
		}
	}
	t.is(seen.size, 5);
});

test('all INITs have 256 bytes', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	for (const {hex} of sends(client, 20_000)) t.is(hex.length / 2, INIT_LENGTH);
});

test('a fresh INIT tells client id and time, and nothing of a session', (t) => {
	const client = newClient();
	client.begin(undefined, 40);
	const {payload} = open(sends(client, 40)[0]!.hex);
	t.deepEqual(payload, {
		kind: InitKind.FRESH,
		clientId: CLIENT_ID,
		time: WALL + 40,
		resumeId: 0,
		proof: new Uint8Array(32),
		parameters: {encrypt: true, frames: []},
	});
});

test('its time never goes back or stands still, whatever the clock does', (t) => {
	let clock = WALL;
	const client = newClient('clock', () => clock);
	let last = 0;
	for (const jump of [0, 0, -100_000, 5, -1, 1_000_000]) {
		clock += jump;
		client.begin(undefined, 0);
		const {time} = open(toHex(client.poll(0)!.bytes)!).payload;
		t.true(time > last);
		last = time;
	}
});

const RESUMABLE: Resumable = {
	localId: 0x0a0b0c0d,
	peerId: 0x01020304,
	exporter: new Uint8Array(32).fill(9),
};

test('a resume names the session and proves its exporter key over the handshake hash', (t) => {
	const client = newClient();
	client.begin(RESUMABLE, 0);
	const {hex} = sends(client, 0)[0]!;
	const {payload, hash} = open(hex);
	t.is(payload.kind, InitKind.RESUME);
	t.is(payload.resumeId, 0x01020304);
	t.deepEqual(payload.proof, mac(RESUMABLE.exporter, hash));
	t.is(hex.slice(4, 12), '0a0b0c0d');
});

test('each attempt of a resume has a proof of its own', (t) => {
	const client = newClient();
	client.begin(RESUMABLE, 0);
	const proofs = sends(client, 5000).map(({hex}) => toHex(open(hex).payload.proof));
	t.is(new Set(proofs).size, 2);
});

test('the INIT under way is there for a path that opens', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	t.is(client.current(0), undefined);
	const init = client.poll(0);
	t.deepEqual(client.current(0), init?.bytes);
});

test('the session id stays the same over all attempts of one handshake', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const ids = new Set(sends(client, 30_000).map(({hex}) => hex.slice(4, 12)));
	t.is(ids.size, 1);
	client.begin(undefined, 30_000);
	t.false(ids.has(sends(client, 30_000)[0]!.hex.slice(4, 12)));
});

test('takes the RESP to its INIT, and no copy of it', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const resp = answer(serverOf('server'), client.poll(0)!.bytes);
	const result = client.receiveResp(resp, 0, resp.length);
	t.is(result?.resp.sessionId, 0x51525354);
	t.is(result?.resume, undefined);
	t.is(client.receiveResp(resp, 0, resp.length), undefined);
});

test('takes only the RESP to the latest INIT', (t) => {
	const client = newClient();
	const server = serverOf('server');
	client.begin(undefined, 0);
	const old = answer(server, client.poll(0)!.bytes);
	const latest = answer(server, client.poll(4500)!.bytes);
	t.is(client.receiveResp(old, 0, old.length), undefined);
	t.not(client.receiveResp(latest, 0, latest.length), undefined);
});

test('takes no RESP after it stopped', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const resp = answer(serverOf('server'), client.poll(0)!.bytes);
	client.stop();
	t.is(client.receiveResp(resp, 0, resp.length), undefined);
});

test('a RESP with any bit changed or cut is ignored, and the genuine one still taken', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const resp = answer(serverOf('server'), client.poll(0)!.bytes);
	for (let bit = 0; bit < 8 * resp.length; bit++) {
		const forged = resp.slice();
		forged[bit >> 3]! ^= 1 << (bit & 7);
		t.is(client.receiveResp(forged, 0, forged.length), undefined, `bit ${bit}`);
	}
	for (let length = 0; length < resp.length; length++) {
		t.is(client.receiveResp(resp, 0, length), undefined);
	}
	t.not(client.receiveResp(resp, 0, resp.length), undefined);
});

test('both ends have the same keys', (t) => {
	const client = newClient();
	const server = serverOf('server');
	client.begin(undefined, 0);
	const keys: unknown[] = [];
	const resp = answer(server, client.poll(0)!.bytes, {}, (init) => keys.push(init.noise.split()));
	t.deepEqual(client.receiveResp(resp, 0, resp.length)?.keys, keys[0]);
});

test('a RESP that resumes what was not asked for does not end the handshake', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const nothing = answer(serverOf('server'), client.poll(0)!.bytes, {status: RespStatus.RESUMED});
	t.is(client.receiveResp(nothing, 0, nothing.length), undefined);
	t.true(client.active);
	client.begin(RESUMABLE, 0);
	const init = client.poll(0)!.bytes;
	const other = answer(serverOf('server'), init, {status: RespStatus.RESUMED, sessionId: 5});
	t.is(client.receiveResp(other, 0, other.length), undefined);
});

test('takes the RESP that resumes its session', (t) => {
	const client = newClient();
	client.begin(RESUMABLE, 0);
	const resp = answer(serverOf('server'), client.poll(0)!.bytes, {
		...{status: RespStatus.RESUMED, sessionId: RESUMABLE.peerId, epoch: 1},
	});
	const result = client.receiveResp(resp, 0, resp.length);
	t.is(result?.resp.epoch, 1);
	t.is(result?.resume, RESUMABLE);
});

test('a resume may be answered with a fresh session', (t) => {
	const client = newClient();
	client.begin(RESUMABLE, 0);
	const resp = answer(serverOf('server'), client.poll(0)!.bytes);
	t.is(client.receiveResp(resp, 0, resp.length)?.resp.status, RespStatus.FRESH);
});

test('takes a VERSION whose count is that of its versions only', (t) => {
	const client = newClient();
	client.begin(undefined, 0);
	const init = client.poll(0)!.bytes;
	const versionOf = (count: number) => {
		const packet = Uint8Array.of(0x60, 3, ...init.subarray(2, 6), count, 2, 3);
		return Uint8Array.of(...packet, ...KEYS.versionMac(packet, init.subarray(10, 42)));
	};
	for (const [count, versions] of [
		[2, [2, 3]],
		[1, undefined],
		[3, undefined],
	] as const) {
		const packet = versionOf(count);
		t.deepEqual(client.receiveVersion(packet, 0, packet.length), versions as number[] | undefined);
	}
});
