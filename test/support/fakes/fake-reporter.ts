import type {Reporter, ReportFields} from '../../../src/net/reporter.ts';

/** Keeps what is reported, as `level: message`; rate limits do not hold. */
export class FakeReporter implements Reporter {
	readonly lines: string[] = [];
	readonly fields: ReportFields[] = [];

	debug(message: string, fields: ReportFields = {}): void {
		this.#add('debug', message, fields);
	}

	info(message: string, fields: ReportFields = {}): void {
		this.#add('info', message, fields);
	}

	warn(message: string, fields: ReportFields = {}): void {
		this.#add('warn', message, fields);
	}

	limited(): this {
		return this;
	}

	#add(level: string, message: string, fields: ReportFields): void {
		this.lines.push(`${level}: ${message}`);
		this.fields.push(fields);
	}
}
