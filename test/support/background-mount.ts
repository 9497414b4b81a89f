import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import type { Need } from './requires.js';
import { cliPath, path } from './requires.js';
import { fuseNeeds } from './fuse-mount.js';

/** What tests of mounts in the background need. */
export const backgroundNeeds: readonly Need[] = [...fuseNeeds, path(cliPath)];

/** What `firmwright mount` said before it went to the background. */
export interface MountAnswer {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A mount whose server is a process of its own, so that the test may use it as it likes. */
export class BackgroundMount implements Disposable {
  readonly mountPoint: string;
  /** Process that serves it. */
  readonly server: number;

  constructor(mountPoint: string) {
    this.mountPoint = mountPoint;
    const server = serverOf(mountPoint);
    if (server === undefined) throw new Error(`nobody serves ${mountPoint}`);
    this.server = server;
  }

  /** Unmounts and waits for the server's end; milliseconds from one to the other. */
  unmount(): number {
    const { status, stderr } = spawnSync('umount', [this.mountPoint], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`umount: ${stderr}`);
    const start = performance.now();
    if (!this.isGone(30_000)) throw new Error('the server did not end');
    return performance.now() - start;
  }

  /** Waits until the server has ended and nothing is mounted any more. */
  isGone(limitMs: number): boolean {
    return waitUntil(() => !isMounted(this.mountPoint) && serverOf(this.mountPoint) === undefined, limitMs);
  }

  [Symbol.dispose](): void {
    if (isMounted(this.mountPoint)) spawnSync('umount', ['-l', this.mountPoint]);
    this.isGone(5000);
  }
}

/** Runs `firmwright mount` with these words. */
export function tryMount(words: readonly string[]): MountAnswer {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cliPath, 'mount', ...words], {
    encoding: 'utf8',
  });
  return { exitCode: status, stdout, stderr };
}

/** Mounts on a folder, which is made; everything that goes wrong is an error. */
export function mountInBackground(words: readonly string[], mountPoint: string): BackgroundMount {
  mkdirSync(mountPoint, { recursive: true });
  const { exitCode, stdout, stderr } = tryMount([...words, mountPoint]);
  if (exitCode !== 0 || stdout !== '' || stderr !== '') {
    throw new Error(`mount ended with ${String(exitCode)}: ${stdout}${stderr}`);
  }
  return new BackgroundMount(mountPoint);
}

/** Tells whether something is mounted there. */
export function isMounted(mountPoint: string): boolean {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === mountPoint);
}

/** Asks again and again, without giving this process' loop a turn. */
export function waitUntil(condition: () => boolean, limitMs: number): boolean {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) return false;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  return true;
}

/** Finds the process whose command line is ours and ends with the mount point. */
function serverOf(mountPoint: string): number | undefined {
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = commandLineOf(id);
    if (words.includes(cliPath) && words.includes(mountPoint)) return Number(id);
  }
  return undefined;
}

function commandLineOf(id: string): string[] {
  try {
    return readFileSync(`/proc/${id}/cmdline`, 'latin1').split('\0');
  } catch {
    // It ended while we looked.
    return [];
  }
}
