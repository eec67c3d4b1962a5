import {byId, keyed, make, setText} from './elements.js';

/** Numbers of the states in a row; what is less is up. */
const [SUSPECT, NEW, DOWN] = [1, 2, 3];
const ROW = 22;
const LEFT = 92;
const BOTTOM = 20;
const MARKS = {up: '▲', down: '▼', note: '◆'};
const SHOWN = 60;

/** Draws a band for each path, high while it is up, and a mark for each thing that happened. */
export function showTimeline(rows, paths, seconds, happened) {
	const canvas = byId('timeline');
	const width = canvas.clientWidth;
	const height = (paths.length + 1) * ROW + BOTTOM;
	const ratio = devicePixelRatio;
	canvas.style.height = `${height}px`;
	canvas.width = width * ratio;
	canvas.height = height * ratio;
	const pen = canvas.getContext('2d');
	pen.scale(ratio, ratio);
	const style = getComputedStyle(document.documentElement);
	const colour = (name) => style.getPropertyValue(name).trim();
	pen.font = `12px ${colour('--font')}`;
	pen.textBaseline = 'middle';
	const {start, end} = rows.span(seconds);
	const place = (time) => LEFT + ((time - start) / (end - start)) * (width - LEFT - 8);
	for (const [index, {name, series}] of paths.entries()) {
		const middle = index * ROW + ROW / 2;
		pen.fillStyle = colour('--text');
		pen.fillText(shorten(pen, name, LEFT - 10), 0, middle);
		band({pen, colour, place, middle}, rows, rows.column(series, 'state'), start);
	}
	const middle = paths.length * ROW + ROW / 2;
	pen.fillStyle = colour('--quiet');
	pen.fillText('events', 0, middle);
	for (const {time, mark} of happened) {
		if (time / 1000 < start || time / 1000 > end) continue;
		pen.fillStyle = colour({up: '--good', down: '--bad', note: '--quiet'}[mark]);
		pen.fillText(MARKS[mark], place(time / 1000) - 5, middle);
	}
	times({pen, colour, place}, start, end, height);
	showEvents(happened);
}

function band(canvas, rows, states, start) {
	const gap = rows.times.length > 1 ? rows.times.at(-1) - rows.times.at(-2) : 1;
	let from;
	for (const [index, time] of rows.times.entries()) {
		if (time < start) continue;
		from ??= time - gap;
		const state = states[index];
		if (index + 1 < rows.times.length && states[index + 1] === state) continue;
		if (state !== null) segment(canvas, state, Math.max(from, start), time);
		from = time;
	}
}

function segment({pen, colour, place, middle}, state, from, to) {
	const left = place(from);
	const width = Math.max(1, place(to) - left);
	if (state < SUSPECT) {
		pen.fillStyle = colour('--good-band');
		pen.fillRect(left, middle - 6, width, 12);
	} else if (state < DOWN) {
		pen.fillStyle = colour(state < NEW ? '--warn' : '--quiet');
		pen.fillRect(left, middle - 2, width, 4);
	} else {
		pen.strokeStyle = colour('--bad');
		pen.lineWidth = 1.5;
		pen.strokeRect(left + 0.75, middle - 5.25, Math.max(1, width - 1.5), 10.5);
		pen.fillStyle = colour('--bad');
		if (width > 40) pen.fillText('down', left + 5, middle + 0.5);
	}
}

function times({pen, colour, place}, start, end, height) {
	const seconds = end - start;
	pen.fillStyle = colour('--quiet');
	pen.textAlign = 'center';
	const narrow = place(end) - place(start) < 480;
	const parts = narrow ? 2 : Math.round(seconds) === 600 ? 5 : 6;
	for (let part = 0; part <= parts; part++) {
		const share = part / parts;
		const ago = Math.round((1 - share) * seconds);
		const text = agoWords(ago);
		const x = place(start + share * seconds);
		pen.textAlign = share === 1 ? 'right' : share === 0 ? 'left' : 'center';
		pen.fillText(text, x, height - BOTTOM / 2);
	}
	pen.textAlign = 'left';
}

function agoWords(seconds) {
	if (seconds === 0) return 'now';
	const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
	if (minutes === 0) return `−${seconds} s`;
	return `−${minutes}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`} min`;
}

function shorten(pen, text, width) {
	if (pen.measureText(text).width <= width) return text;
	let cut = text.slice(0, 24);
	while (cut.length > 1 && pen.measureText(`${cut}…`).width > width) cut = cut.slice(0, -1);
	return `${cut}…`;
}

/** The same as text, the newest first. */
function showEvents(happened) {
	const items = happened.slice(-SHOWN).toReversed();
	const list = byId('happened');
	if (items.length === 0) items.push({time: undefined, mark: 'note', text: 'nothing yet'});
	keyed(list, items, {
		key: ({time, text}) => `${time} ${text}`,
		create: () =>
			make(
				'li',
				{},
				make('span', {class: 'sign', 'aria-hidden': 'true'}),
				make('time'),
				make('span'),
			),
		update(item, {time, mark, text}) {
			item.dataset.mark = mark;
			setText(item.children[0], MARKS[mark]);
			setText(
				item.children[1],
				time === undefined ? '' : new Date(time).toLocaleTimeString('en-GB'),
			);
			setText(item.children[2], text);
		},
	});
}
