import {createRequire} from 'node:module';
import process from 'node:process';
import {BatchBackEnd} from '../../../src/net/udp/batch/batch-back-end.ts';
import {DgramBackEnd} from '../../../src/net/udp/dgram-socket.ts';
import type {UdpBackEnd} from '../../../src/net/udp/udp.ts';

/** Why there is no batch back end here; undefined = there has to be one. */
export function batchIsMissing(): string | undefined {
	const {platform, arch} = process;
	if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) return 'Linux on x64 or arm64';
	try {
		createRequire(import.meta.url).resolve('koffi');
		return undefined;
	} catch {
		return 'the optional package koffi';
	}
}

/** The back ends that there are, each made once. */
export function allBackEnds(): readonly UdpBackEnd[] {
	const dgram = new DgramBackEnd();
	return batchIsMissing() === undefined ? [dgram, new BatchBackEnd()] : [dgram];
}
