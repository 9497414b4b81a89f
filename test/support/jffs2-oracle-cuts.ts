/**
 * The same work cut at the same byte, on a real kernel and here: both end in the same visible state, and each reads the other's.
 */
import { fixedClock } from '../../tools/core/index.js';
import { NorChip, norGeometry, PowerCut } from '../../tools/flash/index.js';
import { mountJffs2 } from '../../tools/jffs2/index.js';
import type { Endian, MountOptions } from '../../tools/jffs2/index.js';
import { applyOperation, dataPool, shellLines } from './file-operations.js';
import { manifestOf } from './manifest.js';
import type { FileOperation } from './file-operations.js';
import { differences } from './jffs2-exchange.js';
import { complaintsIn, linesOf, runOracle } from './oracle.js';

/** One cut: after so many bytes programmed or erased since the mount. */
export interface OracleCut {
  readonly endian: Endian;
  readonly bytes: number;
}

const ERASE = 65536;
const BLOCKS = 8;
const pool = dataPool(7);
const work: readonly FileOperation[] = [
  { kind: 'create', path: '/n', mode: 0o644 },
  { kind: 'write', path: '/n', offset: 0, from: 10, length: 6000 },
  { kind: 'mkdir', path: '/d/e', mode: 0o755 },
  { kind: 'write', path: '/a', offset: 3000, from: 99, length: 2500 },
  { kind: 'append', path: '/a', from: 5, length: 700 },
  { kind: 'rename', from: '/n', path: '/d/b' },
  { kind: 'link', from: '/a', path: '/l' },
  { kind: 'unlink', path: '/a' },
  { kind: 'truncate', path: '/l', size: 4500 },
  { kind: 'write', path: '/l', offset: 9000, from: 700, length: 300 },
  { kind: 'symlink', path: '/t', target: 'some/where' },
  { kind: 'rmdir', path: '/d/e' },
  { kind: 'mknod', path: '/c', type: 'char', major: 5, minor: 1 },
  { kind: 'chmod', path: '/l', mode: 0o600 },
  { kind: 'rename', from: '/d', path: '/moved' },
];
const setup: readonly FileOperation[] = [
  { kind: 'create', path: '/a', mode: 0o644 },
  { kind: 'write', path: '/a', offset: 0, from: 0, length: 5000 },
  { kind: 'mkdir', path: '/d', mode: 0o755 },
  { kind: 'create', path: '/d/b', mode: 0o600 },
  { kind: 'write', path: '/d/b', offset: 0, from: 3, length: 200 },
];

function optionsFor(endian: Endian): MountOptions {
  return { endian, clock: fixedClock(1_700_000_000), collector: 'manual' };
}

/** Makes the chip that both start from: formatted, with some files, nothing left to do for the collector. */
function startingChip(endian: Endian): NorChip {
  const chip = new NorChip({ geometry: norGeometry(ERASE * BLOCKS, ERASE) });
  const fs = mountJffs2(chip, optionsFor(endian));
  fs.collect();
  for (const operation of setup) applyOperation(fs, operation, pool);
  return chip;
}

function workOn(chip: NorChip, endian: Endian): void {
  const fs = mountJffs2(chip, optionsFor(endian));
  for (const operation of work) {
    const answer = applyOperation(fs, operation, pool);
    if (answer !== 'ok') throw new Error(`${JSON.stringify(operation)} answered ${answer}`);
  }
}

/** Bytes that the whole work programs: the cuts lie below. */
export function bytesOfWork(): number {
  const chip = startingChip('little');
  const before = chip.counters.bytesProgrammed;
  workOn(chip, 'little');
  return chip.counters.bytesProgrammed - before;
}

/** Which bytes each programs or erases, in order; neighbours that follow each other are one range. */
export async function traceBoth(
  endian: Endian,
): Promise<{ readonly ours: readonly string[]; readonly kernel: readonly string[] }> {
  const chip = startingChip(endian);
  const image = chip.image();
  const ours: Range[] = [];
  chip.observer = (operation) => {
    const { kind, offset } = operation;
    const length = kind === 'program' ? operation.data.length : operation.length;
    ours.push({ kind: kind === 'program' ? 'P' : 'E', offset, length });
  };
  workOn(chip, endian);
  const script = cutScript().replace(/exit 3\n$/, 'exit 0\n');
  const { log } = await runOracle({ endian, eraseSize: ERASE, image, script, trace: true });
  const kernel = log.flatMap((line): Range[] => {
    const found = /umlflash: ([PE]) (0x[0-9a-f]+) (\d+)/.exec(line);
    return found ? [{ kind: found[1] ?? '', offset: Number(found[2]), length: Number(found[3]) }] : [];
  });
  return { ours: joined(ours), kernel: joined(kernel) };
}

