/** The tables of a sweep: how many cuts ended how, and which broke the promise. */
import { formatCutPoint, type CutPoint } from './cut-points.js';
import { cutOutcomes, type CutOutcome, type Verdict } from './flow.js';

/** Outcomes of one phase: of cuts in the flow itself, or of second cuts during the recovery from one of those. */
export interface CutTable {
  readonly phase: string;
  readonly during: 'flow' | 'recovery';
  /** Flash operations of the uncut flow, or of all recoveries that were cut. */
  readonly operations: number;
  readonly cuts: number;
  /** Distinct contents of the chip that the cuts left. */
  readonly states: number;
  readonly outcomes: Readonly<Record<CutOutcome, number>>;
  /** Replay id and reason of each violation. */
  readonly violations: readonly { readonly replay: string; readonly reason: string }[];
}

/** A table in the making, or a share of one: its states are still told apart. */
export interface CutTally extends Omit<CutTable, 'states'> {
  readonly states: readonly string[];
}

/** Adds up the shares of one sweep, in their order. */
export function tablesOf(shares: readonly (readonly CutTally[])[]): readonly CutTable[] {
  const [first = [], ...others] = shares;
  return first.map((tally, index) => {
    const outcomes = { ...tally.outcomes };
    const violations = [...tally.violations];
    const states = new Set(tally.states);
    let { cuts, operations } = tally;
    for (const share of others) {
      const other = share[index];
      if (!other) continue;
      cuts += other.cuts;
      if (tally.during === 'recovery') operations += other.operations;
      violations.push(...other.violations);
      for (const state of other.states) states.add(state);
      for (const name of cutOutcomes) outcomes[name] += other.outcomes[name];
    }
    return { ...tally, operations, cuts, outcomes, violations, states: states.size };
  });
}

/** Counts outcomes. */
export class Tally {
  operations: number;
  readonly #phase: string;
  readonly #during: CutTable['during'];
  readonly #states = new Set<string>();
  readonly #outcomes = Object.fromEntries(cutOutcomes.map((name) => [name, 0])) as Record<CutOutcome, number>;
  readonly #violations: CutTable['violations'][number][] = [];
  #cuts = 0;

  constructor(phase: string, during: CutTable['during'], operations: number) {
    this.#phase = phase;
    this.#during = during;
    this.operations = operations;
  }

  add(state: string, { outcome, reason }: Verdict, cut: CutPoint): void {
    this.#cuts += 1;
    this.#states.add(state);
    this.#outcomes[outcome] += 1;
    if (outcome === 'violation') this.#violations.push({ replay: formatCutPoint(cut), reason });
  }

  result(): CutTally {
    return {
      phase: this.#phase,
      during: this.#during,
      operations: this.operations,
      cuts: this.#cuts,
      states: [...this.#states],
      outcomes: this.#outcomes,
      violations: this.#violations,
    };
  }
}
