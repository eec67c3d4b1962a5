import {cpSync, existsSync, readdirSync, readFileSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {isSupported, OLDEST_NODE} from '../src/cli/node-version.ts';
import {attempt, run} from './support/machine/commands.ts';
import {temporaryFolder} from './support/machine/options.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

interface LockedPackage {
	readonly dev?: boolean;
	readonly optional?: boolean;
}

test.serial('packing builds, and the package holds the programs and what its README names', (t) => {
	// Only what git would bring: without a build.
	const folder = temporaryFolder(t);
	const parts = [
		...['src', 'fixtures', 'package.json', 'tsconfig.json', 'README.md', 'LICENSE'],
		...['.github', 'test/README.md', 'test/bench/README.md'],
	];
	for (const part of parts) cpSync(join(root, part), join(folder, part), {recursive: true});
	symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
	run('npm', ['pack', '--silent'], {cwd: folder});
	const tarball = join(folder, `mptunnel-${manifest.version}.tgz`);
	run('tar', ['xzf', tarball], {cwd: folder});
	const unpacked = join(folder, 'package');
	symlinkSync(join(root, 'node_modules'), join(unpacked, 'node_modules'));
	for (const [name, file] of Object.entries<string>(manifest.bin)) {
		const program = attempt(process.execPath, [join(unpacked, file), '--version']);
		t.is(program.stdout, `${manifest.version}\n`, name);
	}
	const files = run('tar', ['tzf', tarball]).split('\n');
	t.deepEqual(
		files.filter((file) => file.endsWith('.map')),
		[],
	);
	const schemas = readdirSync(join(root, 'fixtures/config')).filter((name) => /schema/.test(name));
	t.is(schemas.length, 4);
	const packed = files.filter((file) => file.startsWith('package/fixtures/config/'));
	t.deepEqual(
		packed.toSorted(),
		schemas.map((name) => `package/fixtures/config/${name}`).toSorted(),
	);
	const readme = readFileSync(join(unpacked, 'README.md'), 'utf8');
	const documents = [...readme.matchAll(/`([\w./-]+\.md)`/g)].map(([, name]) => name!);
	t.true(documents.length > 0);
	for (const name of documents) t.true(existsSync(join(unpacked, name)), name);
});

test('an installation brings no package that nothing loads', (t) => {
	const {packages} = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
		packages: Record<string, LockedPackage>;
	};
	const installed = Object.entries(packages).filter(
		([path, {dev, optional}]) => path !== '' && dev !== true && optional !== true,
	);
	t.deepEqual(
		installed.map(([path]) => path.replace('node_modules/', '')),
		[
			...['@noble/ciphers', '@opentelemetry/api', 'bintrees', 'commander', 'prom-client'],
			...['tdigest', 'uplot', 'uqr', 'yaml'],
		],
	);
});

test('an older Node.js is refused in one line', (t) => {
	t.is(manifest.engines.node, `>=${OLDEST_NODE}`);
	for (const version of ['v20.19.0', 'v20.20.2', 'v22.0.0', 'v26.1.0'])
		t.true(isSupported(version));
	for (const version of ['v18.20.4', 'v20.18.3', 'v12.22.12']) t.false(isSupported(version));
	for (const [name, file] of Object.entries<string>(manifest.bin)) {
		const pose =
			'Object.defineProperty(process, "version", {value: "v18.20.4"}); delete Array.prototype.toSorted;';
		const argv = ['--import', `data:text/javascript,${encodeURIComponent(pose)}`, join(root, file)];
		const {status, stderr} = attempt(process.execPath, argv);
		t.is(stderr, `${name}: needs Node.js 20.19 or newer, this is v18.20.4\n`);
		t.is(status, 1);
	}
});
