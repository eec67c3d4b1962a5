import {
	type Document,
	isAlias,
	isMap,
	isNode,
	isPair,
	isScalar,
	isSeq,
	Lexer,
	LineCounter,
	Parser,
	parseDocument,
} from 'yaml';
import {escapeControls, escapeText, maskKeys} from '../text/escape-text.ts';
import type {ProblemList} from './errors.ts';
import {type FieldPath, formatFieldPath, Place, type Source} from './place.ts';

/** A parsed file: its top value (mappings are `Map`s) and where problems of it are reported. */
export interface YamlFile {
	/** Undefined when the file holds nothing. */
	readonly value: unknown;
	readonly place: Place;
}

/** True when a file is YAML or JSON (which is YAML) by its name: ends in .yaml, .yml or .json. */
export function isYamlName(name: string): boolean {
	return /\.(ya?ml|json)$/i.test(name);
}

/** The place of a file, as far as its values need it. */
export interface FileOrigin {
	/** Absolute; relative paths in the file start here. */
	readonly folder: string;
	/** True when other users of the machine can read it. */
	readonly othersCanRead: boolean;
}

/**
 * Parses YAML 1.2; syntax errors go to `problems` with their line, and then undefined comes back.
 * Never throws, whatever the text is; aliases cannot expand without bound.
 */
export function parseYamlFile(
	name: string,
	text: string,
	problems: ProblemList,
	origin: FileOrigin,
): YamlFile | undefined {
	const lines = new LineCounter();
	try {
		const excess = excessOf(text);
		if (excess !== undefined) {
			problems.add(escapeText(name), '', `not valid YAML: ${excess}`);
			return undefined;
		}
		// prettyErrors would quote the source, and a source may hold a key.
		const document = parseDocument(text, {
			lineCounter: lines,
			prettyErrors: false,
			logLevel: 'silent',
			strict: true,
		});
		const faults = [...document.errors, ...document.warnings];
		for (const fault of faults) {
			const where = `${escapeText(name)}:${lines.linePos(fault.pos[0]).line}`;
			problems.add(where, '', `not valid YAML: ${firstLine(fault.message)}${hint(fault.message)}`);
		}
		if (faults.length > 0) return undefined;
		const source: Source = {
			folder: origin.folder,
			readableName: origin.othersCanRead ? name : undefined,
			locate(path) {
				const line = lineOf(document, lines, path);
				const where = line === undefined ? escapeText(name) : `${escapeText(name)}:${line}`;
				return {where, field: formatFieldPath(path)};
			},
		};
		const value: unknown = document.toJS({mapAsMap: true, maxAliasCount: 100});
		return {value: value ?? undefined, place: new Place(source, problems)};
	} catch (error) {
		// What it throws is the file's fault; excessive aliases are refused by a ReferenceError.
		const reason = error instanceof ReferenceError ? 'too many aliases' : 'cannot be parsed';
		problems.add(escapeText(name), '', `not valid YAML: ${reason}`);
		return undefined;
	}
}

// Far beyond any configuration: 5,000 users are about 100,000 lexemes.
const LEXEME_LIMIT = 100_000;
const DEPTH_LIMIT = 100;

/**
 * Returns the reason why a text is unfit for the composer, which is recursive (a stack that runs
 * out while V8 compiles a regular expression aborts the process, no catch helps) and compares each
 * key of a mapping with each other. The lexer recurses too, but over indicators in a row only.
 */
function excessOf(text: string): string | undefined {
	const tooDeep = 'nested too deeply';
	if (INDICATORS_IN_A_ROW.test(text)) return tooDeep;
	const parser = new Parser();
	let count = 0;
	for (const lexeme of new Lexer().lex(text)) {
		if (++count > LEXEME_LIMIT) return 'too much in it';
		// The tokens themselves are of no interest, only how deep they are in each other.
		for (const _ of parser.next(lexeme));
		if (parser.stack.length > DEPTH_LIMIT) return tooDeep;
	}
	return undefined;
}

const INDICATORS_IN_A_ROW = new RegExp(`(?:[-?:][ \\t]+){${DEPTH_LIMIT}}`);

// `listen: [::1]:3000` is a list with something behind it, which would not help its writer.
function hint(message: string): string {
	const behind = message.startsWith('Unexpected scalar at node end');
	return behind ? ' (text that begins with [ or { needs quotes)' : '';
}

function firstLine(message: string): string {
	return escapeControls(maskKeys(message.split('\n', 1)[0] ?? '')).slice(0, 255);
}

function lineOf(document: Document, lines: LineCounter, path: FieldPath): number | undefined {
	let node: unknown = document.contents;
	let offset = offsetOf(node);
	for (const step of path) {
		const parent = isAlias(node) ? node.resolve(document) : node;
		if (isMap(parent)) {
			const pair = parent.items.find((item) => isPair(item) && keyText(item.key) === String(step));
			offset = offsetOf(pair?.key) ?? offset;
			node = pair?.value;
		} else if (isSeq(parent)) {
			node = parent.items[Number(step)];
			offset = offsetOf(node) ?? offset;
		} else {
			break;
		}
	}
	return offset === undefined ? undefined : lines.linePos(offset).line;
}

function keyText(key: unknown): string {
	return isScalar(key) ? String(key.value) : '';
}

function offsetOf(node: unknown): number | undefined {
	return isNode(node) ? node.range?.[0] : undefined;
}
