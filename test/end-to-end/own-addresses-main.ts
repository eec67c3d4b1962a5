/*
 * Prints what this machine says of addresses, asked by routes and asked by binding:
 * `ADDRESS routes=true bind=true` for each of the words.
 */
import process from 'node:process';
import {OwnAddresses, openRouteQuery} from '../../src/net/exit/own-addresses.ts';
import {DgramBackEnd} from '../../src/net/udp/dgram-socket.ts';
import {ip} from '../support/sockets/exit-set-up.ts';

const routes = openRouteQuery();
if (routes === undefined) throw new Error('this machine does not answer by its routes');
const byRoutes = new OwnAddresses(new DgramBackEnd(), routes);
const byBinding = new OwnAddresses(new DgramBackEnd(), undefined);
for (const text of process.argv.slice(2)) {
	const address = ip(text);
	const verdicts = `routes=${byRoutes.isLocal(address)} bind=${byBinding.isLocal(address)}`;
	process.stdout.write(`${text} ${verdicts}\n`);
}
byRoutes.close();
