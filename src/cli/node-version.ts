import process from 'node:process';

/**
 * The oldest version of Node.js that the programs run on; `engines` in package.json is the same.
 */
export const OLDEST_NODE = '20.19';

/** True when `version`, such as `v20.19.1`, is OLDEST_NODE or newer. */
export function isSupported(version: string): boolean {
	const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
	const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
	return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * Ends the process with one line and exit code 1 on a version that is too old. Called before any
 * other module is loaded, since those may already fail there in ways that explain nothing.
 */
export function requireNode(program: string): void {
	if (isSupported(process.version)) return;
	const {version} = process;
	process.stderr.write(`${program}: needs Node.js ${OLDEST_NODE} or newer, this is ${version}\n`);
	process.exit(1);
}
