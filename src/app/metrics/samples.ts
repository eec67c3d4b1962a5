/** Names of labels; their values are few: users, names of paths and policies, words of ours. */
export type LabelName = 'user' | 'path' | 'policy' | 'direction' | 'reason';

/** Labels of a sample; an empty one is as good as none. */
export type Labels = Readonly<Partial<Record<LabelName, string>>>;

/** A value under its labels. */
export interface Sample {
	readonly labels: Labels;
	value: number;
}

/** Samples of one metric: several values under the same labels become one. */
export class Samples {
	readonly #byLabels = new Map<string, Sample>();

	/** Adds a value to what is there. `undefined`: it is not measured. */
	add(labels: Labels, value: number | undefined): this {
		return this.#join(labels, value, (before, more) => before + more);
	}

	/** Keeps the largest value. `undefined`: it is not measured. */
	most(labels: Labels, value: number | undefined): this {
		return this.#join(labels, value, Math.max);
	}

	#join(
		labels: Labels,
		value: number | undefined,
		join: (before: number, more: number) => number,
	): this {
		if (value === undefined || !Number.isFinite(value)) return this;
		const key = JSON.stringify(Object.entries(labels).toSorted());
		const sample = this.#byLabels.get(key);
		if (sample === undefined) this.#byLabels.set(key, {labels, value});
		else sample.value = join(sample.value, value);
		return this;
	}

	/** Returns the samples in the order in which their labels came first. */
	all(): readonly Sample[] {
		return [...this.#byLabels.values()];
	}
}
