/*
 * The login of RFC 1929 and its answer:
 *
 *   01 | user length 1 | user | password length 1 | password
 *   01 | status 1 (00 = in)
 */

/** A login; both fields are views of the bytes it was read from. */
export interface Credentials {
	readonly user: Uint8Array;
	readonly password: Uint8Array;
	/** Bytes of the whole message. */
	readonly length: number;
}

/** Reads a login from the start of `bytes`. `undefined`: more bytes are needed. */
export function readCredentials(bytes: Uint8Array): Credentials | 'malformed' | undefined {
	if (bytes.length === 0) return undefined;
	if (bytes[0] !== 1) return 'malformed';
	const userLength = bytes[1];
	if (userLength === undefined) return undefined;
	const passwordLength = bytes[2 + userLength];
	if (passwordLength === undefined) return undefined;
	const start = 3 + userLength;
	const length = start + passwordLength;
	if (bytes.length < length) return undefined;
	return {
		user: bytes.subarray(2, 2 + userLength),
		password: bytes.subarray(start, length),
		length,
	};
}

/** Encodes the answer to a login. RFC 1929 requires version 1; OpenVPN from 2.7.0 on expects 5. */
export function encodeLoginReply(version: 1 | 5, accepted: boolean): Uint8Array {
	return Uint8Array.of(version, accepted ? 0 : 1);
}
