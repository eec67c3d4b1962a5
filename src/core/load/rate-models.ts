import type {Random} from '../../bytes/random.ts';
import type {Millis} from '../../bytes/time.ts';
import type {CongestionControl} from '../congestion-control.ts';
import {BbrModel} from './bbr-model.ts';
import {NewRenoModel} from './new-reno-model.ts';
import type {RateModel} from './rate-model.ts';

/** Returns a model of that name for a path; the parameters are those of BbrModel. */
export function createRateModel(
	name: CongestionControl,
	random: Random,
	firstRtt: Millis,
): RateModel {
	return name === 'bbr' ? new BbrModel(random, firstRtt) : new NewRenoModel();
}
