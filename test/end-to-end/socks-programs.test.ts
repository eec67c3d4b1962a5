import test, {type ExecutionContext} from 'ava';
import {isMissing} from '../support/e2e-needs.ts';
import {freePort} from '../support/e2e-ports.ts';
import {Stage} from '../support/e2e-stage.ts';

/** Sends echoes through PySocks one after the other, and says how many came back right. */
const PYSOCKS = `
import socket, socks, sys
proxy, target, count = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
s = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
s.set_proxy(socks.SOCKS5, '127.0.0.1', proxy)
s.settimeout(1)
right = wrong = 0
for i in range(count):
    question = b'%d' % i
    s.sendto(question, ('127.0.0.1', target))
    try:
        while True:
            answer, source = s.recvfrom(2000)
            if int(answer) < i and source == ('127.0.0.1', target):
                continue
            if answer == question and source == ('127.0.0.1', target):
                right += 1
            else:
                wrong += 1
            break
    except socket.timeout:
        pass
print('right', right, 'wrong', wrong)
`;

/** An exit behind three links of 10 % loss, and mpclient with a SOCKS5 front; its port. */
async function socksOverLossyLinks(t: ExecutionContext, stage: Stage): Promise<number> {
	const [port, socks, key] = [await freePort(), await freePort(), await stage.key()];
	const words = ['--bind', '127.0.0.1', '--key-file', key, '--allow', '127.0.0.0/8'];
	const server = ['--state', stage.path('server')];
	await stage.program('mpserver', [`${port}`, ...words, ...server]).says('mpserver runs');
	const lines: string[] = [];
	for (const delay of [5, 10, 20]) {
		const link = await stage.link(port, ['--loss', '10%', '--delay', `${delay}ms`]);
		lines.push(`127.0.0.1 ${link}\n`);
	}
	const conf = stage.write('mpclient.conf', lines.join(''));
	const argv = [conf, '--key-file', key, '--no-listen', '--socks', `127.0.0.1:${socks}`];
	const client = stage.program('mpclient', [...argv, '--state', stage.path('client')]);
	await client.says('a session is up');
	t.log(`SOCKS5 on port ${socks}`);
	return socks;
}

test.serial('PySocks: 1,000 echoes over three links of 10 % loss without a retry', async (t) => {
	if (isMissing(t, {programs: ['/usr/bin/python3']})) return;
	const stage = new Stage(t);
	const proxy = await socksOverLossyLinks(t, stage);
	const echo = await stage.echo();
	const script = stage.write('echo.py', PYSOCKS);
	const argv = [script, `${proxy}`, `${echo.port}`, '1000'];
	const python = stage.child('/usr/bin/python3', argv);
	t.is(await python.end(110_000), 0, python.output);
	const [, right, wrong] = /right (\d+) wrong (\d+)/.exec(python.output) ?? [];
	t.log(python.output.trim());
	t.is(wrong, '0');
	t.true(Number(right) >= 995);
});
