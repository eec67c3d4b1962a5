import {closeSync, fstatSync, fsyncSync, openSync, rmSync, writeSync} from 'node:fs';
import {Command} from 'commander';
import {ConfigError} from '../config/errors.ts';
import {systemReason} from '../config/text-file.ts';
import {formatKey, generateKey} from '../crypto/keys.ts';
import {SystemRandom} from '../crypto/system-random.ts';
import {quoteText} from '../text/escape-text.ts';

/**
 * `mptunnel keygen [FILE]`: a new key into FILE (0600, never over an existing file), or on stdout
 * without FILE, with a warning where that is a file that others can read (`output` is its
 * descriptor). Its action throws a ConfigError when the file cannot be made.
 */
export function keygenCommand(
	write: (text: string) => void = (text) => process.stdout.write(text),
	warn: (text: string) => void = (text) => process.stderr.write(text),
	output = 1,
): Command {
	return new Command('keygen')
		.description('make a key for both ends')
		.argument('[FILE]', 'where to write it, readable by you alone (default: stdout)')
		.addHelpText('after', '\nExample:\n  mptunnel keygen tunnel.key\n')
		.action((file: string | undefined) => {
			const key = `${formatKey(generateKey(new SystemRandom()))}\n`;
			if (file === undefined) {
				write(key);
				warnOfReaders(output, warn);
			} else writeKeyFile(file, key);
		});
}

function warnOfReaders(output: number, warn: (text: string) => void): void {
	let mode: number;
	try {
		const stats = fstatSync(output);
		// Windows reports modes that do not show who can read.
		if (!stats.isFile() || process.platform === 'win32') return;
		({mode} = stats);
	} catch {
		// It has been closed; nothing was written then.
		return;
	}
	if ((mode & 0o044) === 0) return;
	const shown = (mode & 0o777).toString(8).padStart(4, '0');
	warn(
		`mptunnel keygen: other users can read the file with this key (mode ${shown}): ` +
			'chmod 600 it, and next time name the file (mptunnel keygen FILE)\n',
	);
}

function writeKeyFile(path: string, text: string): void {
	let descriptor: number;
	try {
		descriptor = openSync(path, 'wx', 0o600);
	} catch (error) {
		throw refusal(path, error);
	}
	try {
		writeSync(descriptor, text);
		fsyncSync(descriptor);
	} catch (error) {
		// Half a key in a file that is never written over would be in the way for good.
		rmSync(path, {force: true});
		throw refusal(path, error);
	} finally {
		closeSync(descriptor);
	}
}

function refusal(path: string, error: unknown): ConfigError {
	const reason = `key file ${quoteText(path)} is not written: ${systemReason(error)}`;
	return new ConfigError([{where: '', field: '', reason}]);
}
