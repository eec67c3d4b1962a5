import {formatAge, formatBytes, formatCount} from '../../../text/figures.js';
import {byId, fillFigures, fillNothing, fillTable, make, setText} from './elements.js';

const LOG_LINES = 200;

/** Shows what is known of a session besides its paths and lanes. */
export function showTraffic({streams, waiting}, session) {
	const none = '–';
	const count = (number) => (number === undefined ? none : formatCount(number));
	const tcp = session?.streams;
	fillFigures(byId('traffic'), [
		['flows', count(session?.flows)],
		['TCP connections', count(tcp?.now ?? streams)],
		['datagrams sent', count(session?.datagramsSent)],
		['datagrams received', count(session?.datagramsReceived)],
		['datagrams split', count(session?.datagramsSplit)],
		['TCP sent', tcp === undefined ? none : formatBytes(tcp.sent)],
		['TCP received', tcp === undefined ? none : formatBytes(tcp.received)],
		['waiting', count(waiting)],
	]);
}

const FLOW_HEADER = ['target', 'kind', 'policy', 'user', 'sent', 'received', 'age'];
const FLOW_FIGURES = new Set([4, 5, 6]);

/** Shows the flows and connections that carried most. */
export function showFlows(flows) {
	const place = byId('flows');
	if (flows.length === 0) {
		fillNothing(place, 'No flow and no connection.');
		return;
	}
	const rows = flows.map(({kind, user, target, others, policy, sent, received, age}, index) => [
		index,
		others > 0 ? `${target} and ${formatCount(others)} more` : target,
		kind,
		policy ?? '–',
		user || '–',
		formatBytes(sent),
		formatBytes(received),
		formatAge(age),
	]);
	fillTable(place, FLOW_HEADER, rows, FLOW_FIGURES);
}

const USER_HEADER = ['user', 'sessions', 'flows', 'sent', 'received', 'target', 'refused'];
const USER_FIGURES = new Set([1, 2, 3, 4]);

/** Shows the users of a server. */
export function showUsers({users}, more) {
	byId('users-section').hidden = !(users?.length > 0);
	if (!(users?.length > 0)) return;
	const rows = users.map((user) => [
		user.name,
		user.name === '' ? '–' : user.name,
		...[user.sessions, user.flows, user.datagramsSent, user.datagramsReceived].map(formatCount),
		[user.target, user.exit ? 'chosen targets' : undefined].filter(Boolean).join(', ') || '–',
		words(user.refused) || 'nothing',
	]);
	if (more > 0) rows.push(['more', `and ${formatCount(more)} more`, ...Array(6).fill('')]);
	fillTable(byId('users'), USER_HEADER, rows, USER_FIGURES);
}

function words(counts) {
	return Object.entries(counts)
		.map(([reason, count]) => `${reason} ${formatCount(count)}`)
		.join(', ');
}

/** Shows the drops by their reasons, the most frequent first. */
export function showDrops({drops}) {
	const rows = Object.entries(drops).toSorted(([, a], [, b]) => b - a);
	const place = byId('drops');
	if (rows.length === 0) fillNothing(place, 'Nothing was dropped.');
	else {
		const cells = rows.map(([reason, count]) => [reason, reason, formatCount(count)]);
		fillTable(place, ['reason', 'datagrams'], cells, new Set([1]));
	}
}

/** Adds lines to the log; it stays at its end while that is in view. */
export function addLog(lines, anew) {
	const log = byId('log');
	const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
	if (anew) log.replaceChildren();
	for (const line of lines) {
		const [, level = 'info'] = /^\S+ (error|warn|info|debug) /.exec(line) ?? [];
		log.append(make('li', {'data-level': level}, line));
	}
	while (log.childElementCount > LOG_LINES) log.firstElementChild.remove();
	if (atEnd || anew) log.scrollTop = log.scrollHeight;
}

/** Shows the program and its surroundings in a line. */
export function showFacts(status) {
	const {program, version, pid, uptime, crypto, io, keyless, encrypt, listening} = status;
	const {target, exit, socks, forwards = []} = status;
	const facts = [
		`version ${version}`,
		`up ${formatAge(uptime)}`,
		`pid ${pid}`,
		`${crypto}, ${io}`,
		listening.length === 0 ? 'not listening' : `listening on ${listening.join(', ')}`,
	];
	if (target !== undefined) facts.push(`target ${target}`);
	if (exit) facts.push('clients may choose targets');
	if (socks !== undefined) facts.push(`SOCKS5 on ${socks.listening.join(', ')}`);
	for (const {protocol, listening: place, target: to} of forwards) {
		facts.push(`${protocol} ${place.join(', ')} to ${to}`);
	}
	if (keyless) facts.unshift('NO KEY');
	if (!encrypt) facts.unshift('NOT ENCRYPTED');
	setText(byId('program'), program);
	setText(byId('facts'), facts.join(' · '));
	document.title = `${program} · mptunnel`;
}
