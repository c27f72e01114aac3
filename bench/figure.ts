import type { Pinning } from './pinning.ts';

/** One number with a name, as the JSON file has it. */
export interface Key {
  readonly value: number;
  readonly unit: string;
  /** How many it was measured with: devices, channels, messages or connections. */
  readonly n: number;
  readonly of: string;
  /** What it should be, and whether it is; absent where nothing was promised. */
  readonly target?: { readonly text: string; readonly reached: boolean };
}

/** One line of a figure's table. */
export interface Row {
  readonly name: string;
  readonly cells: readonly string[];
  /** The length of its bar in the chart. */
  readonly bar: number;
  readonly own: boolean;
  /** What it does not do, or does beside. */
  readonly note: string;
}

export interface Outcome {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** What the bars of the chart are. */
  readonly unit: string;
  readonly keys: Readonly<Record<string, Key>>;
  /** What a reader must know: peers left out, a load at its limit. */
  readonly remarks: readonly string[];
  /** Requests of all rounds that were answered by no yes, or whose message did not arrive. */
  readonly failed: number;
}

export interface Bench {
  /** A tenth of the sizes, and short rounds. */
  readonly quick: boolean;
  readonly pinning: Pinning;
  /** Of this run alone; removed after it. */
  readonly folder: string;
}

export interface Figure {
  readonly name: string;
  run(bench: Bench): Promise<Outcome>;
}
