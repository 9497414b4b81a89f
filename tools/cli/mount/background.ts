/**
 * A mount goes to the background once it is there: the command starts itself again, detached, waits for word that the
 * mount is up, and ends. Node cannot fork; a second start costs some 200 ms.
 */
import { spawn } from 'node:child_process';
import process from 'node:process';

/** Set for the process that shall serve; a channel to a parent alone may be anybody's. */
const marker = 'FIRMWRIGHT_MOUNT_BACKGROUND';

/**
 * The server's answers are short and it waits in between: threads of the collector would take the processor from its
 * callers, and a small young generation keeps it in the cache.
 */
const memoryFlags = ['--single-threaded-gc', '--max-semi-space-size=4'];

/** True in the process that shall serve, when another one waits for its word. */
export function isBackground(): boolean {
  return process.env[marker] === '1';
}

/** Tells the waiting process that the mount is up, and lets go of its terminal. */
export function reportMounted(): void {
  process.send?.('mounted');
  process.disconnect();
  process.chdir('/');
}

/**
 * Starts this command line again in the background and waits until it is mounted or has failed.
 *
 * @returns exit code for this process: 0 when mounted, else that of the other one
 */
export function runInBackground(): Promise<number> {
  const [program, ...rest] = process.argv;
  const child = spawn(program ?? process.execPath, [...memoryFlags, ...process.execArgv, ...rest], {
    detached: true,
    env: { ...process.env, [marker]: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // Only what goes wrong before the mount is up is for this terminal.
  child.stderr?.on('data', (text: Buffer) => process.stderr.write(text));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => {
      done(code ?? 1);
    });
    child.once('message', () => {
      child.stderr?.destroy();
      if (child.connected) child.disconnect();
      child.unref();
      done(0);
    });
  });
}
