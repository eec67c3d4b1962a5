/** ln(n!), exact enough for counts in the millions (Stirling's series). */
function logFactorial(n: number): number {
	if (n < 2) return 0;
	return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3);
}

/** The central interval that a binomial count falls into with probability `confidence`. */
export function binomialInterval(
	count: number,
	probability: number,
	confidence: number,
): [number, number] {
	const tail = (1 - confidence) / 2;
	const mass = (k: number) =>
		Math.exp(
			logFactorial(count) -
				logFactorial(k) -
				logFactorial(count - k) +
				k * Math.log(probability) +
				(count - k) * Math.log1p(-probability),
		);
	let low = 0;
	for (let sum = mass(0); sum < tail; sum += mass(low)) low++;
	let high = low;
	let above = 1;
	for (let k = 0; k <= high; k++) above -= mass(k);
	while (above > tail) {
		high++;
		above -= mass(high);
	}
	return [low, high];
}
