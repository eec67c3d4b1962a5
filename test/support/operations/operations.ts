/*
 * The language in which random worlds are written: a plan (what the world is made of) and a list of
 * operations, each a name and a few numbers. As text, which a failure prints and a regression test
 * takes, that is one line for the plan and the operations behind it, separated by semicolons:
 *
 *     seed 7 paths 3 rekey 1000
 *     send 0 100; down 1 2; advance 250; replay 0 5 2
 *
 * Numbers out of range are taken modulo what there is, so any list is a valid program.
 */
import fc from 'fast-check';

/** What each operation takes: the least and the largest value of every argument. */
export const OPERATIONS = {
	/** application, bytes */
	send: '0-3 7-1400',
	/** application, bytes: too few to be told apart */
	tiny: '0-3 0-6',
	/** application, bytes */
	large: '0-3 1100-65507',
	/** application, datagrams, ms between them */
	burst: '0-3 2-40 0-10',
	/** application, datagrams that its socket hands over at once, the largest of them */
	batch: '0-3 2-100 7-1400',
	/** application whose target answers, bytes */
	reply: '0-3 7-3000',
	/** application whose target answers at once, datagrams, the largest of them */
	answers: '0-3 2-100 7-1400',
	/** ms */
	advance: '0-300',
	/** ms */
	wait: '0-4000',
	/** path, direction (0 up, 1 down), packets */
	drop: '0-3 0-1 1-20',
	/** path, direction, packets, ms: what comes behind overtakes them */
	delay: '0-3 0-1 1-20 1-700',
	/** path, direction, packets that arrive twice */
	twice: '0-3 0-1 1-10',
	/** path, direction, packets, bit that is flipped */
	corrupt: '0-3 0-1 1-10 0-800',
	/** path, direction (2 = both) */
	down: '0-3 0-2',
	/** path */
	up: '0-3',
	/** path, index of LINK_PRESETS */
	link: '0-3 0-8',
	/** path, largest packet */
	mtu: '0-3 1200-1472',
	/** path: its NAT gives it another port */
	nat: '0-3',
	/** path: the client's socket is connected anew */
	reopen: '0-3',
	/** path: the system says that nobody listens there */
	refuse: '0-3',
	/** path, end (0 client, 1 server), bytes that the system calls too long */
	toolong: '0-3 0-1 1200-1472',
	/** the server's socket is closed */
	socket: '',
	/** application: its target socket cannot be had */
	refuseflow: '0-3',
	/** end whose handleTimeout is called early */
	early: '0-1',
	/** both ends are asked for their status */
	status: '',
	/** end (0 client, 1 server), ms until it starts again */
	kill: '0-1 0-3000',
	/** end, ms after its sockets are closed until it starts again */
	close: '0-1 0-3000',
	/** what the client's clock will be ahead by at its next start: index of CLOCK_JUMPS */
	clock: '0-5',
	/** end that gets it, path, length, first byte */
	random: '0-1 0-3 1-300 0-255',
	/** end, path, capture, source (0 genuine, 1 another path's, 2 spoofed) */
	replay: '0-1 0-3 0-79 0-2',
	/** end, path, capture, source, length */
	cut: '0-1 0-3 0-79 0-2 1-256',
	/** end, path, capture, source, bit */
	flip: '0-1 0-3 0-79 0-2 0-2047',
	/** path, kind of forged RESET (0 echoed, 1 guessed number, 2 far ahead, 3 other session) */
	reset: '0-3 0-3',
	/** end, path, capture whose packet number is made huge, source */
	huge: '0-1 0-3 0-79 0-2',
	/** which packet of somebody with a key of its own, 1 = in a new session */
	insider: '0-6 0-1',
	/** policy of flows that begin, or begin again in another session: index of LANE_POLICIES */
	policy: '0-6',
	/** policy that all flows have from now on: index of LANE_POLICIES */
	repolicy: '0-6',
	/** frame that is lost (index of LANE_CONTROL), packets with it */
	lose: '0-3 1-30',
	/** which frames of lanes of somebody with a key of its own, 1 = in a new session */
	laneframes: '0-13 0-1',
	/** path whose next packets arrive from elsewhere, direction, packets, source */
	divert: '0-3 0-1 1-5 1-2',
	/** the client opens a stream, of which there are at most six */
	open: '',
	/** end, stream, bytes */
	write: '0-1 0-5 1-3000',
	/** end, stream, bytes: more than a window */
	bulk: '0-1 0-5 3000-400000',
	/** end, stream: nothing more is written */
	end: '0-1 0-5',
	/** end, stream: reset */
	abort: '0-1 0-5',
	/** end, stream: takes no more bytes */
	stop: '0-1 0-5',
	/** stream whose client leaves bytes where they are */
	stall: '0-5',
	/** stream whose client reads on */
	read: '0-5',
} as const;

