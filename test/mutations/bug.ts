/**
 * A bug planted on purpose: in the declaration `place`, `code` (which is there exactly once, however
 * its lines are broken) becomes `to`. Places are named as in `PacketSender.#seal`, `keyOf`, `QUANTUM`.
 */
export interface Bug {
	readonly bug: string;
	readonly place: string;
	readonly code: string;
	readonly to: string;
	/** The unit test that is there for it: its file below `test`, and its title. */
	readonly test?: readonly [file: string, title: string];
}
