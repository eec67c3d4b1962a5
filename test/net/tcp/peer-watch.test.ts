import {Socket} from 'node:net';
import test from 'ava';
import {PeerWatch} from '../../../src/net/tcp/peer-watch.ts';

const SECOND = 1000;

/** A watch that is told the time once a second, and a system that says what the test wants. */
class World {
	/** What the system says. */
	attempts: number | undefined = -1;
	/** How often it was asked. */
	asked = 0;
	now = 0;
	readonly watch = new PeerWatch(new Socket(), {
		of: () => {
			this.asked++;
			return this.attempts;
		},
	});

	/** After how many seconds the host counts as gone; undefined = not within so many. */
	goneAfter(seconds: number): number | undefined {
		for (let i = 1; i <= seconds; i++) {
			this.now += SECOND;
			if (this.watch.isGone(this.now)) return i;
		}
		return undefined;
	}
}

test('bytes that were sent in vain for 35 seconds went to nobody', (t) => {
	const world = new World();
	world.watch.wrote();
	world.attempts = 3;
	t.is(world.goneAfter(100), 36);
});

test('two answers that are missing say nothing', (t) => {
	const world = new World();
	world.watch.wrote();
	world.attempts = 2;
	t.is(world.goneAfter(1000), undefined);
});

test('one answer begins everything anew', (t) => {
	const world = new World();
	world.watch.wrote();
	world.attempts = 7;
	t.is(world.goneAfter(34), undefined);
	world.attempts = 0;
	t.is(world.goneAfter(1), undefined);
	world.attempts = 7;
	t.is(world.goneAfter(35), undefined);
	t.is(world.goneAfter(1), 1);
});

test('bytes from the host are an answer, too', (t) => {
	const world = new World();
	world.watch.wrote();
	world.attempts = 7;
	t.is(world.goneAfter(34), undefined);
	world.watch.received();
	t.is(world.goneAfter(36), undefined);
	t.is(world.goneAfter(1), 1);
});

test('a host that is there and takes nothing is waited for', (t) => {
	const world = new World();
	world.watch.wrote();
	world.attempts = 0;
	t.is(world.goneAfter(3600), undefined);
	t.is(world.asked, 3600);
});

test('nobody is asked about connections that have nothing under way', (t) => {
	const world = new World();
	t.is(world.goneAfter(100), undefined);
	t.is(world.asked, 0);
	world.watch.wrote();
	t.is(world.goneAfter(100), undefined);
	// What the system said may be from before the bytes were written.
	t.true(world.asked > 10 && world.asked < 20, `${world.asked}`);
	world.watch.wrote();
	world.attempts = 3;
	t.is(world.goneAfter(100), 36);
});

test('where the system says nothing nobody is given up', (t) => {
	const world = new World();
	world.watch.wrote();
	world.attempts = undefined;
	t.is(world.goneAfter(1000), undefined);
});
