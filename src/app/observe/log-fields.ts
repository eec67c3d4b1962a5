/** Structured fields of a log line; undefined ones are left out, strings are escaped and cut. */
export type LogFields = Readonly<
	Record<string, string | number | boolean | bigint | object | null | undefined>
>;
