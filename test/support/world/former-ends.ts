import type * as clients from '../../../src/core/client/client.ts';
import type * as servers from '../../../src/core/server/server.ts';
import {formerBuild} from '../machine/former-build.ts';
import {SlotCount} from './slot-count.ts';
import type {WorldEnds} from './world-options.ts';

/** Resolves with what makes ends of the build from before lanes. */
export async function formerEnds(): Promise<Required<WorldEnds>> {
	const core = (file: string) => import(new URL(`src/core/${file}`, formerBuild()).href);
	const {MptunnelClient} = (await core('client/client.js')) as typeof clients;
	const {MptunnelServer} = (await core('server/server.js')) as typeof servers;
	class FormerClient extends MptunnelClient {
		readonly slots = new SlotCount(this.context.outbox.pool);
	}
	class FormerServer extends MptunnelServer {
		readonly slots = new SlotCount(this.context.outbox.pool);
	}
	return {
		client: (config, environment) => new FormerClient(config, environment),
		server: (config, environment) => new FormerServer(config, environment),
	};
}
