/** Lets the program look at signals and timers in the midst of long work that never waits. */

/**
 * Comes back when everything else that waits had its turn.
 *
 * @throws the reason of the signal when it aborted
 */
export async function breathing(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  signal.throwIfAborted();
}
