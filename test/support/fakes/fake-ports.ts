import type {PortMemory} from '../../../src/net/tunnel/path-port.ts';

/** Local ports in memory. */
export class FakePorts implements PortMemory {
	readonly ports: Map<string, number> = new Map<string, number>();

	get(path: string): number | undefined {
		return this.ports.get(path);
	}

	set(path: string, port: number): void {
		this.ports.set(path, port);
	}

	save(): undefined {
		return undefined;
	}
}
