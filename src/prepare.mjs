/*
 * Builds after an installation from git and before packing, so that neither ends as a package
 * without programs. An installation without development packages can not build and needs no build.
 */
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import process from 'node:process';

const packing = ['pack', 'publish'].includes(process.env['npm_command'] ?? '');
if (existsSync('node_modules/typescript')) {
	const {status} = spawnSync('npm run build', {shell: true, stdio: 'inherit'});
	process.exitCode = status ?? 1;
} else if (packing) {
	process.stderr.write('a package needs the programs built: run `npm ci` first\n');
	process.exitCode = 1;
}
