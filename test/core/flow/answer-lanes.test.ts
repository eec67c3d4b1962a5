import test from 'ava';
import {AnswerLanes} from '../../../src/core/flow/answer-lanes.ts';

const addressOf = (number: number) => Uint8Array.of(1, 198, 18, number >> 8, number & 255, 0, 53);

test('the flows of a session remember no more addresses than it may, and give them back', (t) => {
	const budget = {left: 1000};
	const flows = [0, 1, 2].map(() => new AnswerLanes(budget));
	for (const [lane, flow] of flows.entries()) {
		for (let i = 0; i < 5000; i++) flow.set(addressOf(i), 1 + lane);
	}
	const found = flows.map((flow) => {
		let count = 0;
		for (let i = 0; i < 5000; i++) if (flow.get(addressOf(i)) !== undefined) count++;
		return count;
	});
	t.deepEqual(found, [512, 488, 0]);
	t.is(budget.left, 0);
	// The newest stay, and a known one takes no more room.
	t.is(flows[0]!.get(addressOf(4999)), 1);
	flows[0]!.set(addressOf(4999), 7);
	t.is(flows[0]!.get(addressOf(4999)), 7);
	for (const flow of flows) flow.clear();
	t.is(budget.left, 1000);
});
