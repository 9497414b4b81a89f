/**
 * What happened on the device, and when: each entry carries the emulated time since power-on of the first boot.
 *
 * Flash operations take the chip's time (flash/timing); waits of the scripts take theirs; computing takes none.
 */

/** One event of the device. */
export interface TimelineEvent {
  /** Milliseconds of emulated time. */
  readonly atMs: number;
  readonly phase: string;
  readonly text: string;
}

/** Collects events against a source of emulated time. */
export class Timeline {
  readonly #events: TimelineEvent[] = [];
  #waitedMs = 0;
  #onRamMs = 0;
  #onRamSince: number | undefined;
  readonly #flashMs: () => number;

  /** @param flashMs  time that flash operations have taken so far, milliseconds */
  constructor(flashMs: () => number) {
    this.#flashMs = flashMs;
  }

  /** Goes on where another one is. */
  goOnFrom(other: Timeline): void {
    this.#events.push(...other.#events);
    this.#waitedMs = other.nowMs - this.#flashMs();
    this.#onRamMs = other.#onRamMs;
    this.#onRamSince = other.#onRamSince;
  }

  /** Emulated milliseconds so far. */
  get nowMs(): number {
    return this.#waitedMs + this.#flashMs();
  }

  /** Lets time pass without flash operations, as a script's `sleep`. */
  wait(milliseconds: number): void {
    this.#waitedMs += milliseconds;
  }

  /** The root is on RAM from now on: what the user changes is lost with the power. */
  enterRam(): void {
    this.#onRamSince ??= this.nowMs;
  }

  /** The root is no longer on RAM, or the device is off. */
  leaveRam(): void {
    this.#onRamMs = this.onRamMs;
    this.#onRamSince = undefined;
  }

  /** Emulated milliseconds that the root was on RAM so far. */
  get onRamMs(): number {
    return this.#onRamMs + (this.#onRamSince === undefined ? 0 : this.nowMs - this.#onRamSince);
  }

  log(phase: string, text: string): void {
    this.#events.push({ atMs: this.nowMs, phase, text });
  }

  events(): readonly TimelineEvent[] {
    return this.#events;
  }
}
