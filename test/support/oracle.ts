/** Runs a script on a flash image under a real Linux kernel; see the oracle's own README. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Endian } from '../../tools/jffs2/index.js';
import { oracleFolder } from './requires.js';

/** What to run. */
export interface OracleRun {
  readonly image: Uint8Array;
  /** Shell, for busybox; what it puts into /out comes back. */
  readonly script: string;
  readonly endian: Endian;
  readonly eraseSize: number;
  /** Partitions, as mtdparts; absent: one, called `data`. */
  readonly partitions?: string;
  /** `qemu` is a kernel as packaged; it alone has lzo. Absent: the oracle's own. */
  readonly backend?: 'uml' | 'qemu';
  /** The power fails after so many bytes programmed or erased. */
  readonly cut?: number;
  readonly trace?: boolean;
}

/** What came of it. */
export interface OracleResult {
  /** 99 after a power cut. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly image: Uint8Array;
  readonly log: readonly string[];
  /** Reads a file that the script left in /out; empty when it is not there. */
  file(name: string): string;
}

/** Boots the kernel on a copy of the image. */
export async function runOracle(run: OracleRun): Promise<OracleResult> {
  const folder = mkdtempSync(join(tmpdir(), 'firmwright-oracle-'));
  try {
    writeFileSync(join(folder, 'flash.img'), run.image);
    writeFileSync(join(folder, 'script'), run.script);
    const options = ['--endian', run.endian, '--erase-size', String(run.eraseSize)];
    options.push('--mtdparts', run.partitions ?? '-(data)');
    if (run.cut !== undefined) options.push('--cut', String(run.cut));
    if (run.trace) options.push('--trace');
    if (run.backend !== undefined) options.push('--backend', run.backend);
    const { exitCode, stdout } = await execute(join(oracleFolder, 'run'), [
      ...options,
      join(folder, 'flash.img'),
      join(folder, 'script'),
      join(folder, 'out'),
    ]);
    const out = join(folder, 'out');
    const files = new Map(
      (existsSync(out) ? readdirSync(out) : []).map((name) => [name, readFileSync(join(out, name), 'utf8')]),
    );
    return {
      exitCode,
      stdout,
      image: new Uint8Array(readFileSync(join(folder, 'flash.img'))),
      log: linesOf(files.get('dmesg.txt') ?? ''),
      file: (name) => files.get(name) ?? '',
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function execute(file: string, argv: readonly string[]): Promise<{ exitCode: number; stdout: string }> {
  return new Promise((resolve) => {
    execFile(file, argv, { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      const exitCode = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      resolve({ exitCode, stdout: stdout + stderr });
    });
  });
}

/**
 * Shell for a script: `mount_marked PARTITION FOLDER` mounts JFFS2 and, if that met an end marker, returns when all behind
 * it is erased. OpenWrt's kernel erases it inside mount. The oracle's leaves it to a thread of nice 10, and a script that
 * unmounts before that is done finds the marker again at its next mount, which then wipes what was written in between.
 */
export const mountMarked = `
markers=
mount_marked() {
  mount -t jffs2 mtd:$1 $2 || return
  local chip size block before="$markers"
  markers="$(dmesg | sed -n 's/.*End of filesystem marker found at //p')"
  [ "$markers" != "$before" ] || return 0
  local at=$((0x\${markers##*0x}))
  chip=mtd$(mtd $1)
  read size </sys/class/mtd/$chip/size
  read block </sys/class/mtd/$chip/erasesize
  # An erased block holds a clean marker, 12 bytes of which none is FF, and nothing else.
  until [ $(tail -c +$((at + 1)) /dev/$chip | tr -d '\\377' | wc -c) = $(((size - at) / block * 12)) ]; do
    usleep 20000
  done
}
`;

/** Picks what the kernel's jffs2 and flash drivers complained about. */
export function complaintsIn(log: readonly string[]): string[] {
  return log.filter(
    (line) =>
      /jffs2|umlflash/i.test(line) &&
      !/command line|jffs2: version|notice.*xattr|errno -4|umlflash: [PE] 0x|power cut after/i.test(line),
  );
}

/** Lines of a listing, without the empty last one. */
export function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
