import {startServer} from '../app/server.ts';
import {formatOptions} from '../config/effective.ts';
import type {ServerOptions} from '../config/server.ts';
import {parseServerArguments} from './options.ts';
import {programLogger, serve, tailFor} from './program.ts';
import type {Context} from './run.ts';

/** The program mpserver. */
export async function serverProgram(context: Context): Promise<number> {
	const {argv, env, cwd, writeOut} = context;
	const read = () => parseServerArguments(argv, env, {write: writeOut, cwd});
	const {options, action, json, warnings} = read();
	const logTail = tailFor(options);
	const {logger, setLevel} = programLogger(options, warnings, context, logTail);
	if (action === 'check') {
		writeOut(formatOptions(options, json));
		if (!json) writeOut('configuration ok\n');
		return 0;
	}
	const applied = ({logLevel}: ServerOptions) => setLevel(logLevel);
	return serve(context, options.logFormat, () =>
		startServer(options, logger, {env, logTail}, {read, applied}),
	);
}
