/** Returns the element with this id. */
export function byId(id) {
	return document.getElementById(id);
}

/** Makes an element; texts among the children are text, whatever they hold. */
export function make(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value !== undefined) element.setAttribute(name, value);
	}
	element.append(...children);
	return element;
}

/** Changes a text, and touches nothing when it is the same. */
export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

/** Changes an attribute; `undefined` removes it. */
export function setAttribute(element, name, value) {
	if (value === undefined) element.removeAttribute(name);
	else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Makes the children of `parent` those of `items`, in their order. A child that stays is changed in
 * place, so that it keeps its focus.
 */
export function keyed(parent, items, {key, create, update}) {
	const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
	let before = parent.firstElementChild;
	for (const [index, item] of items.entries()) {
		const name = String(key(item, index));
		let child = old.get(name);
		old.delete(name);
		if (child === undefined) {
			child = create(item);
			child.dataset.key = name;
		}
		if (child === before) before = before.nextElementSibling;
		else parent.insertBefore(child, before);
		update(child, item, index);
	}
	for (const child of old.values()) child.remove();
}

/** A table of texts; `figures` are the columns with numbers. */
export function fillTable(parent, header, rows, figures = new Set()) {
	let table = parent.querySelector('table');
	if (table === null) {
		const cells = header.map((name, column) =>
			make('th', {scope: 'col', class: figures.has(column) ? 'figure' : undefined}, name),
		);
		table = make(
			'table',
			{class: 'list'},
			make('thead', {}, make('tr', {}, ...cells)),
			make('tbody'),
		);
		parent.replaceChildren(make('div', {class: 'card scroll'}, table));
	}
	keyed(table.tBodies[0], rows, {
		key: ([key]) => key,
		create: ([, ...cells]) =>
			make('tr', {}, ...cells.map((_, column) => cell(header[column], figures.has(column)))),
		update(row, [, ...cells]) {
			for (const [column, text] of cells.entries()) setText(row.cells[column], text);
		},
	});
}

function cell(label, isFigure) {
	return make('td', {'data-label': label, class: isFigure ? 'figure' : undefined});
}

/** A list of names and values. */
export function fillFigures(parent, entries) {
	keyed(parent, entries, {
		key: ([name]) => name,
		create: ([name]) => make('div', {}, make('dt', {}, name), make('dd')),
		update: (child, [, value]) => setText(child.lastElementChild, value),
	});
}

/** The words for nothing. */
export function fillNothing(parent, words) {
	parent.replaceChildren(make('p', {class: 'nothing'}, words));
}