/** The name of an operation. */
export type OperationName = keyof typeof OPERATIONS;

/** An operation and its arguments. */
export type Operation = readonly [name: OperationName, ...args: number[]];

/** The least and the largest value of each argument. */
export function rangesOf(name: OperationName): [least: number, most: number][] {
	const texts = OPERATIONS[name].split(' ').filter((text) => text !== '');
	return texts.map((text) => {
		const [least, most] = text.split('-').map(Number);
		return [least!, most!];
	});
}

/** What a world is made of. */
export interface Plan {
	/** Of all randomness in the world. */
	seed: number;
	/** 1 to 4. */
	paths: number;
	/** ms between rekeys. */
	rekey: number;
	/** 0 = MPTUNNEL_ENCRYPT=0 at both ends. */
	encrypt: number;
	/** 1 = nobody has a key. */
	keyless: number;
	/** 1 = the target sends everything back. */
	echo: number;
	/** On how many paths each packet goes. */
	copies: number;
	/** 1 = the last path is a backup. */
	backup: number;
	/** ms until flows and sessions end that nobody uses. */
	flowidle: number;
	sessionidle: number;
	/** 1 = operations leave path 0 and both ends alone, hence nothing may be lost. */
	clean: number;
	/** 1 = both ends know lanes, and flows have policies. */
	lanes: number;
}

const PLAN: Plan = {
	seed: 1,
	paths: 3,
	rekey: 120_000,
	encrypt: 1,
	keyless: 0,
	echo: 0,
	copies: 0,
	backup: 0,
	flowidle: 300_000,
	sessionidle: 180_000,
	clean: 0,
	lanes: 0,
};

/** A kind of world: which operations it is made of, and how often each. */
export type Theme = 'clean' | 'lossy' | 'restart' | 'hostile' | 'streams' | 'cut streams' | 'lanes';

type Weights = Partial<Record<OperationName, number>>;

const TRAFFIC: Weights = {
	send: 30,
	tiny: 3,
	large: 1,
	burst: 5,
	batch: 5,
	answers: 3,
	reply: 10,
	advance: 30,
	wait: 2,
	early: 1,
	status: 1,
};
const NETWORK: Weights = {
	drop: 4,
	delay: 4,
	twice: 2,
	corrupt: 2,
	down: 3,
	up: 4,
	link: 4,
	mtu: 1,
	nat: 2,
	reopen: 1,
	refuse: 1,
	toolong: 1,
};
const ATTACK: Weights = {
	random: 2,
	replay: 8,
	cut: 2,
	flip: 2,
	reset: 3,
	huge: 2,
	divert: 3,
	insider: 4,
};
const STREAMS: Weights = {
	open: 8,
	write: 12,
	bulk: 6,
	end: 4,
	stop: 1,
	stall: 2,
	read: 2,
	send: 4,
	advance: 30,
	early: 1,
	status: 1,
};
/** What paths do to streams: all of them silent for long would end the streams. */
const LOSSES: Weights = {drop: 4, delay: 4, twice: 2, corrupt: 2, link: 6, nat: 1, reopen: 1};
const RESTART: Weights = {kill: 3, close: 2, clock: 1, socket: 1, refuseflow: 1};

const LANES: Weights = {
	policy: 6,
	repolicy: 3,
	lose: 4,
	laneframes: 4,
	burst: 12,
	large: 2,
	insider: 1,
};

