import {copyFileSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {freePort} from '../support/e2e/ports.ts';
import {Stage} from '../support/e2e/stage.ts';
import {temporaryFolder} from '../support/machine/options.ts';

const SAID = 'two clients used one client id';

function clientIdIn(folder: string): string {
	return JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')).clientId;
}

test.serial(
	'a client with a copy of a state folder gets an identity of its own, and keeps it',
	async (t) => {
		const stage = new Stage(t);
		const tunnel = await stage.tunnel({lines: (port) => [`127.0.0.1 ${port}`]});
		await tunnel.start(1);
		const own = tunnel.stateOf('client');
		const former = clientIdIn(own);
		const copy = temporaryFolder(t);
		mkdirSync(copy, {recursive: true});
		copyFileSync(join(own, 'state.json'), join(copy, 'state.json'));
		const {application} = tunnel;
		application.start(100);
		await application.hears(100);

		const listen = await freePort();
		const file = stage.write('copy.conf', `127.0.0.1 ${tunnel.port}\n`);
		const words = [file, '--listen', `127.0.0.1:${listen}`, '--key-file', stage.path('tunnel.key')];
		const clone = stage.program('mpclient', [...words, '--state', copy]);
		await clone.says(SAID);
		await tunnel.server.says(SAID);
		const other = await stage.application(listen);
		await application.isAnswered();
		const settled = application.sentAt.length;
		other.start(100);
		await Promise.all([application.hears(300), other.hears(300)]);
		t.deepEqual(
			(await application.settle()).filter((number) => number >= settled),
			[],
		);
		t.deepEqual(await other.settle(), []);
		t.is(clientIdIn(own), former);
		t.regex(clientIdIn(copy), /^[0-9a-f]{32}$/);
		t.not(clientIdIn(copy), former);
		t.is(tunnel.server.stderr.split(SAID).length, 2, 'said once');
		t.false(tunnel.client.stderr.includes(SAID));
		t.is((await tunnel.status('server'))?.sessions.length, 2);
	},
);
