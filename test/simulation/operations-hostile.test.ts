import test from 'ava';
import {checkWorlds} from '../support/operations/operation-property.ts';

test('nothing is delivered twice, invented or given to strangers under attack', (t) =>
	checkWorlds(t, 'hostile', 0.25));