const WEIGHTS: Record<Theme, Weights> = {
	clean: {...TRAFFIC, ...NETWORK, ...ATTACK},
	lossy: {...TRAFFIC, ...NETWORK, socket: 1, refuseflow: 1, replay: 2},
	restart: {...TRAFFIC, ...NETWORK, ...RESTART, replay: 3},
	hostile: {...TRAFFIC, ...NETWORK, ...RESTART, ...ATTACK, kill: 1, close: 1},
	streams: {...STREAMS, ...LOSSES, replay: 2},
	'cut streams': {...STREAMS, ...LOSSES, abort: 3, kill: 1, close: 1, replay: 4, flip: 1, reset: 2},
	lanes: {...TRAFFIC, ...NETWORK, ...RESTART, ...ATTACK, kill: 1, close: 1, ...LANES},
};

/** These change what the path itself does, and so leave path 0 alone in a clean world. */
const OF_PATH = new Set<OperationName>([...(Object.keys(NETWORK) as OperationName[]), 'divert']);

function operationArbitrary(name: OperationName, clean: boolean): fc.Arbitrary<Operation> {
	const args = rangesOf(name).map(([least, most], index) => {
		const first = clean && index === 0 && OF_PATH.has(name) ? 1 : least;
		return fc.integer({min: first, max: most});
	});
	return fc.tuple(...args).map((values): Operation => [name, ...values]);
}

/** Lists of `length` and a few more operations of a theme. */
export function operationsArbitrary(theme: Theme, length: number): fc.Arbitrary<Operation[]> {
	const entries = Object.entries(WEIGHTS[theme]) as [OperationName, number][];
	const choices = entries.map(([name, weight]) => ({
		weight,
		arbitrary: operationArbitrary(name, theme === 'clean'),
	}));
	return fc.array(fc.oneof(...choices), {minLength: length, maxLength: length + 20});
}

/** Plans for a theme. */
export function planArbitrary(theme: Theme): fc.Arbitrary<Plan> {
	const clean = theme === 'clean';
	// Streams need a key.
	const keyed = theme === 'streams' || theme === 'cut streams';
	const flag = (ones: number, of: number) => fc.integer({min: 1, max: of}).map((n) => +(n <= ones));
	return fc.record({
		seed: fc.integer({min: 1, max: 1_000_000}),
		paths: fc.integer({min: clean ? 2 : 1, max: 4}),
		rekey: fc.constantFrom(120_000, 1000, 300, 5000),
		encrypt: flag(9, 10),
		keyless: keyed ? fc.constant(0) : flag(1, 8),
		echo: flag(1, 2),
		copies: clean ? fc.constant(0) : fc.constantFrom(0, 0, 0, 1, 2),
		backup: clean ? fc.constant(0) : flag(1, 6),
		flowidle: clean ? fc.constant(300_000) : fc.constantFrom(300_000, 300_000, 2000),
		sessionidle: clean || keyed ? fc.constant(180_000) : fc.constantFrom(180_000, 180_000, 5000),
		clean: fc.constant(+clean),
		lanes: fc.constant(+(theme === 'lanes')),
	});
}

/** The world as text. */
export function formatWorld(plan: Plan, operations: readonly Operation[]): string {
	const differing = Object.entries(plan).filter(
		([key, value]) => PLAN[key as keyof Plan] !== value,
	);
	const lines = [differing.map(([key, value]) => `${key} ${value}`).join(' ')];
	let line = '';
	for (const operation of operations) {
		const text = operation.join(' ');
		if (line.length + text.length > 90) {
			lines.push(`${line};`);
			line = text;
		} else line += line === '' ? text : `; ${text}`;
	}
	return [...lines, line].join('\n');
}

/** Reads what `formatWorld` wrote; throws on anything else. */
export function parseWorld(text: string): {plan: Plan; operations: Operation[]} {
	const [first = '', ...rest] = text.trim().split('\n');
	const plan: Plan = {...PLAN};
	const words = first.trim().split(/\s+/);
	for (let i = 0; i + 1 < words.length; i += 2) {
		const key = words[i]!;
		if (!(key in plan)) throw new Error(`unknown word in a plan: ${key}`);
		plan[key as keyof Plan] = Number(words[i + 1]);
	}
	const texts = rest
		.join(' ')
		.split(';')
		.map((part) => part.trim());
	return {plan, operations: texts.filter((part) => part !== '').map(parseOperation)};
}

function parseOperation(text: string): Operation {
	const [name = '', ...args] = text.split(/\s+/);
	if (!(name in OPERATIONS) || rangesOf(name as OperationName).length !== args.length) {
		throw new Error(`not an operation: ${text}`);
	}
	return [name as OperationName, ...args.map(Number)];
}
