import {formatAge, formatCount} from '../../../text/figures.js';
import {byId, keyed, make, setAttribute, setText} from './elements.js';
import {showLanes} from './lanes.js';
import {Past} from './past.js';
import {pathsOf, showPaths} from './paths.js';
import {Plots} from './plots.js';
import {order} from './steer.js';
import {addLog, showDrops, showFacts, showFlows, showTraffic, showUsers} from './tables.js';
import {showTimeline} from './timeline.js';

/** Time without news after which the page calls itself old. */
const OLD = 5000;

const page = {
	past: undefined,
	plots: new Plots(),
	steering: false,
	status: undefined,
	more: {sessions: 0, users: 0},
	series: [],
	flows: [],
	newsAt: undefined,
};

function start() {
	const events = new EventSource('events');
	events.addEventListener('past', ({data}) => {
		const past = JSON.parse(data, present);
		page.past = new Past(past);
		page.steering = past.steering;
		byId('reload').hidden = !past.steering;
		addLog(past.log, true);
		take(past);
	});
	events.addEventListener('tick', ({data}) => {
		const tick = JSON.parse(data, present);
		page.past.add(tick);
		addLog(tick.log, false);
		take(tick);
	});
	events.addEventListener('error', () => showConnection());
	byId('session').addEventListener('change', show);
	for (const radio of document.getElementsByName('window')) radio.addEventListener('change', show);
	byId('reload').addEventListener('click', () => void order('reload', {action: 'reload'}));
	// What scrolls can be scrolled with the keys.
	for (const id of ['log', 'happened']) byId(id).tabIndex = 0;
	setInterval(showConnection, 1000);
}

/** What is not there is undefined, as it was in the program. */
function present(_, value) {
	return value === null ? undefined : value;
}

function take({status, more, series, flows = page.flows}) {
	if (status === undefined) return;
	page.flows = flows;
	page.status = status;
	page.more = more;
	page.series = series;
	page.newsAt = performance.now();
	show();
}

function show() {
	const {status, more, past, plots, steering, series} = page;
	if (status === undefined) return;
	showSessions(status.sessions, more.sessions);
	const chosen = Number(byId('session').value);
	const session = status.sessions.find((one) => one.session === chosen) ?? status.sessions[0];
	const own = new Map(
		series.filter((one) => one.session === session?.session).map((one) => [one.id, one.series]),
	);
	const rateOf = (id, name) => {
		const value = past.fine.column(own.get(id), name).at(-1);
		return value === null || value === undefined ? '-' : formatCount(Math.round(value / 1000));
	};
	const paths = pathsOf(status, session, rateOf);
	const seconds = Number(document.querySelector('[name=window]:checked').value);
	const drawn = paths.map(({id, name}) => ({id, name, series: own.get(id)}));
	showConnection();
	showFacts(status);
	showLanes(byId('lanes'), status, session);
	showPaths(byId('path-table'), paths, steering);
	plots.show(past.rows(seconds), drawn, seconds);
	showTimeline(past.rows(seconds), drawn, seconds, past.happened);
	showTraffic(status, session);
	showFlows(page.flows);
	showUsers(status, more.users);
	showDrops(status);
}

function showSessions(sessions, more) {
	byId('picker').hidden = sessions.length < 2;
	keyed(byId('session'), sessions, {
		key: ({session}) => session,
		create: ({session}) => make('option', {value: String(session)}),
		update(option, {session, user}) {
			const number = (session >>> 0).toString(16).padStart(8, '0');
			setText(option, user === '' ? number : `${user} ${number}`);
		},
	});
	byId('picker').title = more > 0 ? `and ${formatCount(more)} more that are not shown` : '';
}

function showConnection() {
	const [kind, text] = connectionWords(page.status);
	setText(byId('connection'), text);
	setAttribute(byId('connection'), 'data-kind', kind);
	document.body.classList.toggle('old', kind === 'old');
}

function connectionWords(status) {
	if (status === undefined) return ['none', '… no news yet'];
	const silence = performance.now() - page.newsAt;
	if (silence > OLD) return ['old', '✕ no news: the program does not answer this page'];
	const {program, connection, sessions} = status;
	if (program === 'mpserver')
		return [
			'up',
			`● serving ${formatCount(sessions.length + page.more.sessions)} ${sessions.length === 1 ? 'session' : 'sessions'}`,
		];
	if (connection?.up) return ['up', '● connected'];
	const why = connection?.reason ? `: ${connection.reason}` : '';
	return ['down', `✕ no connection for ${formatAge(connection?.for ?? 0)}${why}`];
}

start();
