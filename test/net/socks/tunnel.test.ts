import {Buffer} from 'node:buffer';
import test, {type ExecutionContext} from 'ava';
import {type RunningClient, startClient} from '../../../src/app/client.ts';
import {formatStatus} from '../../../src/app/observe/status-text.ts';
import {startServer} from '../../../src/app/server.ts';
import type {ClientOptions} from '../../../src/config/client.ts';
import type {SocksOptions} from '../../../src/config/socks.ts';
import {parseRule} from '../../../src/exit/rules.ts';
import {
	arrayLogger,
	portOf,
	testClientOptions,
	testKey,
	testPath,
	testServerOptions,
} from '../../support/machine/options.ts';
import {waitFor} from '../../support/machine/wait-for.ts';
import {ASSOCIATE, GREETING, TcpPeer, UdpBytes} from '../../support/sockets/socks-world.ts';

const SOCKS: SocksOptions = {
	listen: {host: '127.0.0.1', port: 0},
	explicit: true,
	users: [],
	authReply: 1,
	filter: 'none',
	advertise: undefined,
	udpPort: undefined,
	udpAnyPort: false,
};

async function setUp(
	t: ExecutionContext,
	exit: boolean,
): Promise<{client: RunningClient; log: string[]}> {
	const keys = testKey();
	const server = await startServer(
		testServerOptions(t, {
			keys,
			target: {host: '127.0.0.1', port: 9},
			exit: exit ? {allow: [parseRule('127.0.0.1')], deny: [], nat64Prefixes: []} : undefined,
		}),
		arrayLogger([]),
	);
	t.teardown(() => server.close());
	const paths = [testPath(portOf(server.listening[0]))];
	const log: string[] = [];
	const client = await startClient(
		testClientOptions(t, {paths, keys, socks: SOCKS}),
		arrayLogger(log),
	);
	t.teardown(() => client.close());
	return {client, log};
}

async function associate(t: ExecutionContext, {socks}: RunningClient) {
	const tcp = new TcpPeer(portOf(socks));
	t.teardown(() => tcp.socket.destroy());
	tcp.send(GREETING + ASSOCIATE);
	return {tcp, relay: Number.parseInt((await tcp.receive(12)).slice(-4), 16)};
}

function headerTo(host: string, port: number): string {
	const number = port.toString(16).padStart(4, '0');
	return `00000001${Buffer.from(host.split('.').map(Number)).toString('hex')}${number}`;
}

test.serial(
	'datagrams reach the targets that they name, and answers come back from them',
	async (t) => {
		const {client} = await setUp(t, true);
		const {tcp, relay} = await associate(t, client);
		const application = await UdpBytes.open(t);
		const targets = [await UdpBytes.open(t), await UdpBytes.open(t)];
		for (const target of targets) {
			target.socket.on('message', (_bytes, from) => target.send('aa', from.port));
			application.send(`${headerTo('127.0.0.1', target.port)}61`, relay);
		}
		await waitFor(() => application.received.length === 2, 'both answers');
		t.deepEqual(
			application.received.toSorted(),
			targets.map(({port}) => `${headerTo('127.0.0.1', port)}aa`).toSorted(),
		);
		const status = client.status();
		t.deepEqual(status.socks, {listening: [client.socks!], associations: 1});
		t.true(formatStatus(status).includes(`SOCKS5 on ${client.socks}, associations 1`));
		t.is(status.sessions[0]?.flows, 1);
		tcp.socket.end();
		await waitFor(() => client.status().sessions[0]?.flows === 0, 'the end of the flow');
	},
);

test.serial('a target that the server denies is in the log and in the counters', async (t) => {
	const {client, log} = await setUp(t, true);
	const {relay} = await associate(t, client);
	const application = await UdpBytes.open(t);
	application.send(`${headerTo('10.1.2.3', 53)}61`, relay);
	await waitFor(() => client.status().drops['refused-denied'] === 1, 'the refusal');
	const line = log.find((text) => text.includes('the server refuses a target'));
	t.regex(line ?? '', /denied.*10\.1\.2\.3:53/);
});

test.serial('a server that is no exit refuses, and the log says so', async (t) => {
	const {client, log} = await setUp(t, false);
	const {relay} = await associate(t, client);
	const application = await UdpBytes.open(t);
	application.send(`${headerTo('127.0.0.1', 53)}61`, relay);
	await waitFor(() => log.some((text) => text.includes('the server refuses')), 'the refusal');
	t.regex(log.find((text) => text.includes('the server refuses')) ?? '', /no-exit/);
});

async function logOf(t: ExecutionContext, options: Partial<ClientOptions>): Promise<string> {
	const log: string[] = [];
	const client = await startClient(
		testClientOptions(t, {paths: [testPath(9)], ...options}),
		arrayLogger(log),
	);
	t.is(client.socks, undefined);
	t.is(client.status().socks, undefined);
	await client.close();
	return log.join('');
}

test.serial(
	'without a key or encryption the SOCKS5 listener is not started, and the log says why',
	async (t) => {
		t.regex(await logOf(t, {}), /SOCKS5 listener not started.*there is no key/);
		const keys = testKey();
		t.regex(
			await logOf(t, {keys, encrypt: false}),
			/SOCKS5 listener not started.*MPTUNNEL_ENCRYPT=0/,
		);
		t.notRegex(await logOf(t, {socks: false}), /stays shut/);
	},
);

test.serial(
	'a taken port is a warning by default and an error when it was asked for',
	async (t) => {
		const {client} = await setUp(t, false);
		const listen = {host: '127.0.0.1', port: portOf(client.socks)};
		const keys = testKey();
		const byDefault = {...SOCKS, explicit: false, listen};
		t.regex(
			await logOf(t, {keys, socks: byDefault}),
			/warn.*SOCKS5 listener not started.*the port is in use/,
		);
		const explicit = {keys, socks: {...SOCKS, listen}};
		const options = testClientOptions(t, {paths: [testPath(9)], ...explicit});
		await t.throwsAsync(startClient(options, arrayLogger([])), {
			message: `cannot open TCP 127.0.0.1:${listen.port} for SOCKS5: the port is in use`,
		});
	},
);
