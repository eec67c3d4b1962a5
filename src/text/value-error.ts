/** A text that does not parse. The catcher adds where it came from. */
export class ValueError extends Error {
	override readonly name = 'ValueError';
	/** The expected form, to go after "not": `an IP address`. */
	readonly expected: string;
	/** The offending text as shown, quoted and escaped; empty when it must not be shown. */
	readonly shown: string;

	constructor(expected: string, shown: string) {
		super(shown === '' ? `not ${expected}` : `not ${expected}: ${shown}`);
		this.expected = expected;
		this.shown = shown;
	}
}
