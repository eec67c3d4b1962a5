// The ends of a tunnel between namespaces: `target` sends everything back, `application PORT RATE`
// sends numbers until `stop` comes in and prints what became of them.
import {createSocket} from 'node:dgram';
import process from 'node:process';

const [role, port = '0', rate = '0'] = process.argv.slice(2);
const socket = createSocket('udp4');
socket.on('error', () => {});

/** What has been answered, and when the last answer came. */
const answered = new Set<string>();
let last = performance.now();
let gap = 0;
let sent = 0;

function answer(text: string): void {
	if (answered.size === 0) process.stdout.write('answered\n');
	else gap = Math.max(gap, performance.now() - last);
	last = performance.now();
	answered.add(text);
}

// What is late is waited for until nothing has come for a while.
function end(timer: NodeJS.Timeout): void {
	clearInterval(timer);
	const stoppedAt = performance.now();
	const check = setInterval(() => {
		const quiet = performance.now() - Math.max(last, stoppedAt) > 2000;
		if (answered.size < sent && !quiet) return;
		clearInterval(check);
		const lost = sent - answered.size;
		process.stdout.write(`${JSON.stringify({sent, lost, gap: Math.round(gap)})}\n`);
	}, 20);
}

if (role === 'target') {
	socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
	socket.bind(0, '127.0.0.1', () => process.stdout.write(`port ${socket.address().port}\n`));
} else {
	socket.on('message', (bytes) => answer(bytes.toString()));
	const timer = setInterval(
		() => socket.send(`${sent++}`, Number(port), '127.0.0.1'),
		1000 / Number(rate),
	);
	process.stdin.once('data', () => end(timer));
}
