import test from 'ava';
import {ArrayAddresses, NativeMemory} from '../../src/native/native-memory.ts';
import {FakeKernel} from '../support/fakes/fake-kernel.ts';

test('arrays in the same memory begin where they do, whichever was asked for last', (t) => {
	const kernel = new FakeKernel();
	const arrays = new ArrayAddresses(kernel);
	const [memory, other] = [new ArrayBuffer(4096), new ArrayBuffer(8192)];
	const [first, second] = [new Uint8Array(memory), new Uint8Array(memory, 100, 50)];
	const third = new Uint8Array(other, 1);
	for (const bytes of [first, first, second, first, third, third, second]) {
		t.is(arrays.of(bytes), kernel.addressOf(bytes.buffer) + bytes.byteOffset);
	}
});

test('an array in memory that may move has no address, before and after others', (t) => {
	const arrays = new ArrayAddresses(new FakeKernel());
	const small = new Uint8Array(new ArrayBuffer(4095));
	t.is(arrays.of(small), 0);
	t.not(arrays.of(new Uint8Array(new ArrayBuffer(4096))), 0);
	t.is(arrays.of(small), 0);
	t.is(arrays.of(small), 0);
});

test('native memory is never smaller than what stays where it is', (t) => {
	const memory = new NativeMemory(new FakeKernel(), 5);
	t.is(memory.bytes.length, 4096);
	memory.setPointer(2, 0x1234_5678_9abc);
	t.deepEqual([...memory.words.subarray(2, 4)], [0x5678_9abc, 0x1234]);
});
