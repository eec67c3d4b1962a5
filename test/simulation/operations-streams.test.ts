import test from 'ava';
import {checkWorlds} from '../support/operations/operation-property.ts';

test('what is sent on a stream comes whole and in order, whatever paths do', (t) =>
	checkWorlds(t, 'streams', 0.012));

test('what is received is a prefix of what was sent, whatever cuts a stream off', (t) =>
	checkWorlds(t, 'cut streams', 0.012));
