import {startClient} from '../app/client.ts';
import {formatPathTest, testPaths} from '../app/path-test.ts';
import type {ClientOptions} from '../config/client.ts';
import {formatOptions} from '../config/effective.ts';
import {parseClientArguments} from './options.ts';
import {programLogger, serve, tailFor} from './program.ts';
import type {Context} from './run.ts';

/** The program mpclient. */
export async function clientProgram(context: Context): Promise<number> {
	const {argv, env, cwd, writeOut} = context;
	const read = () => parseClientArguments(argv, env, {write: writeOut, cwd});
	const {options, action, json, warnings} = read();
	const logTail = tailFor(options);
	const {logger, setLevel} = programLogger(options, warnings, context, logTail);
	if (action === 'check') {
		writeOut(formatOptions(options, json));
		if (!json) writeOut('configuration ok\n');
		return 0;
	}
	if (action === 'test') {
		const results = await testPaths(options, logger, {env});
		for (const result of results) writeOut(`${formatPathTest(result)}\n`);
		return results.some(({verdict}) => verdict === 'reachable') ? 0 : 1;
	}
	const applied = ({logLevel}: ClientOptions) => setLevel(logLevel);
	return serve(context, options.logFormat, () =>
		startClient(options, logger, {env, logTail}, {read, applied}),
	);
}
