import type {Slot} from '../../../src/bytes/slot-pool.ts';
import {EndpointContext} from '../../../src/core/context.ts';
import type {UserConfig} from '../../../src/core/endpoint.ts';
import type {Environment} from '../../../src/core/environment.ts';
import {FrameTable} from '../../../src/core/packets/frame-table.ts';
import {ReceivedPacket} from '../../../src/core/packets/received-packet.ts';
import {Path} from '../../../src/core/path/path.ts';
import type {RemoteAddress} from '../../../src/core/remote-address.ts';
import {ServerUser} from '../../../src/core/server/server-user.ts';
import {type AeadFactory, TAG_LENGTH} from '../../../src/crypto/aead.ts';
import {loadNode} from '../../../src/crypto/aead-node.ts';
import {packetAeadFactory} from '../../../src/crypto/packet-aead.ts';
import {Prng} from '../../../src/sim/prng.ts';
import {encodeFrame, type FrameCodec} from '../../../src/wire/frames/codec.ts';
import type {PathSettings} from '../../../src/wire/frames/paths.ts';
import {CHEAP_DH} from '../../support/world/cheap-dh.ts';

/** A real AEAD, for handshakes. */
export const REAL_AEAD: AeadFactory = packetAeadFactory(await loadNode());

/** Leaves everything readable; every tag is right. */
const NO_AEAD: AeadFactory = () => ({seal: () => {}, open: () => true});

/** What the wall clock shows at time 0 of tests. */
export const WALL = 1_700_000_000_000;

/** An environment that repeats itself: seeded, cheap key agreement, no real clock. */
export function environmentOf(seed: string, changes: Partial<Environment> = {}): Environment {
	return {
		random: new Prng(seed),
		wallTime: (now) => WALL + now,
		aead: REAL_AEAD,
		dh: CHEAP_DH,
		...changes,
	};
}

/** What sessions share, with packets that can be read. */
export function readableContext(seed: string): EndpointContext {
	return new EndpointContext(environmentOf(seed, {aead: NO_AEAD}), true);
}

/** The frames in a packet of {@link readableContext}. */
export function framesOf(slot: Slot): Uint8Array {
	return slot.bytes.slice(slot.start + 11, slot.end - TAG_LENGTH);
}

/** Has a frame read by what registers for it; why it is dropped, if it is. */
export function readFrame<Frame>(
	reader: {register(frames: FrameTable): void},
	codec: FrameCodec<Frame>,
	frame: Frame,
	now = 0,
): string | undefined {
	const frames = new FrameTable();
	reader.register(frames);
	const bytes = encodeFrame(codec, frame);
	const packet = new ReceivedPacket();
	packet.cursor.reset(bytes, 1, bytes.length);
	return frames.read(bytes[0]!, packet, now);
}

export function remoteOf(port: number, socket = 0, host = '192.0.2.1'): RemoteAddress {
	return {key: `${socket} ${host} ${port}`, socket, host, port};
}

export function settingsOf(id: number, changes: Partial<PathSettings> = {}): PathSettings {
	const name = `path ${id}`;
	return {id, name, metered: false, backup: false, rateUp: 0, rateDown: 0, ...changes};
}

export function pathOf(id: number, changes: Partial<PathSettings> = {}): Path {
	return new Path(settingsOf(id, changes));
}

/** A user of a server that serves everything, with these settings of its own. */
export function userWith(settings: Partial<UserConfig> = {}): ServerUser {
	const limits = {flowLimit: 10, flowRate: 1000, sessionLimit: 10};
	const idle = {flowIdle: 300_000, sessionIdle: 180_000};
	const what = {users: [], keyless: false, encrypt: true, fixedTarget: true, exit: true};
	const user = {name: 'u', psk: new Uint8Array(32), ...settings};
	return new ServerUser(user, {...what, ...limits, ...idle});
}
