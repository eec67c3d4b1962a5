import test from 'ava';
import type {Kernel} from '../../../src/net/udp/batch/kernel.ts';
import {NetworkWatch} from '../../../src/net/udp/batch/network-watch.ts';
import type {Pollable, Poller} from '../../../src/net/udp/batch/poller.ts';
import {FakeKernel} from '../../support/fakes/fake-kernel.ts';
import {waitFor} from '../../support/machine/wait-for.ts';

/** A kernel whose netlink socket gives what a test puts into it. */
class NetlinkKernel extends FakeKernel {
	readonly descriptor: number = 7;
	/** Results of reads to come, then nothing. */
	readonly reads: number[] = [];
	readonly closed: number[] = [];
	/** The errno of the next call to open the socket. */
	refusal = 0;

	override call(number: number, a: number, b: number, c: number): number {
		const {socket, bind, read, close} = this.calls;
		if (number === socket) return this.refusal > 0 ? -this.refusal : this.descriptor;
		if (number === bind) return 0;
		if (number === read) return this.reads.shift() ?? -11;
		if (number === close) return this.closed.push(a);
		return super.call(number, a, b, c);
	}
}

/** Notes what is watched. */
class FakePoller implements Pick<Poller, 'add' | 'remove'> {
	watched: Pollable | undefined;

	add(pollable: Pollable): number {
		this.watched = pollable;
		return 0;
	}

	remove(): void {
		this.watched = undefined;
	}
}

const make = (kernel: Kernel, poller: FakePoller, changed: () => void) =>
	new NetworkWatch(kernel, poller as unknown as Poller, changed);

test('a flood of changes is told once, and not read before the next look', async (t) => {
	const [kernel, poller] = [new NetlinkKernel(), new FakePoller()];
	let told = 0;
	const watch = make(kernel, poller, () => told++);
	t.is(poller.watched, watch);
	// ENOBUFS: messages were lost, which is a change too.
	kernel.reads.push(100, 100, -105, 100);
	watch.onReadable();
	t.deepEqual(kernel.reads, []);
	t.is(poller.watched, undefined);
	t.is(told, 0);
	await waitFor(() => poller.watched !== undefined);
	t.is(told, 1);
	watch.close();
	t.is(poller.watched, undefined);
	t.deepEqual(kernel.closed, [7]);
});

test('a watch that is closed tells nothing any more', async (t) => {
	const [kernel, poller] = [new NetlinkKernel(), new FakePoller()];
	let told = 0;
	const watch = make(kernel, poller, () => told++);
	watch.onReadable();
	watch.close();
	// One that is open and was woken later has told by then.
	let later = 0;
	const other = make(new NetlinkKernel(), new FakePoller(), () => later++);
	other.onReadable();
	await waitFor(() => later > 0, 'the other watch');
	other.close();
	t.is(told, 0);
	t.is(poller.watched, undefined);
});

test('a sandbox without netlink is no watch', (t) => {
	const kernel = new NetlinkKernel();
	kernel.refusal = 97;
	t.throws(() => make(kernel, new FakePoller(), () => {}));
	t.deepEqual(kernel.closed, []);
});
