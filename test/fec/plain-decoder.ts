import {coefficient, coefficientSeed} from '../../src/fec/coefficient.ts';
import {invert, multiply} from '../../src/fec/field.ts';

interface Equation {
	readonly terms: Map<number, number>;
	readonly sum: Uint8Array;
}

/**
 * The decoder as the definition has it: all repairs are kept for ever, and after each input the whole
 * system is solved anew.
 */
export class PlainDecoder {
	readonly known: Map<number, Uint8Array> = new Map();
	readonly #repairs: Equation[] = [];

	source(sequence: number, symbol: Uint8Array): void {
		this.known.set(sequence, symbol);
		this.#solve();
	}

	repair(packetNumber: number, newest: number, count: number, symbol: Uint8Array): void {
		const seed = coefficientSeed(packetNumber);
		const terms = new Map<number, number>();
		for (let i = 0; i < count; i++) terms.set(newest - i, coefficient(seed, newest - i));
		this.#repairs.push({terms, sum: symbol.slice()});
		this.#solve();
	}

	#solve(): void {
		const rows = this.#repairs.map(({terms, sum}) => this.#reduced(terms, sum));
		const unknowns = [...new Set(rows.flatMap(({terms}) => [...terms.keys()]))];
		let done = 0;
		for (const unknown of unknowns) {
			const at = rows.findIndex(({terms}, row) => row >= done && terms.has(unknown));
			if (at < 0) continue;
			[rows[done], rows[at]] = [rows[at]!, rows[done]!];
			const pivot = scaled(rows[done]!, invert(rows[done]!.terms.get(unknown)!));
			rows[done] = pivot;
			rows.forEach((row, index) => {
				const factor = row.terms.get(unknown);
				if (index !== done && factor !== undefined) rows[index] = plus(row, scaled(pivot, factor));
			});
			done++;
		}
		for (const {terms, sum} of rows.slice(0, done)) {
			if (terms.size === 1) this.known.set([...terms.keys()][0]!, sum);
		}
	}

	#reduced(terms: Map<number, number>, sum: Uint8Array): Equation {
		let row: Equation = {terms: new Map(), sum};
		for (const [sequence, factor] of terms) {
			const symbol = this.known.get(sequence);
			if (symbol === undefined) row.terms.set(sequence, factor);
			else row = plus(row, scaled({terms: new Map(), sum: symbol}, factor));
		}
		return row;
	}
}

function scaled({terms, sum}: Equation, factor: number): Equation {
	return {
		terms: new Map([...terms].map(([sequence, own]) => [sequence, multiply(own, factor)])),
		sum: sum.map((byte) => multiply(byte, factor)),
	};
}

function plus(a: Equation, b: Equation): Equation {
	const terms = new Map(a.terms);
	for (const [sequence, factor] of b.terms) {
		const added = (terms.get(sequence) ?? 0) ^ factor;
		if (added === 0) terms.delete(sequence);
		else terms.set(sequence, added);
	}
	const [longer, shorter] = a.sum.length >= b.sum.length ? [a.sum, b.sum] : [b.sum, a.sum];
	return {terms, sum: longer.map((byte, i) => byte ^ (shorter[i] ?? 0))};
}
