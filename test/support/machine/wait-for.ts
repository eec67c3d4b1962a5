/** Milliseconds after which a wait is given up: far more than anything takes on a busy machine. */
export const WAIT_LIMIT = 30_000;

/** Resolves when `condition` holds, checked often; rejects after `limit` milliseconds. */
export async function waitFor(
	condition: () => boolean,
	what = 'the condition',
	limit: number = WAIT_LIMIT,
): Promise<void> {
	const end = performance.now() + limit;
	while (!condition()) {
		if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}

/** Resolves or rejects as `promise` does; rejects after `limit` milliseconds. */
export async function within<Value>(
	promise: Promise<Value>,
	what: string,
	limit: number = WAIT_LIMIT,
): Promise<Value> {
	let timer: NodeJS.Timeout | undefined;
	const expiry = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), limit);
	});
	try {
		return await Promise.race([promise, expiry]);
	} finally {
		clearTimeout(timer);
	}
}
