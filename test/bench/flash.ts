/**
 * Figures of the flash chip, the mounted JFFS2 and the power-cut explorer, as JSON.
 *
 *     npx tsx test/bench/flash.ts
 */
import { byteStringFromText as b, fixedClock } from '../../tools/core/index.js';
import { explorePowerCuts, explorePowerCutsInPool, NorChip, norGeometry } from '../../tools/flash/index.js';
import { mountJffs2 } from '../../tools/jffs2/index.js';
import { dataPool } from '../support/file-operations.js';
import { jffs2PowerCuts } from '../support/jffs2-power-cuts.js';

const MIB = 1 << 20;
/** Cut points a second of littlefs's own runner in C, on a comparable machine. */
const LITTLEFS_CUTS_PER_SECOND = 3750;
const options = { endian: 'little', clock: fixedClock(1_700_000_000) } as const;
const newFile = { type: 'file', mode: 0o644, uid: 0, gid: 0 } as const;

/** Median time of some runs, in milliseconds. */
function median(runs: number, body: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    body();
    return performance.now() - start;
  });
  times.sort((a, c) => a - c);
  return Math.round((times[Math.floor(runs / 2)] ?? 0) * 100) / 100;
}

function formatted(size: number): NorChip {
  const chip = new NorChip({ geometry: norGeometry(size, 65536) });
  mountJffs2(chip, options).collect();
  return chip;
}

function fullChip(): NorChip {
  const chip = formatted(8 * MIB);
  const fs = mountJffs2(chip, options);
  const pool = dataPool(1);
  for (let i = 0; i < 2000; i += 1)
    fs.write(fs.mknod(fs.root, b(`file-${i}`), newFile), 0, pool.subarray(i * 7, i * 7 + 3000));
  return chip;
}

function throughput(): { writeMBs: number; readMBs: number } {
  const fs = mountJffs2(formatted(16 * MIB), options);
  const ino = fs.mknod(fs.root, b('f'), newFile);
  const piece = dataPool(2);
  const total = 8 * MIB;
  const write = median(1, () => {
    for (let at = 0; at < total; at += piece.length) fs.write(ino, at, piece);
  });
  const read = median(1, () => {
    for (let at = 0; at < total; at += piece.length) fs.read(ino, at, piece.length);
  });
  return { writeMBs: Math.round(total / write / 1000), readMBs: Math.round(total / read / 1000) };
}

/** The small workload of the explorer: a 512 KiB area. */
const cutInput = { workload: 'append', endian: 'little', eraseSize: 65536, blocks: 8 } as const;

/** Cuts a second of wall time, and a second of processor time (what counts on a busy machine). */
function explorerRate(): { readonly wall: number; readonly processor: number } {
  let cuts = 0;
  const before = process.cpuUsage();
  const time = median(1, () => {
    for (let i = 0; i < 40; i += 1)
      cuts += explorePowerCuts({ ...jffs2PowerCuts(cutInput), bitSubsets: 20 }).cuts;
  });
  const { user, system } = process.cpuUsage(before);
  return { wall: Math.round((cuts * 1000) / time), processor: Math.round((cuts * 1e6) / (user + system)) };
}

async function main(): Promise<void> {
  const empty = formatted(8 * MIB);
  const full = fullChip();
  explorerRate();
  const oneProcess = explorerRate();
  const start = performance.now();
  const source = {
    module: new URL('../support/explorer-bench.ts', import.meta.url).href,
    name: 'benchCuts',
    input: 400,
  };
  const pooled = await explorePowerCutsInPool(source, { jobs: 2 });
  const pooledRate = Math.round((pooled.cuts * 1000) / (performance.now() - start));
  console.log(
    JSON.stringify(
      {
        mountEmpty8MiBMs: median(9, () => mountJffs2(empty.fork(), options)),
        mount2000FilesMs: median(5, () => mountJffs2(full.fork(), options)),
        snapshotMicroseconds: median(999, () => full.snapshot()) * 1000,
        ...throughput(),
        cutsPerSecondOneProcess: oneProcess.wall,
        cutsPerProcessorSecond: oneProcess.processor,
        cutsPerSecondTwoProcesses: pooledRate,
        ofLittlefs: Math.round((oneProcess.processor / LITTLEFS_CUTS_PER_SECOND) * 100) / 100,
      },
      undefined,
      2,
    ),
  );
}

void main();
