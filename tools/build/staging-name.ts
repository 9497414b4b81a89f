/**
 * Names of staging folders. A build that is killed cannot take its folder away; the name says whose it is, so that the next build in
 * that place can.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const prefix = '.firmwright-';

/** A new name: the host and the process that it belongs to, and what no other build has. */
export function stagingName(): string {
  return `${prefix}${ownHost()}.${process.pid}.${randomUUID()}`;
}

/**
 * Removes the staging folders of processes of this host that are no more; those of other hosts may still be in use.
 *
 * @param keep  a name in a staging folder that holds what nobody else has; a folder with it stays
 */
export async function removeAbandonedStaging(folder: string, keep: string): Promise<void> {
  const mine = `${prefix}${ownHost()}.`;
  for (const name of await readdir(folder)) {
    const [pid] = name.startsWith(mine) ? name.slice(mine.length).split('.') : [];
    if (pid === undefined || !/^[1-9]\d*$/.test(pid) || isRunning(Number(pid))) continue;
    if (!existsSync(join(folder, name, keep)))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

function ownHost(): string {
  return hostname().replace(/[^A-Za-z0-9-]/g, '-');
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0 only asks.
    return process.kill(pid, 0);
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
