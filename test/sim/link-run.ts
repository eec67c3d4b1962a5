import type {Millis} from '../../src/bytes/time.ts';
import type {Link, LinkCounts, LinkDelivery} from '../../src/sim/link.ts';

/** What is due at or before `until`, polled at every deadline as a driver would do it. */
export function drain<T>(link: Link<T>, until: Millis): LinkDelivery<T>[] {
	const deliveries: LinkDelivery<T>[] = [];
	for (let now = link.nextTimeout(); now <= until; now = link.nextTimeout()) {
		for (let due = link.poll(now); due !== undefined; due = link.poll(now)) deliveries.push(due);
	}
	return deliveries;
}

/** Sends the numbers 0 to `count` - 1, one every `interval`, and drains all the while. */
export function sendEvenly(
	link: Link<number>,
	{count, length, interval}: {count: number; length: number; interval: Millis},
): LinkDelivery<number>[] {
	const deliveries: LinkDelivery<number>[] = [];
	for (let index = 0; index < count; index++) {
		deliveries.push(...drain(link, index * interval));
		link.send(index, length, index * interval);
	}
	return [...deliveries, ...drain(link, Number.MAX_VALUE)];
}

/** Deliveries under way by the counts, copies included. */
export function underWay({counts}: {readonly counts: LinkCounts}): number {
	const {sent, duplicated, delivered, lost, outage, dropped} = counts;
	return sent + duplicated - delivered - lost - outage - dropped;
}
