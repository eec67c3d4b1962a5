import test from 'ava';
import {checkWorlds} from '../support/operations/operation-property.ts';

test('with one clean path nothing is lost, whatever happens to the others or is sent by strangers', (t) =>
	checkWorlds(t, 'clean', 0.25));
