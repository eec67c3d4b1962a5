import test from 'ava';
import {SOCKS_ANSWERS} from '../../../src/net/socks/answers.ts';
import {RefusalCode} from '../../../src/wire/constants.ts';
import {toHex} from '../../crypto/fixtures.ts';

const {
	LIMIT,
	NO_TARGET,
	SOCKET,
	DENIED,
	UNRESOLVABLE,
	RATE,
	DESCRIPTORS,
	REFUSED,
	NET_UNREACHABLE,
	HOST_UNREACHABLE,
	TIMED_OUT,
	NO_SESSION,
} = RefusalCode;

for (const [reply, ...codes] of [
	[1, LIMIT, SOCKET, RATE, DESCRIPTORS, NO_SESSION, 0, 99],
	[2, DENIED, NO_TARGET],
	[3, NET_UNREACHABLE],
	[4, HOST_UNREACHABLE, UNRESOLVABLE, TIMED_OUT],
	[5, REFUSED],
] as const) {
	test(`the refusals ${codes.join(', ')} are reply ${reply} in 10 bytes`, (t) => {
		for (const code of codes) {
			const answer = SOCKS_ANSWERS.refused(code) ?? new Uint8Array(0);
			t.is(toHex(answer), `050${reply}0001000000000000`);
		}
	});
}
