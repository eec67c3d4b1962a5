import {SocketBudget} from '../../../src/net/udp/socket-budget.ts';
import {FakeReporter} from '../fakes/fake-reporter.ts';

/** A budget of so many sockets that ann, or these users, share. */
export function socketBudget(limit: number, users: readonly string[] = ['ann']): SocketBudget {
	return new SocketBudget({limit, users, reporter: new FakeReporter()});
}
