import {formatAge, formatCount, millisFigure, shareFigure} from '../../../text/figures.js';
import {findingWords} from '../../observe/path-finding.js';
import {keyed, make, setAttribute, setText} from './elements.js';
import {order} from './steer.js';

/** A shape and a word for each state: neither needs a colour. */
const STATES = {up: '● up', suspect: '◐ suspect', new: '○ new', down: '✕ down'};
const IDLE = '○ not up';

const USES = {use: 'Use', backup: 'Backup', hold: 'Hold'};

/** The figures of a path, each with its words for a narrow page. */
const FIGURES = [
	['rtt', 'round trip, ms'],
	['jitter', 'jitter, ms'],
	['lossOut', 'loss out, %'],
	['lossIn', 'loss in, %'],
	['rateOut', 'rate out, kbit/s'],
	['rateIn', 'rate in, kbit/s'],
	['queueOut', 'queue out, ms'],
	['queueIn', 'queue in, ms'],
	['mtu', 'largest packet'],
];

/** Shows the paths of a session, and those of a client that it does not have. */
export function showPaths(table, paths, steering) {
	table.classList.toggle('steered', steering);
	keyed(table.tBodies[0], paths, {
		key: ({id}) => id,
		create: (path) => createRow(path),
		update: (row, path) => updateRow(row, path, steering),
	});
}

/** All that is shown of each path of a client or of a session, in the order of their ids. */
export function pathsOf({places}, session, rateOf) {
	const known = session?.paths ?? [];
	const idle = places.filter(({id}) => !known.some((path) => path.id === id));
	const shown = known.map((path) => {
		const place = places.find(({id}) => id === path.id);
		return {
			id: path.id,
			name: place?.name ?? path.name,
			where: place === undefined ? path.remote : whereOf(place),
			state: path.state,
			words: STATES[path.state],
			reason: reasonOf(path.down, place?.finding),
			backup: path.backup,
			metered: path.metered,
			held: path.held === true,
			rtt: millisFigure(path.rtt),
			jitter: millisFigure(path.jitter),
			lossOut: shareFigure(path.sending.dataLoss ?? path.sending.loss),
			lossIn: shareFigure(path.receiving.loss),
			rateOut: rateOf(path.id, 'rateOut'),
			rateIn: rateOf(path.id, 'rateIn'),
			queueOut: millisFigure(path.sending.queueing),
			queueIn: millisFigure(path.receiving.queueing),
			mtu: formatCount(path.mtu),
		};
	});
	const others = idle.map((place) => ({
		id: place.id,
		name: place.name,
		where: whereOf(place),
		state: 'idle',
		words: IDLE,
		reason: reasonOf(undefined, place.finding),
	}));
	return [...shown, ...others].toSorted((a, b) => a.id - b.id);
}

function whereOf({remotes, target}) {
	return remotes.length === 0 ? target : remotes.join(', ');
}

function reasonOf(down, finding) {
	if (down !== undefined) return `for ${formatAge(down.age)}: ${down.reason}`;
	return finding === undefined ? '' : `for ${formatAge(finding.for)}: ${findingWords(finding)}`;
}

function createRow({name}) {
	const figures = FIGURES.map(([, label]) => make('td', {class: 'figure', 'data-label': label}));
	const buttons = Object.entries(USES).map(([use, word]) => {
		const button = make('button', {type: 'button', 'data-use': use}, word);
		button.addEventListener('click', () => {
			const path = button.closest('tr').dataset.name;
			void order(`${use} ${path}`, {action: use, path});
		});
		return button;
	});
	return make(
		'tr',
		{'data-name': name},
		make(
			'th',
			{scope: 'row'},
			make('span', {class: 'swatch', 'aria-hidden': 'true'}),
			make('span', {class: 'name'}),
			make('small', {class: 'where'}),
		),
		make('td', {class: 'state'}, make('span', {class: 'chip'}), make('small', {class: 'reason'})),
		...figures,
		make('td', {class: 'use'}, make('div', {class: 'segments', role: 'group'}, ...buttons)),
	);
}

function updateRow(row, path, steering) {
	row.dataset.name = path.name;
	row.dataset.state = path.state;
	setText(row.querySelector('.name'), path.name);
	const marks = ['held', 'backup', 'metered'].filter((mark) => path[mark] === true);
	setText(row.querySelector('.where'), [path.where, ...marks].filter(Boolean).join(' · '));
	setAttribute(row.querySelector('.swatch'), 'data-line', String(path.id % 8));
	const chip = row.querySelector('.state .chip');
	setText(chip, path.words);
	setAttribute(chip, 'data-kind', path.state);
	setText(row.querySelector('.reason'), path.reason);
	for (const [index, [name]] of FIGURES.entries()) {
		const text = path[name] ?? '-';
		setText(row.cells[index + 2], text === '-' ? '–' : text);
	}
	const use = path.held ? 'hold' : path.backup ? 'backup' : 'use';
	const group = row.querySelector('.segments');
	setAttribute(group, 'aria-label', `Use of path ${path.name}`);
	for (const button of group.children) {
		setAttribute(button, 'aria-pressed', String(button.dataset.use === use));
		button.disabled = !steering;
	}
}
