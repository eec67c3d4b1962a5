import {startServer} from '../app/server.ts';
import {formatOptions} from '../config/effective.ts';
import {parseServerArguments} from './options.ts';
import {programLogger, serve, tailFor} from './program.ts';
import type {Context} from './run.ts';

/** The program mpserver. */
export async function serverProgram(context: Context): Promise<number> {
	const {argv, env, cwd, writeOut} = context;
	const {options, action, json, warnings} = parseServerArguments(argv, env, {write: writeOut, cwd});
	const logTail = tailFor(options);
	const logger = programLogger(options, warnings, context, logTail);
	if (action === 'check') {
		writeOut(formatOptions(options, json));
		if (!json) writeOut('configuration ok\n');
		return 0;
	}
	return serve(context, logger, options.logFormat, () =>
		startServer(options, logger, {env, logTail}),
	);
}
