import type {Millis} from '../../bytes/time.ts';
import type {EndpointEvent} from '../../core/events.ts';
import {brokenWords, obstacleWords} from './lane-words.ts';
import {LastItems} from './last-items.ts';

/** Happenings that are kept. */
const KEPT = 200;

/** One thing that happened, for people. */
export interface Happening {
	/** Wall clock: milliseconds since 1970. */
	readonly time: Millis;
	/** `down`: something got worse; `up`: it is mended; `note`: neither. */
	readonly mark: 'down' | 'up' | 'note';
	/** Holds names from outside. */
	readonly text: string;
}

/** The last things that happened to a program. */
export class Happenings extends LastItems<Happening> {
	readonly #now: () => Millis;
	readonly #pathNames: readonly string[];
	/** Number of the paths that carry something, by session. */
	readonly #carrying = new Map<number, number>();
	/** Sessions whose paths have all gone down. */
	readonly #silent = new Set<number>();

	/**
	 * @param now the wall clock
	 * @param pathNames names of a client's paths as the user wrote them, by path id
	 */
	constructor(now: () => Millis, pathNames: readonly string[] = []) {
		super(KEPT);
		this.#now = now;
		this.#pathNames = pathNames;
	}

	/** Takes an event of the endpoint; most are of no interest here. */
	event(event: EndpointEvent): void {
		switch (event.type) {
			case 'session-up': {
				// Keys are renewed every two minutes: worth a word only when all paths were down.
				if (event.resumed && !this.#silent.delete(event.session)) return;
				const who = event.user === '' ? 'the session' : `a session of ${event.user}`;
				if (event.resumed) this.note('up', `${who} is resumed`);
				else this.note('up', `${who} is up`);
				return;
			}
			case 'session-down':
				this.#carrying.delete(event.session);
				this.#silent.delete(event.session);
				this.note('down', `a session is down: ${event.reason}`);
				return;
			case 'path-state':
				this.#pathState(event);
				return;
			case 'promise-broken':
				this.note('down', `a promise is not kept: ${brokenWords(event)}`);
				return;
			case 'policy-replaced':
				this.note('note', `copies in place of ${event.policy}: ${obstacleWords(event.obstacle)}`);
				return;
			case 'path-address':
				this.note('note', `path ${event.name} has another address: ${event.address}`);
				return;
			case 'fault':
				this.note('down', `a fault of this program: ${event.text}`);
				return;
			case 'path-silent':
			case 'datagrams-split':
			case 'flow-closed':
			case 'refused':
			case 'client-id':
			case 'target-refused':
			case 'warning':
		}
	}

	/** Something happens now. */
	note(mark: Happening['mark'], text: string): void {
		this.add({time: this.#now(), mark, text});
	}

	#pathState(event: Extract<EndpointEvent, {type: 'path-state'}>): void {
		const {session, path, name, from, to, reason} = event;
		const shown = this.#pathNames[path] ?? name;
		const carried = from === 'up' || from === 'suspect';
		const carries = to === 'up' || to === 'suspect';
		// Suspicion comes and goes with every burst of loss.
		if (carried === carries) return;
		const carrying = (this.#carrying.get(session) ?? 0) + (carries ? 1 : -1);
		this.#carrying.set(session, carrying);
		if (!carries) {
			this.note('down', `path ${shown} is ${to}: ${reason}`);
			if (carrying === 0) this.#silent.add(session);
			return;
		}
		const resumed = this.#silent.delete(session) ? ': the session goes on' : '';
		this.note('up', `path ${shown} is up${resumed}`);
	}
}
