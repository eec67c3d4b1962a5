import type {Millis} from '../../bytes/time.ts';
import type {ClientRecord} from './server-session.ts';
import type {ServerUser} from './server-user.ts';

/** Life of a record without session and flows, kept for the time of its newest INIT. */
const LIFE: Millis = 600_000;
/** Records beyond which unused ones go at once; those in use are bounded by sessions and flows. */
const LIMIT = 16_384;

/** Records of the server about each client id of each user, beyond any session. */
export class ClientRecords {
	readonly #records = new Map<string, ClientRecord>();

	/** Records that exist. */
	get size(): number {
		return this.#records.size;
	}

	/** Returns the record of a client id, made when it is new. Never shared between users. */
	find(user: ServerUser, clientId: Uint8Array, now: Millis): ClientRecord {
		const key = `${user.name}/${String.fromCharCode(...clientId)}`;
		let record = this.#records.get(key);
		if (record === undefined) {
			record = {...this.anonymous(user, now), key};
			this.#makeRoom();
			this.#records.set(key, record);
		}
		record.active = now;
		return record;
	}

	/** Makes a record that is never found again: for a client without an id (yet). */
	anonymous(user: ServerUser, now: Millis): ClientRecord {
		return {key: '', user, flows: new Map(), newestTime: 0, session: undefined, active: now};
	}

	#makeRoom(): void {
		for (const [key, record] of this.#records) {
			if (this.#records.size < LIMIT) return;
			if (!inUse(record)) this.#records.delete(key);
		}
	}

	/** Forgets the clients of a user who is gone. */
	forget(user: ServerUser): void {
		for (const [key, record] of this.#records) if (record.user === user) this.#records.delete(key);
	}

	/** Forgets records that were not used for a while. */
	expire(now: Millis): void {
		for (const [key, record] of this.#records) {
			if (inUse(record)) record.active = now;
			else if (now - record.active > LIFE) this.#records.delete(key);
		}
	}
}

function inUse(record: ClientRecord): boolean {
	return record.session !== undefined || record.flows.size > 0;
}
