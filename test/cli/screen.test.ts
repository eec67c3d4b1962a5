import test from 'ava';
import {Screen, type ScreenStream} from '../../src/cli/screen.ts';

interface Terminal extends ScreenStream {
	columns: number;
	rows: number;
}

function setUp(stream: ScreenStream, env: NodeJS.ProcessEnv = {}) {
	const written: string[] = [];
	const screen = new Screen({write: (text) => written.push(text), stream, env});
	const take = () => written.splice(0).join('').replaceAll('\u001b', '^');
	return {screen, take};
}

function terminal(part: Partial<Terminal> = {}): Terminal {
	return {isTTY: true, columns: 80, rows: 24, hasColors: () => true, ...part};
}

const ab = [{text: 'a'}, {text: 'b', tone: 'bad'}] as const;

test('without a terminal each table is a block below the one before, without colours', (t) => {
	const {screen, take} = setUp({hasColors: () => true});
	screen.show(ab);
	screen.show(ab);
	screen.say('end');
	t.is(take(), 'a\nb\n\na\nb\n\nend\n');
});

test('a table takes the place of the one before', (t) => {
	const {screen, take} = setUp(terminal());
	screen.show(ab);
	t.is(take(), 'a\n^[31mb^[0m\n');
	screen.show([{text: 'c', tone: 'good'}]);
	t.is(take(), '^[2A^[J^[32mc^[0m\n');
	screen.clear();
	t.is(take(), '^[1A^[J');
	screen.clear();
	t.is(take(), '');
});

test('what was said stays, and the next table is below it', (t) => {
	const {screen, take} = setUp(terminal());
	screen.show(ab);
	screen.say('one has ended');
	screen.show([{text: 'c'}]);
	t.is(take(), 'a\n^[31mb^[0m\none has ended\nc\n');
});

test('colours only where the terminal has them and the user has not said no', (t) => {
	for (const [env, hasColors, colored] of [
		[{}, true, true],
		[{}, false, false],
		[{NO_COLOR: '1'}, true, false],
		[{NO_COLOR: ''}, true, true],
	] as const) {
		const {screen, take} = setUp(terminal({hasColors: () => hasColors}), env);
		screen.show(ab);
		t.is(take(), colored ? 'a\n^[31mb^[0m\n' : 'a\nb\n');
	}
	const {screen, take} = setUp({isTTY: true, columns: 80, rows: 24});
	screen.show(ab);
	t.is(take(), 'a\nb\n');
});

test('long lines and long tables are cut to the window, colours apart', (t) => {
	const {screen, take} = setUp(terminal({columns: 6, rows: 5}));
	screen.show([{text: 'abcdef', tone: 'bad'}, {text: '路径路'}]);
	t.is(take(), '^[31mabcd…^[0m\n路径…\n');
	screen.show(Array.from({length: 9}, (_, index) => ({text: `${index}`})));
	t.is(take(), '^[2A^[J0\n1\n2\n(6 m…\n');
});

test('lines that a narrower window has broken are all removed', (t) => {
	const window = terminal();
	const {screen, take} = setUp(window);
	screen.show([{text: 'a'.repeat(50)}, {text: ''}, {text: 'b'}]);
	take();
	window.columns = 20;
	screen.clear();
	t.is(take(), '^[5A^[J');
});
