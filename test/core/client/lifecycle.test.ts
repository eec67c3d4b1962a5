import test from 'ava';
import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import {
	type ClientState,
	Lifecycle,
	type LifecycleInit,
} from '../../../src/core/client/lifecycle.ts';
import type {Session} from '../../../src/core/session/session.ts';
import {ClientTimer, Timers} from '../../../src/core/timers.ts';

/** A lifecycle whose parts write down what it has them do. */
function lifecycle() {
	const log: string[] = [];
	const timers = new Timers(ClientTimer);
	const part = (name: string, ...methods: readonly string[]) =>
		Object.fromEntries(methods.map((method) => [method, () => void log.push(`${name}.${method}`)]));
	const context = {
		emit: ({type, reason}: {type: string; reason?: string}) => log.push(reason ?? type),
	};
	const parts = {
		timers,
		context,
		handshake: part('handshake', 'begin', 'stop'),
		traffic: part('traffic', 'begin', 'resume', 'hold', 'suspect', 'trust'),
		streams: part('streams', 'attach', 'detach'),
	};
	const life = new Lifecycle(parts as unknown as LifecycleInit);
	const session = (number: number) => {
		const lanes = {end: () => log.push(`lanes.end ${number}`), totals: () => []};
		const paths = {all: [], counts: {addTo: () => {}, names: () => []}};
		return {number, lanes, paths, end: () => log.push(`end ${number}`)} as unknown as Session;
	};
	const take = () => log.splice(0);
	return {life, timers, session, take};
}

test('a session lets traffic go; its end holds it, once', (t) => {
	const {life, session, take} = lifecycle();
	t.is(life.state, 'connecting');
	life.moveToUp(session(1), true, 0);
	t.deepEqual(take(), [
		'handshake.stop',
		'traffic.begin',
		'streams.attach',
		'session-up',
		'traffic.resume',
	]);
	t.true(life.isUp);
	life.moveToQuiet('over', 500);
	t.deepEqual(take(), ['over', 'end 1', 'traffic.hold', 'streams.detach', 'handshake.stop']);
	t.is(life.session, undefined);
	life.moveToQuiet('again', 900);
	t.deepEqual(take(), ['handshake.stop']);
	life.moveToConnecting('', 900);
	t.deepEqual(take(), ['handshake.begin']);
});

test('another session ends the one before it; resumed it goes on', (t) => {
	const {life, session, take} = lifecycle();
	const first = session(1);
	life.moveToUp(first, true, 0);
	take();
	life.resume(first, 0);
	t.deepEqual(take(), ['handshake.stop', 'session-up', 'traffic.resume']);
	life.moveToUp(session(2), true, 0);
	t.deepEqual(take().slice(0, 5), [
		'handshake.stop',
		'the server knows the session no more',
		'end 1',
		'traffic.hold',
		'streams.detach',
	]);
	t.is(life.session?.number, 2);
});

test('the first suspicion has a time, which further ones do not move, and trust ends it', (t) => {
	const {life, timers, session, take} = lifecycle();
	const until = (): Millis => timers.at(ClientTimer.STATE);
	life.moveToUp(session(1), true, 0);
	life.moveToRestarting(300);
	life.moveToRestarting(600);
	t.is(until(), 300);
	t.is(take().filter((what) => what === 'traffic.suspect').length, 2);
	life.trust();
	t.is(life.state, 'up');
	t.is(until(), NEVER);
	t.deepEqual(take(), ['traffic.trust']);
	life.trust();
	t.deepEqual(take(), []);
	life.moveToRestarting(900);
	t.is(until(), 900);
});

test('quiet has a time and a packet that ends it; leaving it forgets both', (t) => {
	const {life, timers, session} = lifecycle();
	life.moveToUp(session(1), true, 0);
	life.moveToQuiet('the server stops', 2000, Uint8Array.of(7));
	t.is(timers.at(ClientTimer.STATE), 2000);
	t.deepEqual(life.expected, Uint8Array.of(7));
	life.moveToConnecting('', 100);
	t.is(timers.at(ClientTimer.STATE), NEVER);
	t.is(life.expected, undefined);
});

test('the end of a session clears its timers, closing all but its goodbye', (t) => {
	const {life, timers, session} = lifecycle();
	life.moveToUp(session(1), true, 0);
	for (const timer of Object.values(ClientTimer)) timers.set(timer, 50);
	life.moveToConnecting('its keys are too old', 0);
	const set = () => Object.values(ClientTimer).filter((timer) => timers.at(timer) !== NEVER);
	const {REKEY, RESUME, SWEEP, GOODBYE} = ClientTimer;
	t.deepEqual(set(), [REKEY, RESUME, SWEEP, GOODBYE]);
	life.moveToClosed();
	t.deepEqual(set(), []);
});

test('no way leads out of closed, from quiet to a session, or to a suspicion without one', (t) => {
	const moves: Record<string, (life: Lifecycle, session: Session) => void> = {
		connecting: (life) => life.moveToConnecting('', 0),
		up: (life, session) => life.moveToUp(session, true, 0),
		restarting: (life) => life.moveToRestarting(0),
		quiet: (life) => life.moveToQuiet('', 0),
		closed: (life) => life.moveToClosed(),
	};
	const allowed: Record<ClientState, string> = {
		connecting: 'up quiet closed',
		up: 'connecting up restarting quiet closed',
		restarting: 'connecting up restarting quiet closed',
		quiet: 'connecting quiet closed',
		closed: '',
	};
	for (const [state, ways] of Object.entries(allowed)) {
		for (const [to, move] of Object.entries(moves)) {
			const {life, session} = lifecycle();
			if (state === 'restarting') moves['up']!(life, session(1));
			if (state !== 'connecting') moves[state]!(life, session(1));
			t.is(life.state, state as ClientState);
			if (ways.split(' ').includes(to)) {
				move(life, session(2));
				t.is(life.state, to as ClientState);
			} else {
				t.throws(() => move(life, session(2)), {
					message: `a client cannot go from ${state} to ${to}`,
				});
				t.is(life.state, state as ClientState);
			}
		}
	}
});
