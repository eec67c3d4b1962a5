import type {ExecutionContext} from 'ava';
import {needing} from '../support/e2e/needs.ts';
import {RoutedLine} from './routed-line.ts';

const NEEDS = {programs: ['ip', 'nft'], namespaces: true} as const;
const PER_SECOND = 100;
/** Tenfold of what the simulation promises: only a machine that stands still takes so long. */
const MOST: number = 10 * 1500;

/** An MTU of 1500 becomes one of 1280 under datagrams of 1,400 bytes in both directions. */
async function narrow(
	t: ExecutionContext,
	line: RoutedLine,
	where: 'middle' | 'own',
): Promise<void> {
	t.timeout(300_000);
	await line.start();
	await line.send(PER_SECOND, 1400);
	await line.untilSize(1472);
	await line.answers(50);
	line.setMtu(where, 1280);
	await line.untilSize(1200);
	// Long enough for two searches for a larger size.
	await line.answers(4 * PER_SECOND);
	t.deepEqual(await line.sizes(), [1200, 1200]);
	const {sent, missing, disordered, repeated, gap} = await line.settle();
	t.log(`${missing.length} of ${sent} lost, ${gap} ms without an answer`);
	t.true(gap <= MOST, `${gap} ms`);
	t.deepEqual([disordered, repeated], [0, 0]);
	// What was sent until the size had fallen in both directions is lost, and nothing else.
	const [first = 0] = missing;
	const last = missing.at(-1) ?? first;
	t.true(first >= 50 && last < sent - 4 * PER_SECOND, `${missing}`);
}

// Other sockets let the system cut what the network says is too long, so nothing dies of its size.
needing({...NEEDS, batch: true}).serial('a hop narrows in use and says so', async (t) => {
	await narrow(t, new RoutedLine(t), 'middle');
});

needing(NEEDS).serial('a hop narrows in use in silence', async (t) => {
	const line = new RoutedLine(t);
	line.silenceRouters();
	await narrow(t, line, 'middle');
});

needing({...NEEDS, batch: true}).serial(
	"the client's own interface narrows in use, and is wide again",
	async (t) => {
		const line = new RoutedLine(t);
		await narrow(t, line, 'own');
		line.setMtu('own', 1500);
		await line.send(PER_SECOND, 1400);
		await line.untilSize(1472, 200_000);
		await line.answers(50);
		t.deepEqual((await line.settle()).missing, []);
	},
);
