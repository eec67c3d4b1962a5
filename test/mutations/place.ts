import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import ts from 'typescript';

/** A declaration in `src`: its file and where its text is in there. */
export interface Place {
	readonly file: string;
	readonly start: number;
	readonly end: number;
	readonly text: string;
}

/** Every declaration of the source by its name: `PacketSender.#seal`, `rangesOf`, `QUANTUM`. */
export type Places = ReadonlyMap<string, readonly Place[]>;

/** The declarations of all files below `root/src`. */
export function readPlaces(root: string): Places {
	const places = new Map<string, Place[]>();
	const names = readdirSync(join(root, 'src'), {recursive: true, encoding: 'utf8'});
	for (const name of names.filter((each) => each.endsWith('.ts'))) {
		const file = join('src', name);
		const text = readFileSync(join(root, file), 'utf8');
		const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
		for (const [symbol, node] of declarationsOf(source)) {
			const [start, end] = [node.getStart(), node.getEnd()];
			const place = {file, start, end, text: text.slice(start, end)};
			places.set(symbol, [...(places.get(symbol) ?? []), place]);
		}
	}
	return places;
}

function* declarationsOf(source: ts.SourceFile): Generator<readonly [string, ts.Node]> {
	for (const statement of source.statements) {
		if (ts.isClassDeclaration(statement)) {
			for (const member of statement.members) {
				yield [`${statement.name?.text}.${memberName(member)}`, member];
			}
		} else if (ts.isFunctionDeclaration(statement)) yield [statement.name?.text ?? '', statement];
		else if (ts.isVariableStatement(statement)) {
			for (const each of statement.declarationList.declarations) yield [each.name.getText(), each];
		}
	}
}

function memberName(member: ts.ClassElement): string {
	return ts.isConstructorDeclaration(member) ? 'constructor' : (member.name?.getText() ?? '');
}

/** The matches of a piece of code in a text, however its lines are broken. */
function occurrences(text: string, code: string): readonly RegExpMatchArray[] {
	const words = code.trim().split(/\s+/);
	const escaped = words.map((word) => word.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
	return [...text.matchAll(new RegExp(escaped.join(String.raw`\s+`), 'g'))];
}

/** A piece of code in a file. */
export interface Spot {
	readonly file: string;
	readonly start: number;
	readonly end: number;
}

/** The one spot of that code in a declaration; throws when it is not there exactly once. */
export function locate(places: Places, place: string, code: string): Spot {
	const found = spotsIn(places.get(place) ?? [], code);
	const [spot] = found;
	if (spot !== undefined && found.length === 1) return spot;
	const others = [...places].filter(([, each]) => spotsIn(each, code).length > 0);
	const where = others.map(([name]) => name).join(', ') || 'nowhere';
	const message = `${place} holds \`${code}\` ${found.length} times; it is ${where === 'nowhere' ? '' : 'in '}${where}`;
	throw new Error(message);
}

function spotsIn(declarations: readonly Place[], code: string): readonly Spot[] {
	return declarations.flatMap(({file, start, text}) =>
		occurrences(text, code).map((match) => {
			const from = start + (match.index ?? 0);
			return {file, start: from, end: from + match[0].length};
		}),
	);
}
