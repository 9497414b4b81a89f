/** Canonical listings of trees on the host, by the same program that lists them in the guests of the oracle. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { oracleFolder } from './requires.js';

/**
 * Lists a folder: one line an entry with type, mode, owner, size, time, content hash, target, device, link count, xattrs.
 *
 * @param workFolder  where the program is compiled, once
 */
export function hostManifestOf(folder: string, workFolder: string): string {
  const program = join(workFolder, 'manifest');
  if (!existsSync(program)) {
    execFileSync('cc', ['-O2', '-o', program, join(oracleFolder, 'guest/manifest.c')]);
  }
  return execFileSync(program, [folder], { encoding: 'latin1', maxBuffer: 64 << 20 });
}
