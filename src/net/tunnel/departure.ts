import type {Reporter} from '../reporter.ts';

/** Report about a path that leads into a VPN. */
const INTO_VPN =
	'the route of a path leads into a VPN of this machine; where that VPN goes through this tunnel ' +
	'nothing gets out: bind=INTERFACE or mark=N in the line of the path keeps it out of the VPN';

/** The place where a path leaves this machine, and likely faults of it. */
export class Departure {
	readonly #path: string;
	readonly #reporter: Reporter;
	/** The VPN interface that has an address. */
	readonly #vpnOf: (address: string) => string | undefined;
	/** Place it left from when it last worked, if that is another one; else empty. */
	#before = '';

	constructor(path: string, reporter: Reporter, vpnOf: (address: string) => string | undefined) {
		this.#path = path;
		this.#reporter = reporter;
		this.#vpnOf = vpnOf;
	}

	/** Its sockets were connected; true = they leave from other addresses than before. */
	connected(before: string, sources: string): boolean {
		if (sources === before || sources === '') return false;
		if (this.#before === '') this.#before = before;
		const fields = {path: this.#path, source: sources, before: before || undefined};
		this.#reporter.info('a path leaves from another address', fields);
		return true;
	}

	/** Something has proved that the path works. */
	proven(): void {
		this.#before = '';
	}

	/** Returns the likely reason why nothing proves the path. `undefined`: unknown. */
	suspicion(sources: string): string | undefined {
		for (const source of sources.split(' ')) {
			const vpn = source === '' ? undefined : this.#vpnOf(source);
			if (vpn === undefined) continue;
			const limited = this.#reporter.limited(`vpn ${this.#path}`, 60_000);
			limited.warn(INTO_VPN, {path: this.#path, interface: vpn, source});
			return `no evidence, and its route leads into ${vpn}, a VPN of this machine`;
		}
		if (this.#before === '' || this.#before === sources) return undefined;
		return `no evidence since its route changed: from ${sources} instead of ${this.#before}`;
	}
}
