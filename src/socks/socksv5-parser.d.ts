// The package ships no types. This is the part of its parser that request-stream.ts and
// negotiation.ts use. It asks for a Node stream and Buffers; only the calls it makes are stated
// here.
declare module '#socksv5-parser' {
	/** Bytes with the one method of a Buffer that the parser needs. */
	export interface ParserChunk extends Uint8Array {
		copy(target: Uint8Array, targetStart: number, start: number, end: number): number;
	}

	/** The calls that the parser makes on its stream. */
	export interface ParserStream {
		on(event: 'data', listener: (chunk: ParserChunk) => void): void;
		removeListener(event: 'data', listener: (chunk: ParserChunk) => void): void;
		resume(): void;
		pause(): void;
		unshift(rest: Uint8Array): void;
	}

	/** A request as the parser reads it, without the type of its address. */
	export interface ParsedRequest {
		readonly cmd: 'connect' | 'bind' | 'udp';
		readonly dstAddr: string;
		readonly dstPort: number;
	}

	class Parser {
		constructor(stream: ParserStream);
		/** Set after the methods: requests follow instead of another greeting. */
		authed: boolean;
		on(event: 'methods', listener: (methods: Uint8Array) => void): this;
		on(event: 'request', listener: (request: ParsedRequest) => void): this;
		on(event: 'error', listener: (error: Error) => void): this;
		start(): void;
		stop(): void;
	}

	// The package is CommonJS: its only export is the default one.
	// biome-ignore lint/style/noDefaultExport: it describes another package
	export default Parser;
}
