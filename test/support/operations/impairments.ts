import type {Millis} from '../../../src/bytes/time.ts';
import type {LinkConfig} from '../../../src/sim/link-config.ts';
import {PERFECT_LINK} from '../../../src/sim/link-config.ts';
import type {TunnelWorld} from '../world/tunnel-world.ts';
import type {Flight} from '../world/world-options.ts';

/** What a path may be like; 0 is clean. */
export const LINK_PRESETS: readonly Partial<LinkConfig>[] = [
	{},
	{delay: 5, loss: {kind: 'random', loss: 0.1}},
	{delay: 20, loss: {kind: 'random', loss: 0.4}},
	{delay: 150, jitter: 50, jitterReorders: true},
	{delay: 10, duplicate: 0.3, reorder: 0.3, reorderBy: 40},
	{delay: 10, corrupt: 0.2},
	{delay: 20, rate: 1_000_000, queue: {millis: 500}},
	{delay: 600},
	{delay: 30, jitter: 30, jitterReorders: true, loss: {kind: 'random', loss: 0.2}, duplicate: 0.1},
];

/** A clean link of the path with that id. */
export function cleanLink(path: number): LinkConfig {
	return {...PERFECT_LINK, delay: 3 + 7 * path};
}

/** What is done to the packets of one direction of one path before they reach its link. */
export class Impairment {
	isDown = false;
	largest: number = Number.POSITIVE_INFINITY;
	drop = 0;
	twice = 0;
	delay = 0;
	delayBy: Millis = 0;
	corrupt = 0;
	bit = 0;
	divert = 0;
	source = 0;

	/** Lets everything through again. */
	clear(): void {
		Object.assign(this, new Impairment());
	}
}

/** Where diverted packets go. */
export type Divert = (packet: Flight, path: number, up: boolean, source: number) => void;

/** Applies an impairment to a packet; false when the packet must not go on by itself. */
export function impair(
	impairment: Impairment,
	world: TunnelWorld,
	packet: Flight,
	path: number,
	up: boolean,
	divert: Divert,
): boolean {
	const link = (up ? world.up : world.down)[path]!;
	const {bytes} = packet;
	if (impairment.isDown || bytes.length > impairment.largest) return false;
	if (impairment.drop > 0) {
		impairment.drop--;
		return false;
	}
	if (impairment.divert > 0) {
		impairment.divert--;
		world.at(world.now, () => divert(packet, path, up, impairment.source));
		return false;
	}
	if (impairment.delay > 0) {
		impairment.delay--;
		world.at(world.now + impairment.delayBy, () => link.send(packet, bytes.length, world.now));
		return false;
	}
	if (impairment.corrupt > 0) {
		impairment.corrupt--;
		link.send({...packet, bytes: flipBit(bytes, impairment.bit)}, bytes.length, world.now);
		return false;
	}
	if (impairment.twice > 0) {
		impairment.twice--;
		link.send(packet, bytes.length, world.now);
	}
	return true;
}

/** A copy with one bit flipped; the position is taken modulo the length. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
	const copy = bytes.slice();
	const at = bit % (8 * bytes.length);
	copy[at >> 3]! ^= 1 << (at & 7);
	return copy;
}
