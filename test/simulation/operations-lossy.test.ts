import test from 'ava';
import {checkWorlds} from '../support/operations/operation-property.ts';

test('tunnels recover from anything that paths do', (t) => checkWorlds(t, 'lossy', 0.25));
