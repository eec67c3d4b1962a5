import {crc32} from 'node:zlib';
import {readUint32} from '../../../src/bytes/cursor.ts';
import {type Millis, NEVER} from '../../../src/bytes/time.ts';
import {type Coding, createCoding} from '../../../src/core/coding.ts';
import type {LaneStatus} from '../../../src/core/events.ts';
import {type AeadFactory, TAG_LENGTH} from '../../../src/crypto/aead.ts';
import {TableKernel} from '../../../src/fec/table-kernel.ts';
import {type Policy, type PolicyChooser, REDUNDANT} from '../../../src/policy/policy.ts';
import {FrameType} from '../../../src/wire/frames/frame-type.ts';
import {codedPolicy} from '../lanes/lane-world.ts';
import type {End} from '../world/datagram-ledger.ts';
import type {TunnelWorld} from '../world/tunnel-world.ts';

const ENDS: readonly End[] = ['client', 'server'];
/** Few symbols, so that they run short in some worlds. */
const MEMORY = 2 ** 20;
/** Packets of the mean size that a lane may send beyond its factor: those of bursts and of steps. */
const SLACK = 200;
/** Most that a fixed factor has more where short and long packets are mixed. */
const MIXED = 0.5;
/** By then a closed end has nothing more to say. */
const QUIET: Millis = 5000;

/** Frames that keep lanes going. */
const LANE_CONTROL: readonly number[] = [
	FrameType.LANES,
	FrameType.LANES_KNOWN,
	FrameType.LANE_REPORT,
	FrameType.REPAIR,
];

/** Policies of flows in random worlds. */
const LANE_POLICIES: readonly Policy[] = [
	codedPolicy({name: 'fec 2', traffic: 2}),
	codedPolicy({name: 'fec 1.25', traffic: 1.25, within: 300}),
	codedPolicy({name: 'fec', traffic: 3, floor: 1.5}),
	codedPolicy({name: 'fec cheap', traffic: 2, floor: 1.125, cheap: true, within: 5}),
	{name: 'best', kind: 'best'},
	{name: 'redundant 2', kind: 'redundant', copies: 2},
	REDUNDANT,
];

/** Lanes of a random world: the policies of its flows, what is lost of them, and what must hold. */
export class LaneTraffic implements PolicyChooser {
	readonly #codings = new Map<End, Coding>();
	#policy = 0;
	/** Tags of packets that begin with a frame of LANE_CONTROL. */
	readonly #control: readonly Set<number>[] = LANE_CONTROL.map(() => new Set());
	#kind = 0;
	#left = 0;

	/** Flows that begin have the policy of that index from now on. */
	use(index: number): void {
		this.#policy = index;
	}

	choose(): Policy {
		return LANE_POLICIES[this.#policy % LANE_POLICIES.length]!;
	}

	/** All flows have the policy of that index from now on. */
	change(index: number, {client, clientConfig, now}: TunnelWorld): void {
		this.#policy = index;
		client?.reconfigure(clientConfig, now);
	}

	/** The next packets with a frame are lost. @param kind index of LANE_CONTROL */
	lose(kind: number, packets: number): void {
		this.#kind = kind % LANE_CONTROL.length;
		this.#left = packets;
	}

	/** Notes which packets begin with frames of LANE_CONTROL, before they are sealed. */
	guard(factory: AeadFactory): AeadFactory {
		return (key) => {
			const aead = factory(key);
			return {
				seal: (packetNumber, ad, bytes, textStart, textEnd) => {
					const kind = LANE_CONTROL.indexOf(bytes[textStart]!);
					aead.seal(packetNumber, ad, bytes, textStart, textEnd);
					if (kind >= 0) this.#control[kind]!.add(readUint32(bytes, textEnd));
				},
				open: (packetNumber, ad, bytes, textStart, textEnd) =>
					aead.open(packetNumber, ad, bytes, textStart, textEnd),
			};
		};
	}

	/** True for a packet that `lose` is about. */
	loses(bytes: Uint8Array): boolean {
		if (this.#left === 0 || bytes.length < TAG_LENGTH) return false;
		if (!this.#control[this.#kind]!.has(readUint32(bytes, bytes.length - TAG_LENGTH))) return false;
		this.#left--;
		return true;
	}

	/** Returns what the coded lanes of an end share, another one each time it starts. */
	newCoding(end: End): Coding {
		const coding = createCoding(crc32, MEMORY, new TableKernel());
		this.#codings.set(end, coding);
		return coding;
	}

	/** Sees that no lane sent more than its policy allows, and that counts fit each other. */
	check(world: TunnelWorld): void {
		for (const end of ENDS) {
			for (const {user, lanes} of world[end]?.status(world.now).sessions ?? []) {
				// What is reported by somebody who lies is what it said.
				if (user === 'insider') continue;
				for (const lane of lanes) this.#checkLane(end, lane, world);
			}
		}
	}

	#checkLane(end: End, {policy, sending, receiving}: LaneStatus, {faults}: TunnelWorld): void {
		if (sending !== undefined) {
			const {promise, traffic, meanTraffic, sources, reported} = sending;
			// As much again where lengths differ, which is no part of a promise with a range.
			const mixed = promise.floor < promise.traffic ? 0 : Math.min(MIXED, promise.traffic - 1);
			const most = promise.traffic + mixed;
			if (!(traffic >= 1 && traffic <= most)) {
				faults.push(`${end} plans ${traffic} for ${policy}`);
			}
			const excess = (meanTraffic - most) * sources;
			if (excess > SLACK) faults.push(`${end} sends ${excess} packets too many in ${policy}`);
			const counted = reported.received + reported.recovered;
			if (counted > sources) faults.push(`${end} has ${counted} of ${sources} sources counted`);
		}
		if (receiving === undefined) return;
		const {received, recovered, missing, late} = receiving;
		if (!(missing >= 0 && late <= received + recovered)) {
			faults.push(`${end} counts ${JSON.stringify(receiving)}`);
		}
	}

	/** Closes both ends: nothing of their lanes is left then. */
	finish(world: TunnelWorld): void {
		for (const end of ENDS) world.poke(end, () => world[end]?.close(world.now));
		world.run(world.now + QUIET);
		for (const end of ENDS) {
			const {used} = this.#codings.get(end)!.memory;
			if (used > 0) world.faults.push(`${end} keeps ${used} symbols`);
			const next = world[end]?.nextTimeout() ?? NEVER;
			if (next !== NEVER) world.faults.push(`${end} waits for ${next - world.now} ms more`);
		}
	}
}
