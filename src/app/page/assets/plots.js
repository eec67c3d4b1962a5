import {byId, keyed, make, setText} from './elements.js';

/** The plots: a row of the page is what both directions share, then out, then in. */
const PLOTS = [
	{name: 'rtt', title: 'Round trip', unit: 'ms'},
	{name: 'lossOut', title: 'Loss out', unit: '%', factor: 100},
	{name: 'lossIn', title: 'Loss in', unit: '%', factor: 100},
	{name: 'jitter', title: 'Jitter', unit: 'ms'},
	{name: 'rateOut', title: 'Rate out', unit: 'kbit/s', factor: 0.001},
	{name: 'rateIn', title: 'Rate in', unit: 'kbit/s', factor: 0.001},
	{name: 'mtu', title: 'Largest packet', unit: 'bytes'},
	{name: 'queueOut', title: 'Queue out', unit: 'ms'},
	{name: 'queueIn', title: 'Queue in', unit: 'ms'},
];

/** Dashes by the number of a path: lines differ without a colour. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [5, 2], [2, 6], [10, 3, 2, 3, 2, 3]];
const HEIGHT = 132;

/** The plots of all paths, with one cursor for all. */
export class Plots {
	#parent = byId('plots');
	#views = new Map();
	#paths = [];
	#made = '';

	constructor() {
		keyed(this.#parent, PLOTS, {
			key: ({name}) => name,
			create: (plot) => this.#createFigure(plot),
			update: () => {},
		});
		const redraw = () => {
			this.#made = '';
		};
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
		new ResizeObserver(() => this.#resize()).observe(this.#parent);
	}

	/**
	 * Draws the last `seconds` of these paths.
	 * @param paths `{id, name, series}` each
	 */
	show(rows, paths, seconds) {
		const wanted = paths.map(({id, series}) => `${id}:${series}`).join();
		if (wanted !== this.#made) this.#remake(paths);
		this.#made = wanted;
		this.#paths = paths;
		const {start, end} = rows.span(seconds);
		const first = rows.times.findIndex((time) => time >= start);
		const times = rows.times.slice(Math.max(0, first));
		for (const [name, view] of this.#views) {
			const {factor = 1} = view.plot;
			const columns = paths.map(({series}) =>
				rows
					.column(series, name)
					.slice(Math.max(0, first))
					.map((value) => (value === null ? null : value * factor)),
			);
			view.columns = columns;
			view.chart.setData([times, ...columns], false);
			view.chart.batch(() => {
				view.chart.setScale('x', {min: start, max: end});
			});
			this.#showValues(view, view.chart.cursor.idx ?? times.length - 1);
		}
		this.#legend(paths);
	}

	#createFigure({name, title, unit}) {
		return make(
			'figure',
			{class: 'card plot', 'data-plot': name},
			make(
				'figcaption',
				{},
				make('h3', {}, title, ' ', make('small', {}, unit)),
				make('ul', {class: 'values'}),
			),
			make('div', {
				class: 'chart',
				tabindex: '0',
				role: 'img',
				'aria-label': `${title} in ${unit}`,
			}),
		);
	}

	#remake(paths) {
		const style = getComputedStyle(document.documentElement);
		for (const {chart} of this.#views.values()) chart.destroy();
		this.#views.clear();
		for (const plot of PLOTS) {
			const figure = this.#parent.querySelector(`[data-plot=${plot.name}]`);
			const place = figure.querySelector('.chart');
			const view = {plot, columns: [], list: figure.querySelector('.values'), place};
			view.chart = new uPlot(
				this.#options(view, paths, style),
				[[], ...paths.map(() => [])],
				place,
			);
			place.onkeydown = (event) => moveCursor(event, view.chart);
			this.#views.set(plot.name, view);
		}
	}

