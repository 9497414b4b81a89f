/** Runs a script on a real kernel that has given bytes as its flash chip (see the oracle's own README). */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oracleFolder } from './requires.js';

/** What the kernel is told. */
export interface OracleOptions {
  readonly endian?: 'little' | 'big';
  readonly eraseSize?: number;
  readonly mtdparts: string;
  readonly kernelArgs?: string;
  /** `qemu` is a kernel as packaged; it alone has lzo. Default: the oracle's own. */
  readonly backend?: 'uml' | 'qemu';
}

/** What came back. */
export interface OracleRun {
  readonly status: number;
  readonly output: string;
  readonly dmesg: string;
  /** The chip as the kernel left it. */
  readonly flash: Uint8Array;
  /** A file that the script left in /out; empty when it did not. */
  out(name: string): string;
}

/** Boots a kernel, runs the script as root, and brings back the changed flash. */
export function runOracle(flash: Uint8Array, script: string, options: OracleOptions): OracleRun {
  const folder = mkdtempSync(join(tmpdir(), 'firmwright-oracle-'));
  try {
    const image = join(folder, 'flash.img');
    writeFileSync(image, flash);
    writeFileSync(join(folder, 'script.sh'), script);
    const args = ['--endian', options.endian ?? 'little', '--erase-size', String(options.eraseSize ?? 65536)];
    args.push('--mtdparts', options.mtdparts);
    if (options.kernelArgs !== undefined) args.push('--kernel-args', options.kernelArgs);
    if (options.backend !== undefined) args.push('--backend', options.backend);
    args.push(image, join(folder, 'script.sh'), join(folder, 'out'));
    const run = spawnSync(join(oracleFolder, 'run'), args, { encoding: 'utf8', maxBuffer: 64 << 20 });
    const files = new Map<string, string>();
    const read = (name: string): string => {
      const path = join(folder, 'out', name);
      return files.get(name) ?? (existsSync(path) ? readFileSync(path, 'latin1') : '');
    };
    for (const name of ['tree', 'more', 'dmesg.txt']) files.set(name, read(name));
    return {
      status: run.status ?? -1,
      output: run.stdout + run.stderr,
      dmesg: files.get('dmesg.txt') ?? '',
      flash: new Uint8Array(readFileSync(image)),
      out: (name) => files.get(name) ?? '',
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lines in which jffs2 or the flash driver complain. */
export function complaints(dmesg: string): string[] {
  return dmesg
    .split('\n')
    .filter((line) => /jffs2|umlflash/i.test(line))
    .filter((line) => !/Kernel command line|jffs2: version|notice.*xattr|errno -4/i.test(line));
}
