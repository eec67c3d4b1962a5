/** Structured fields of a report; text from outside belongs here, where it is escaped. */
export type ReportFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Log of this layer: the part of a logger that it needs. */
export interface Reporter {
	debug(message: string, fields?: ReportFields): void;
	info(message: string, fields?: ReportFields): void;
	warn(message: string, fields?: ReportFields): void;
	/** A reporter that lets one report a `key` through in `everyMillis`. */
	limited(key: string, everyMillis: number): Reporter;
}
