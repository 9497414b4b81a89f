/**
 * The power of a chip: on until a planned cut is reached, then off until it is turned on again.
 *
 * It only says how far an operation gets; what the bytes are like then is the chip's.
 */
import { PowerCut } from './errors.js';
import type { PowerCutPlan } from './faults.js';

/** How far an operation gets before the power fails: after so many bytes, or with a seeded half of its bits. */
export type Reach =
  { readonly kind: 'bytes'; readonly bytes: number } | { readonly kind: 'bits'; readonly seed: number };

/** Whether there is power, and where it fails next. */
export class Power {
  #plan: PowerCutPlan | undefined;
  /** Operations since the plan was set; bytes for a budget. */
  #sincePlan = 0;
  #on = true;

  get on(): boolean {
    return this.#on;
  }

  /** Sets where the power fails next, or that it does not. */
  plan(plan: PowerCutPlan | undefined): void {
    this.#plan = plan;
    this.#sincePlan = 0;
  }

  /** Turns the power on, with no cut planned. */
  turnOn(): void {
    this.#on = true;
    this.plan(undefined);
  }

  /** @throws PowerCut while the power is off */
  check(): void {
    if (!this.#on) throw new PowerCut();
  }

  /** Turns the power off. @throws PowerCut always */
  fail(): never {
    this.#on = false;
    throw new PowerCut();
  }

  /** Decides how far the next operation gets; undefined: to its end, with the power still on. */
  reachOf(length: number): Reach | undefined {
    const plan = this.#plan;
    if (!plan) return undefined;
    if (plan.kind === 'budget') {
      const left = plan.bytes - this.#sincePlan;
      this.#sincePlan += length;
      return length >= left ? { kind: 'bytes', bytes: left } : undefined;
    }
    const operation = this.#sincePlan;
    this.#sincePlan += 1;
    if (operation < plan.operation) return undefined;
    switch (plan.kind) {
      case 'before':
        return { kind: 'bytes', bytes: 0 };
      case 'after':
        return { kind: 'bytes', bytes: length };
      case 'bytes':
        return { kind: 'bytes', bytes: Math.min(plan.bytes, length) };
      case 'bits':
        return plan;
    }
  }
}
