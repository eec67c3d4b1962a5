import type {Stage} from './stage.ts';

/** Numbers of the families that systemd.exec(5) names. */
const FAMILIES: Readonly<Record<string, number>> = {
	AF_UNIX: 1,
	AF_INET: 2,
	AF_INET6: 10,
	AF_NETLINK: 16,
};

/** As systemd does it: a filter of system calls that lets no socket of another family be made. */
const LAUNCHER = `
import ctypes, os, platform, struct, sys
families = [int(word) for word in sys.argv[1].split(',')]
number = {'x86_64': 41, 'aarch64': 198}[platform.machine()]
step = lambda code, jt, jf, k: struct.pack('=HBBI', code, jt, jf, k)
LOAD, EQUAL, RETURN, ALLOW = 0x20, 0x15, 0x06, 0x7fff0000
program = step(LOAD, 0, 0, 0) + step(EQUAL, 0, len(families) + 2, number) + step(LOAD, 0, 0, 16)
for left, family in enumerate(families):
    program += step(EQUAL, len(families) - left, 0, family)
program += step(RETURN, 0, 0, 0x00050000 | 97) + step(RETURN, 0, 0, ALLOW)
memory = ctypes.create_string_buffer(program)
filter = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(program) // 8, ctypes.addressof(memory)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.c_void_p(ctypes.addressof(filter)), 0, 0) == 0
os.execvp(sys.argv[2], sys.argv[2:])
`;

/** The words that run a command with sockets of these families only, as RestrictAddressFamilies= does; needs python3. */
export function restrictedTo(stage: Stage, families: readonly string[]): readonly string[] {
	const numbers = families.map((name) => {
		const number = FAMILIES[name];
		if (number === undefined) throw new TypeError(`unknown family ${name}`);
		return number;
	});
	return ['python3', stage.write('restrict.py', LAUNCHER), numbers.join()];
}
