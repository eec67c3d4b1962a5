import type {Bug} from './bug.ts';

const TWIN = [
	'fec/decoder.test.ts',
	'WebAssembly: recovers what the definition recovers, as soon, in every order and with every loss',
] as const;

const FLOOD = [
	'fec/hostile.test.ts',
	'100000 hostile repairs, seed 1: work and memory are bounded, and honest traffic goes on',
] as const;

/** Bugs of coded lanes. */
export const LANE_BUGS: readonly Bug[] = [
	{
		bug: 'a known source is taken out of a repair with the coefficient of another',
		place: 'Decoder.#subtractKnown',
		code: 'coefficient(seed, sequence)',
		to: 'coefficient(seed, newest)',
		test: TWIN,
	},
	{
		bug: 'both ends make other coefficients than the protocol',
		place: 'coefficient',
		code: '% 255',
		to: '% 254',
		test: ['fec/coefficient.test.ts', 'coefficients are those of the wire format'],
	},
	{
		bug: 'the slot of a recovered symbol is given out again',
		place: 'SourceRing.adopt',
		code: 'if (this.#slots[cell]! >= 0) this.#memory.give(this.#slots[cell]!);',
		to: 'this.#memory.give(slot);',
		test: TWIN,
	},
	{
		bug: 'a ring that grows puts sources into cells of others',
		place: 'SourceRing.grow',
		code: '(this.#newest - i) & (capacity - 1)',
		to: '(this.#newest - i) & mask',
		test: [
			'fec/receiver.test.ts',
			'what is kept stays when the ring grows, and is recovered and known as before',
		],
	},
	{
		bug: 'a missing source is looked for one sequence too low',
		place: 'Decoder.#openUnknown',
		code: '(newest - i) >>> 0',
		to: '(newest - i - 1) >>> 0',
		test: TWIN,
	},
	{
		bug: 'a recovered source counts as one that arrived',
		place: 'CodedReceiver.#recovered',
		code: 'this.counts.recovered++',
		to: 'this.counts.received++',
		test: ['fec/receiver.test.ts', 'a recovered source is never counted as one that arrived'],
	},
	{
		bug: 'repairs are worked on whatever the sources pay for',
		place: 'Decoder.repair',
		code: 'this.#allowance < count',
		to: 'false',
		test: FLOOD,
	},
	{
		bug: 'repairs over paths that are not counted are kept',
		place: 'HeldRepairs.push',
		code: '&& isPath(path)',
		to: '',
		test: [
			'fec/receiver.test.ts',
			'a path that cannot be counts for none, and its repairs are refused',
		],
	},
	{
		bug: 'a path that comes back makes up for all that it missed',
		place: 'CodedSender.plan',
		code: 'catchUp(sources, this.#sourceLoads, MAX_LAG * this.#longest);',
		to: '',
		test: [
			'fec/sender.test.ts',
			'a path that was in no plan makes up for no more than some packets',
		],
	},
	{
		bug: 'what a step costs counts against the promise',
		place: 'ResidualMeter.update',
		code: 'now < this.#stepUntil',
		to: 'false',
		test: ['fec/residual.test.ts', 'the first 3 s behind a step are apart'],
	},
	{
		bug: 'a rate in kbit/s is not kept to',
		place: 'allowedFactor',
		code: 'limit === 0 || spent === 0',
		to: 'limit >= 0',
		test: ['fec/policy-loop.test.ts', 'the rate of a promise bounds what is asked for, at once'],
	},
	{
		bug: 'where lengths differ bytes buy as many repairs as for packets of one length',
		place: 'LengthMeter.read',
		code: 'stretch: this.#repair / this.#alone',
		to: 'stretch: 1',
		test: [
			'fec/length-mix.test.ts',
			'measures what repairs take more than packets, and the short ones',
		],
	},
	{
		bug: 'a copy that comes second counts for no path of its lane',
		place: 'Session.#copied',
		code: 'this.lanes.copied(packet, now);',
		to: '',
		test: [
			'simulation/lanes.test.ts',
			'a copy that comes second counts for its path, so that copies make no loss',
		],
	},
	{
		bug: 'a copy counts for its path as often as it comes',
		place: 'RecentSources.copy',
		code: 'if ((this.#paths[cell]! & bit) !== 0) return -1;',
		to: '',
		test: [
			'core/lane/recent-sources.test.ts',
			'a copy counts once for each path, and not for the one that brought the first',
		],
	},
	{
		bug: 'a broken promise is said again and again',
		place: 'PromiseWatch.isNews',
		code: "if (verdict !== 'broken' || this.#isSaid) {",
		to: "if (verdict !== 'broken') {",
		test: [
			'core/lane/promise-watch.test.ts',
			'a broken promise is news once, and again when it was kept meanwhile',
		],
	},
	{
		bug: 'what was recovered comes out again when its original comes late',
		place: 'CodedReceiver.source',
		code: 'isOld && this.#recoveredBefore.has(sequence) ? Arrival.KNOWN : found',
		to: 'found',
		test: [
			'fec/receiver.test.ts',
			'the original of what was recovered is known, however late it comes',
		],
	},
	{
		bug: 'a source that is longer than a slot overwrites the next ones',
		place: 'SourceRing.keep',
		code: 'headLength + end - start > SYMBOL_SLOT',
		to: 'end < start',
		test: [
			'fec/receiver.test.ts',
			'a source that is longer than any repair is delivered, and not kept',
		],
	},
	{
		bug: 'one user takes all memory of coded lanes',
		place: 'SymbolShare.take',
		code: 'if (this.left === 0) return -1;',
		to: '',
		test: [
			'fec/symbol-share.test.ts',
			'a user takes no more than it leaves to all others, however many there are',
		],
	},
];