interface Range {
  readonly kind: string;
  readonly offset: number;
  readonly length: number;
}

/** Joins ranges that follow each other: the kernel's flash layer writes header and body of a node apart. */
function joined(ranges: readonly Range[]): string[] {
  const all: Range[] = [];
  for (const range of ranges) {
    const last = all.at(-1);
    if (last?.kind === range.kind && last.offset + last.length === range.offset)
      all[all.length - 1] = { ...last, length: last.length + range.length };
    else all.push(range);
  }
  return all.map(({ kind, offset, length }) => `${kind} ${offset} ${length}`);
}

/** Cuts both; returns what differs. */
export async function cutBoth({ endian, bytes }: OracleCut): Promise<string[]> {
  const start = startingChip(endian);
  const ours = start.fork();
  ours.planPowerCut({ kind: 'budget', bytes });
  try {
    workOn(ours, endian);
    return ['our work was over before the cut'];
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  ours.powerOn();
  const found = list(ours, endian);
  const run = { endian, eraseSize: ERASE };
  const cut = await runOracle({ ...run, image: start.image(), script: cutScript(), cut: bytes });
  if (cut.exitCode !== 99) return [`the kernel was not cut: exit ${cut.exitCode} ${cut.stdout}`];
  const theirs = new NorChip({ geometry: ours.geometry, content: cut.image });
  const readBack = await runOracle({ ...run, image: cut.image, script: readScript });
  const kernel = withoutTimes(linesOf(readBack.file('before')));
  const readOurs = await runOracle({ ...run, image: ours.image(), script: readScript });
  const kernelReadsOurs = withoutTimes(linesOf(readOurs.file('before')));
  return [
    ...differences('kernel cut and read by the kernel, ours by us', kernel, found),
    ...differences('kernel cut and read by the kernel, by us', kernel, list(theirs, endian)),
    ...differences('ours cut and read by us, by the kernel', found, kernelReadsOurs),
    ...seriousComplaints(readBack.log),
    ...seriousComplaints(readOurs.log),
  ];
}

/** A torn node is bound to be noticed; anything else is not. */
function seriousComplaints(log: readonly string[]): string[] {
  return complaintsIn(log).filter(
    (line) =>
      !/CRC failed|invalid CRC|wrong data CRC|Empty flash at|magic bitmask|Further such events|no data nodes found|hardlinked|multiple parents|hard link|fixing/i.test(
        line,
      ),
  );
}

function list(chip: NorChip, endian: Endian): string[] {
  return withoutTimes(manifestOf(mountJffs2(chip, { ...optionsFor(endian), readOnly: true })));
}

function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) => line.split(' ').toSpliced(6, 1, '-').join(' '));
}

function cutScript(): string {
  const encoded = Buffer.from(pool).toString('base64');
  return [
    `base64 -d >/tmp/pool <<'END'`,
    ...(encoded.match(/.{1,4000}/g) ?? []),
    'END',
    'umask 0',
    'mount -t jffs2 -o compr=none mtd:data /mnt || exit 1',
    ...kernelWork(),
    'exit 3',
    '',
  ].join('\n');
}

/** As `shellLines`, but each operation makes the very calls that ours does, and no other. */
function kernelWork(): string[] {
  return work.flatMap((operation) => {
    const path = `/mnt${operation.path}`;
    switch (operation.kind) {
      case 'create':
        return [`umask ${(0o666 & ~operation.mode).toString(8)}; true >${path}; umask 0`];
      case 'mkdir':
        return [`umask ${(0o777 & ~operation.mode).toString(8)}; mkdir ${path}; umask 0`];
      case 'mknod':
        return [`mknod -m 600 ${path} c ${operation.major} ${operation.minor}`];
      default:
        return shellLines([operation], '/mnt', '/tmp/pool');
    }
  });
}

const readScript = 'mount -t jffs2 mtd:data /mnt || exit 1\nmanifest /mnt >/out/before\n';
