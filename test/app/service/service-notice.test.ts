import test from 'ava';
import type {StatusSnapshot} from '../../../src/app/observe/status.ts';
import {openNotify} from '../../../src/app/service/notify.ts';
import {ServiceNotice, statusWords} from '../../../src/app/service/service-notice.ts';
import {PLAIN_SNAPSHOT} from '../observe/plain-snapshot.ts';

const SERVER: StatusSnapshot = {...PLAIN_SNAPSHOT, program: 'mpserver', sessions: []};
const place = {id: 0, name: 'a', target: 'a:1', remotes: [], localPorts: []};
const CLIENT: StatusSnapshot = {...SERVER, program: 'mpclient', places: [place]};

function notice(env: NodeJS.ProcessEnv = {}) {
	const sent: string[] = [];
	return {sent, service: new ServiceNotice({notify: (text) => sent.push(text), env, pid: 7})};
}

test('a program is ready with its status, reloads and stops', (t) => {
	const {sent, service} = notice();
	service.ready(() => SERVER);
	service.reloading();
	service.reloaded();
	service.stopping();
	t.regex(sent[1] ?? '', /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
	t.deepEqual(sent.toSpliced(1, 1), ['READY=1\nSTATUS=0 clients', 'READY=1', 'STOPPING=1']);
});

test('the words of a status are one line', (t) => {
	t.is(statusWords({...CLIENT, connection: {up: true, for: 1, reason: ''}}), '0 of 1 paths up');
	const reason = 'a\nSTOPPING=1';
	const down = {...CLIENT, connection: {up: false, for: 1, reason}};
	t.is(statusWords(down), '0 of 1 paths up, no connection: a\\nSTOPPING=1');
	t.is(statusWords({...CLIENT, sessions: []}), '0 of 1 paths up, no connection');
});

test('without a socket of a manager there is nothing to send to', (t) => {
	for (const place of [undefined, '', '/', '@', 'x', 'vsock:1:2']) {
		t.is(openNotify(place === undefined ? {} : {NOTIFY_SOCKET: place}), undefined);
	}
	t.is(typeof openNotify({NOTIFY_SOCKET: '/run/x'}), 'function');
});
