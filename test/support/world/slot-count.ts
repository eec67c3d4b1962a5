import type {SlotPool} from '../../../src/bytes/slot-pool.ts';
import {MptunnelClient} from '../../../src/core/client/client.ts';
import {MptunnelServer} from '../../../src/core/server/server.ts';

/** Counts the slots of a pool that are out, from now on. */
export class SlotCount {
	out = 0;

	constructor(pool: SlotPool) {
		const take = pool.take.bind(pool);
		const release = pool.release.bind(pool);
		pool.take = () => {
			const slot = take();
			if (slot !== undefined) this.out++;
			return slot;
		};
		pool.release = (slot) => {
			release(slot);
			this.out--;
		};
	}
}

/** A client whose slots are counted. */
export class CountedClient extends MptunnelClient {
	readonly slots: SlotCount = new SlotCount(this.context.outbox.pool);
}

/** A server whose slots are counted. */
export class CountedServer extends MptunnelServer {
	readonly slots: SlotCount = new SlotCount(this.context.outbox.pool);
}
