import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Need } from './requires.js';
import { path, root, tool } from './requires.js';

/** What the tests of real mounts need. */
export const fuseNeeds: readonly Need[] = [path('/dev/fuse'), tool('fusermount3'), root()];

/** Names what is missing for real mounts, or undefined. */
export function missingForFuse(): string | undefined {
  const missing = fuseNeeds.filter((need) => !need.met).map((need) => need.name);
  return missing.length === 0 ? undefined : missing.join(', ');
}

/** A mount served by a process of its own. */
export interface ServedMount {
  readonly mountPoint: string;
  readonly server: ChildProcess;
  /** Unmounts and waits for the server's end; its exit code. */
  stop(): Promise<number | null>;
}

/** Mounts a file system in memory on a new folder, served by a process of its own. */
export async function serveMemory(): Promise<ServedMount> {
  const mountPoint = mkdtempSync(join(tmpdir(), 'firmwright-mount-'));
  const program = fileURLToPath(new URL('fuse-server.ts', import.meta.url));
  const server = spawn(process.execPath, ['--import', 'tsx', program, mountPoint], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => server.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    server.stdout.once('data', () => {
      resolve();
    });
    void ended.then((code) => {
      reject(new Error(`the server ended with ${String(code)}`));
    });
  });
  return {
    mountPoint,
    server,
    stop: async () => {
      server.kill('SIGTERM');
      const code = await ended;
      rmdirSync(mountPoint);
      return code;
    },
  };
}
