import test from 'ava';
import {checkWorlds} from '../support/operations/operation-property.ts';

test('tunnels recover from restarts of either end', (t) => checkWorlds(t, 'restart', 0.25));
