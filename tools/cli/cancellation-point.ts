/** Lets Ctrl-C act in the midst of long work that never waits. */

/**
 * Lets signals and timers have their turn, and goes on unless the run was cancelled.
 *
 * @throws the reason of the signal when it aborted
 */
export async function cancellationPoint(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
