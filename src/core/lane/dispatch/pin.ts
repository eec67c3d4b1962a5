import type {Millis} from '../../../bytes/time.ts';
import {BASE_PACKET_SIZE} from '../../../wire/constants.ts';
import type {Route} from '../../packets/route.ts';
import type {Path} from '../../path/path.ts';
import type {Dispatch} from './dispatch.ts';
import {takeLast} from './ranking.ts';

/** Every packet on one path. While that is down none goes out, whatever the others do. */
export class PinDispatch implements Dispatch {
	readonly paths: Path[] = [];
	packetSize: number = BASE_PACKET_SIZE;
	readonly #id: number;

	/** @param id of the path */
	constructor(id: number) {
		this.#id = id;
	}

	pathsChanged(paths: readonly Path[]): void {
		const path = paths.find(({id}) => id === this.#id);
		this.paths.length = 0;
		if (path?.open && path.state !== 'down') this.paths.push(path);
		this.packetSize = this.paths[0]?.mtu.confirmed ?? BASE_PACKET_SIZE;
	}

	route(bytes: number, now: Millis, out: Route): void {
		out.clear();
		for (const path of this.paths) if (path.admits(bytes, now)) out.add(path);
		if (out.count === 0) takeLast(this.paths, bytes, now, out);
	}

	sample(): void {}
}
