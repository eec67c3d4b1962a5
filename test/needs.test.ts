import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {attempt} from './support/machine/commands.ts';
import {ALL_NEEDS, lacking} from './support/machine/machine.ts';

test('what the machine lacks is named before the tests, and nothing in CI', (t) => {
	const program = fileURLToPath(new URL('./support/machine/skipped-main.js', import.meta.url));
	const bare = attempt(process.execPath, [program], {env: {PATH: '/nowhere'}});
	t.regex(bare.stdout, /^missing on this machine: .*\bsocat\b.*root and ip netns.*\n.* skipped\n$/);
	const programs = lacking({programs: ALL_NEEDS.programs ?? []});
	if (process.env['CI'] === 'true') t.deepEqual(programs, []);
});
