/*
 * Worlds that once showed a fault, as the shrinking left them. The title says what was wrong.
 */
import test from 'ava';
import {runWorld} from '../support/operations/operation-world.ts';
import {parseWorld} from '../support/operations/operations.ts';

const WORLDS: Readonly<Record<string, string>> = {
	'a session that ended with its first packet was activated': `
		seed 5
		insider 0 1; insider 4 1; status`,
	'what followed CLOSE in its packet was delivered': `
		seed 6
		insider 6 1; insider 1 0; insider 1 1; insider 2 1; status`,
	'a client that said goodbye answered probes': `
		seed 999984 paths 4 echo 1 sessionidle 5000
		send 0 7; close 0 0`,
	'a client that said goodbye still sent its last packets again, as replies came': `
		seed 999990 copies 2
		send 0 7; delay 0 1 6 288; advance 195; close 0 0`,
	'a server that said goodbye refused a flow': `
		seed 999986 paths 2 rekey 1000 copies 2 sessionidle 5000
		send 3 7; link 0 3; wait 1980; close 1 0; advance 56; refuseflow 3`,
	'a late copy of an INIT that was given up replaced the keys of the newer one': `
		seed 290959 paths 4 rekey 300 clean 1
		advance 179; advance 276; advance 79; burst 0 31 2; advance 287; advance 192; wait 1863;
		wait 3269; advance 3; advance 1; burst 0 34 5; advance 293; advance 112; advance 47;
		advance 6; advance 5; reset 0 0; send 0 7`,
	'an address that was once proven for the wrong path was kept from its own for ever': `
		seed 999981 rekey 1000 encrypt 0 echo 1 clean 1
		advance 0; nat 2; down 2 0; divert 2 1 1 2; send 0 7; advance 0; divert 1 0 3 1; up 0;
		advance 146`,
	"a copy of an INIT with another cookie mac was taken for a stranger's": `
		seed 12 paths 4 rekey 5000 clean 1
		flip 1 0 0 2 2046`,
	'a client that was closed after a change of policies did not wait for its timer': `
		seed 999998 paths 4 rekey 1000 echo 1 sessionidle 5000 lanes 1
		send 0 7; repolicy 1; close 0 0`,
	'ends that were closed kept the symbols of their lanes': `
		seed 999984 paths 4 echo 1 sessionidle 5000 lanes 1
		status`,
	'sources that were under way when their lane was known counted as late, and as nothing else': `
		seed 999990 copies 2 lanes 1
		link 0 8; batch 0 45 7`,
};

for (const [fault, text] of Object.entries(WORLDS)) {
	test(fault, (t) => {
		const {plan, operations} = parseWorld(text);
		t.deepEqual(runWorld(plan, operations), []);
	});
}
