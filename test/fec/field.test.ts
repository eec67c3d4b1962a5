import test from 'ava';
import {invert, multiply} from '../../src/fec/field.ts';

/** The product by shifting and adding, without tables. */
function slowProduct(a: number, b: number): number {
	let product = 0;
	for (let bit = 7; bit >= 0; bit--) {
		product <<= 1;
		if (product & 0x100) product ^= 0x11d;
		if (b & (1 << bit)) product ^= a;
	}
	return product;
}

test('products of all pairs are those of the polynomials', (t) => {
	let wrong = 0;
	for (let a = 0; a < 256; a++) {
		for (let b = 0; b < 256; b++) if (multiply(a, b) !== slowProduct(a, b)) wrong++;
	}
	t.is(wrong, 0);
});

test('the laws of a field hold', (t) => {
	let wrong = 0;
	for (let a = 0; a < 256; a++) {
		if (multiply(a, 1) !== a || multiply(a, 0) !== 0) wrong++;
		if (a > 0 && multiply(a, invert(a)) !== 1) wrong++;
		for (let b = 0; b < 256; b++) {
			if (multiply(a, b) !== multiply(b, a)) wrong++;
			const c = (a * 31 + b * 17) & 255;
			if (multiply(a, b ^ c) !== (multiply(a, b) ^ multiply(a, c))) wrong++;
			if (multiply(a, multiply(b, c)) !== multiply(multiply(a, b), c)) wrong++;
		}
	}
	t.is(wrong, 0);
});

test('the polynomial is 0x11d', (t) => {
	t.is(multiply(2, 128), 0x1d);
	t.is(multiply(0x53, 0xca), 0x8f);
	t.is(invert(2), 0x8e);
});
