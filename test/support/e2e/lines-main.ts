// The ends of a tunnel between namespaces: `target` sends everything back, `application PORT RATE
// [BYTES]` sends numbers until `stop` comes in and prints what became of them. `answers N` comes in
// and is printed when N datagrams sent since then were answered.
import {createSocket} from 'node:dgram';
import process from 'node:process';
import {createInterface} from 'node:readline';

/** Looks in a row that find nothing new, 20 ms apart: a process that stood still has looked once. */
const QUIET_LOOKS = 100;

const [role, port = '0', rate = '0', bytes = '0'] = process.argv.slice(2);
const socket = createSocket('udp4');
socket.on('error', () => {});

/** What has been answered, and when the last answer came. */
const answered = new Set<number>();
let last = performance.now();
let gap = 0;
let sent = 0;
let newest = -1;
let disordered = 0;
let repeated = 0;
/** Answers that are waited for, the first datagram they may belong to, and how many came. */
let wanted = 0;
let from = 0;
let came = 0;

function answer(number: number): void {
	if (answered.size === 0) process.stdout.write('answered\n');
	else gap = Math.max(gap, performance.now() - last);
	last = performance.now();
	if (answered.has(number)) repeated++;
	else if (number < newest) disordered++;
	answered.add(number);
	newest = Math.max(newest, number);
	if (number >= from && ++came === wanted) process.stdout.write(`answers ${wanted}\n`);
}

// What is late is waited for until nothing has come for a while.
function end(timer: NodeJS.Timeout): void {
	clearInterval(timer);
	let [before, quiet] = [-1, 0];
	const check = setInterval(() => {
		quiet = answered.size === before ? quiet + 1 : 0;
		before = answered.size;
		if (answered.size < sent && quiet < QUIET_LOOKS) return;
		clearInterval(check);
		const missing = Array.from({length: sent}, (_, number) => number).filter(
			(number) => !answered.has(number),
		);
		const count = {sent, lost: missing.length, missing, disordered, repeated};
		process.stdout.write(`${JSON.stringify({...count, gap: Math.round(gap)})}\n`);
	}, 20);
}

if (role === 'target') {
	socket.on('message', (datagram, from) => socket.send(datagram, from.port, from.address));
	socket.bind(0, '127.0.0.1', () => process.stdout.write(`port ${socket.address().port}\n`));
} else {
	socket.on('message', (datagram) => answer(Number(datagram.toString())));
	const timer = setInterval(
		() => socket.send(`${sent++}`.padEnd(Number(bytes)), Number(port), '127.0.0.1'),
		1000 / Number(rate),
	);
	createInterface(process.stdin).on('line', (line) => {
		const number = Number(/^answers (\d+)$/.exec(line)?.[1] ?? 0);
		if (number === 0) return end(timer);
		wanted = number;
		from = sent;
		came = 0;
	});
}
