import {Counter, Gauge, Registry, type RegistryContentType} from 'prom-client';
import type {MetricKind} from './metric.ts';
import {type Labels, type Sample, Samples} from './samples.ts';
import {METRICS} from './table.ts';
import type {MetricsView} from './view.ts';

const TEXT = Registry.PROMETHEUS_CONTENT_TYPE;
const OPEN_METRICS = Registry.OPENMETRICS_CONTENT_TYPE;

/** Metrics as text, and the type of that. */
export interface Exposed {
	readonly type: string;
	readonly text: string;
}

/** All metrics in one of the formats of Prometheus; each has its own registry. */
class Format {
	readonly #registry = new Registry();
	#view: MetricsView | undefined;

	constructor(type: RegistryContentType) {
		// The type of the class has no type of content to choose.
		(this.#registry as Registry<RegistryContentType>).setContentType(type);
		for (const kind of METRICS) this.#register(kind);
	}

	/** Returns the text of a snapshot. */
	async write(view: MetricsView): Promise<Exposed> {
		this.#view = view;
		// All samples are taken before the first wait, so that they are of one snapshot.
		const written = this.#registry.metrics();
		this.#view = undefined;
		return {type: this.#registry.contentType, text: await written};
	}

	#register(kind: MetricKind): void {
		const {name, type, help, labels} = kind;
		const read = () => this.#read(kind);
		const init = {name, help, labelNames: labels, registers: [this.#registry]};
		if (type === 'gauge') {
			new Gauge({
				...init,
				collect() {
					const samples = read();
					this.reset();
					if (samples.length === 0) this.remove({});
					for (const {labels, value} of samples) this.set(labels, value);
				},
			});
			return;
		}
		new Counter({
			...init,
			collect() {
				const samples = read();
				this.reset();
				if (samples.length === 0) this.remove({});
				for (const {labels, value} of samples) this.inc(labels, value);
			},
		});
	}

	#read({read}: MetricKind): readonly Sample[] {
		const samples = new Samples();
		if (this.#view !== undefined) read(this.#view, samples);
		return samples.all().map(({labels, value}) => ({labels: withoutEmpty(labels), value}));
	}
}

function withoutEmpty(labels: Labels): Labels {
	return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

/** Writes metrics in the format that is asked for. */
export class Exposition {
	#text: Format | undefined;
	#openMetrics: Format | undefined;

	/** @param accept header of the request */
	write(view: MetricsView, accept: string | undefined): Promise<Exposed> {
		if (prefersOpenMetrics(accept)) {
			this.#openMetrics ??= new Format(OPEN_METRICS);
			return this.#openMetrics.write(view);
		}
		this.#text ??= new Format(TEXT);
		return this.#text.write(view);
	}
}

/** True where OpenMetrics is asked for, and no less than plain text (RFC 9110 section 12.5.1). */
export function prefersOpenMetrics(accept = ''): boolean {
	const quality = (type: string): number => {
		const ranges = accept.split(',').map((range) => range.split(';').map((part) => part.trim()));
		const found = ranges.filter(([name]) => name?.toLowerCase() === type);
		const weights = found.map((range) =>
			Number(range.find((p) => p.startsWith('q='))?.slice(2) ?? 1),
		);
		return Math.max(0, ...weights.filter((weight) => weight >= 0 && weight <= 1));
	};
	const open = quality('application/openmetrics-text');
	return open > 0 && open >= quality('text/plain');
}
