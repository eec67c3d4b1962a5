import {createHash, randomBytes, timingSafeEqual} from 'node:crypto';
import {unlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {systemReason} from '../../config/text-file.ts';

/** File of the state folder with the address of the page. */
const URL_FILE = 'page.url';

/** Returns a new token: 192 random bits for the path of a URL. */
export function createToken(): string {
	return randomBytes(24).toString('base64url');
}

/** True for the token itself; takes the same time for every other text of its length. */
export function isToken(given: string, token: string): boolean {
	return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Uint8Array {
	return createHash('sha256').update(text).digest();
}

/**
 * Writes the address with its token into the state folder, for this user alone; returns the reason
 * when that cannot be. A file that is there is replaced, never followed or written into.
 */
export function writeUrl(folder: string, url: string): string | undefined {
	removeUrl(folder);
	try {
		writeFileSync(join(folder, URL_FILE), `${url}\n`, {mode: 0o600, flag: 'wx'});
		return undefined;
	} catch (error) {
		return systemReason(error);
	}
}

/** Removes that file; it leads nowhere once the program has ended. */
export function removeUrl(folder: string): void {
	try {
		unlinkSync(join(folder, URL_FILE));
	} catch {
		// There is none.
	}
}
