/** Test files with the examples that each of them runs or hands to a program. */
type RunBy = Readonly<Record<string, readonly string[]>>;

/** The examples of every document that a test runs: document, test file, names of blocks. */
export const RUN: Readonly<Record<string, RunBy>> = {
	'README.md': {
		'test/readme.test.ts': [
			...['keygen', 'server', 'bridge', 'mpclient.conf', 'test', 'client', 'status'],
			...['bridge-loop', 'bridge-link', 'bridge-lossy'],
			...['socks-server', 'socks-client', 'forward', 'dns', 'tcp-forward'],
			...['users.keys', 'users', 'not-encrypted', 'share', 'flows.yaml', 'flows'],
		],
	},
	'src/README.md': {'test/layers.test.ts': ['layers', 'ladders']},
	'src/app/README.md': {
		'test/end-to-end/wireguard.test.ts': ['wireguard-server', 'wireguard-client'],
		'test/cli/service.test.ts': ['mpserver.service', 'service'],
		'test/end-to-end/prometheus.test.ts': ['prometheus.yml'],
		'test/app/observe/lane-lines.test.ts': ['lane', 'routed', 'broken'],
	},
	'src/socks/README.md': {
		'test/readme.test.ts': ['socks.conf', 'socksify', 'pysocks'],
		'test/end-to-end/connect.test.ts': ['ssh'],
	},
	'src/config/README.md': {
		'test/config/document.test.ts': [
			...['users.yaml', 'users-file', 'rules.yaml', 'explain', 'explained'],
			...['paths.conf', 'paths', 'mpclient.yaml', 'mpserver.yaml', 'yaml'],
			...['share', 'link-text', 'link'],
		],
		'test/config/share-link.test.ts': ['grammar'],
		'test/cli/completion.test.ts': ['completion'],
	},
	'test/README.md': {
		'test/document.test.ts': ['some', 'seed', 'failure', 'world', 'fuzz', 'soak'],
	},
	'test/bench/README.md': {'test/bench/document.test.ts': ['list', 'bench', 'streams', 'lanes']},
};

/** The examples that no test can run as they are: document, name of the block, reason. */
export const NOT_RUN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
	'README.md': {
		picture: 'a drawing',
		setup: 'installs packages; the names of the scripts are looked up',
		install: 'changes the machine',
		chromium: 'opens a window; run headless in test/end-to-end/connect.test.ts',
		curl: 'needs the internet; run in test/end-to-end/connect.test.ts',
		openvpn:
			'options of another program; its replay window is that of test/end-to-end/openvpn.test.ts',
	},
	'src/socks/README.md': {
		git: 'needs the internet; run in test/end-to-end/connect.test.ts',
		'openvpn-socks': 'options of another program; run in test/end-to-end/openvpn-restarts.test.ts',
	},
	'.github/CONTRIBUTING.md': {
		'set-up': 'installs packages; the names of the scripts are looked up',
		everything: 'takes a quarter of an hour, and runs the tests',
		commit: 'the subject of a commit',
	},
	'test/README.md': {
		mutations: 'takes an hour; its list is checked in test/mutations/mutations.test.ts',
	},
};
