/** Resolves when `condition` holds, checked often; rejects after a generous limit. */
export async function waitFor(
	condition: () => boolean,
	what = 'the condition',
	limit = 15_000,
): Promise<void> {
	const end = performance.now() + limit;
	while (!condition()) {
		if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}