	#options(view, paths, style) {
		const colour = (name) => style.getPropertyValue(name).trim();
		const axis = {
			stroke: colour('--quiet'),
			font: `11px ${colour('--font')}`,
			grid: {stroke: colour('--line'), width: 1},
			ticks: {show: false},
		};
		return {
			width: Math.max(120, view.place.clientWidth),
			height: HEIGHT,
			legend: {show: false},
			padding: [8, 6, 0, 0],
			cursor: {
				sync: {key: 'paths', setSeries: false},
				drag: {x: false, y: false},
				points: {size: 6},
			},
			scales: {x: {time: true}, y: {range: () => [0, roundUp(highestOf(view.columns))]}},
			axes: [
				{...axis, size: 26, space: 64, values: (_, splits) => splits.map(clock)},
				{...axis, size: 46, space: 28, values: (_, splits) => splits.map(short)},
			],
			series: [
				{},
				...paths.map(({id}) => ({
					stroke: colour(`--path-${id % 8}`),
					width: 1.75,
					dash: DASHES[id % 8],
					spanGaps: false,
					points: {show: false},
				})),
			],
			hooks: {setCursor: [(chart) => this.#showValues(view, chart.cursor.idx)]},
		};
	}

	/** The values at the cursor, else the last ones, as text. */
	#showValues({plot, columns, list, place}, index) {
		const at = index ?? (columns[0]?.length ?? 0) - 1;
		const items = this.#paths.map(({id, name}, path) => ({
			id,
			name,
			text: figure(columns[path]?.[at]),
		}));
		keyed(list, items, {
			key: ({id}) => id,
			create: ({id}) =>
				make(
					'li',
					{},
					make('span', {class: 'swatch', 'data-line': String(id % 8), 'aria-hidden': 'true'}),
					make('span', {class: 'hidden'}),
					make('span', {class: 'figure'}),
				),
			update(item, {name, text}) {
				setText(item.children[1], `${name} `);
				setText(item.children[2], text);
				item.title = name;
			},
		});
		const words = items.map(({name, text}) => `${name} ${text}`).join(', ');
		place.setAttribute('aria-label', `${plot.title} in ${plot.unit}: ${words}`);
	}

	#legend(paths) {
		keyed(byId('legend'), paths, {
			key: ({id}) => id,
			create: ({id}) =>
				make('li', {}, make('span', {class: 'swatch', 'data-line': String(id % 8)}), make('span')),
			update: (item, {name}) => setText(item.lastElementChild, name),
		});
	}

	#resize() {
		for (const {chart, place} of this.#views.values()) {
			const width = Math.max(120, place.clientWidth);
			if (width !== chart.width) chart.setSize({width, height: HEIGHT});
		}
	}
}

/** The arrow keys move the cursor of all plots by a row. */
function moveCursor(event, chart) {
	const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
	const times = chart.data[0];
	if (event.key === 'Escape') chart.setCursor({left: -10, top: -10});
	if (step === undefined || times.length === 0) return;
	event.preventDefault();
	const index = Math.min(times.length - 1, Math.max(0, (chart.cursor.idx ?? times.length) + step));
	chart.setCursor({left: chart.valToPos(times[index], 'x'), top: 4}, true);
}

/** The highest value; one that stands out would flatten all others, and leaves the plot instead. */
function highestOf(columns) {
	const values = columns.flat().filter((value) => value !== null);
	if (values.length === 0) return 0;
	const sorted = Float64Array.from(values).sort();
	const usual = sorted[Math.floor((values.length - 1) * 0.98)];
	const highest = sorted[values.length - 1];
	return usual > 0 && highest > 4 * usual ? 1.5 * usual : highest;
}

function roundUp(highest) {
	if (!(highest > 0)) return 1;
	const unit = 10 ** Math.floor(Math.log10(highest));
	return Math.ceil((highest * 1.1 * 2) / unit) * (unit / 2);
}

function clock(seconds) {
	const date = new Date(seconds * 1000);
	const two = (number) => String(number).padStart(2, '0');
	const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
	return date.getSeconds() === 0 ? minutes : `${minutes}:${two(date.getSeconds())}`;
}

function short(value) {
	if (value >= 1e6) return `${value / 1e6}M`;
	if (value >= 1e4) return `${value / 1e3}k`;
	return String(Number(value.toPrecision(4)));
}

function figure(value) {
	if (value === null || value === undefined) return '–';
	if (value === 0) return '0';
	return value >= 100
		? Math.round(value).toLocaleString('en-US')
		: value.toFixed(value < 1 ? 2 : 1);
}
