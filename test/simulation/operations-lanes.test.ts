import test from 'ava';
import {checkWorlds} from '../support/operations/operation-property.ts';

test('flows of all policies recover from anything', (t) => checkWorlds(t, 'lanes', 0.012));
