/**
 * Packs trees with each effort and with mksquashfs and OpenWrt's options, at 256 KiB: bytes, erase blocks, CPU.
 *
 * Needs `npm run build:js`, and MKSQUASHFS: a mksquashfs 4.7 built with XZ_EXTENDED_OPTIONS=1, as OpenWrt builds its
 * own (Debian's lacks -Xlc). Trees are those of `squashfs.ts` (run that first), or TREES: folders, separated by commas; a
 * filter follows an `=`, as in `/some/root=arm`. Runs alternate, `RUNS` of each (3), CPU is the median. As root every
 * image is mounted and compared with its tree.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mounted } from '../oracle/squashfs/loop-mount.js';

const mksquashfs = process.env['MKSQUASHFS'];
if (mksquashfs === undefined) throw new Error('MKSQUASHFS is not set: name a mksquashfs that has -Xlc');
const runs = Number(process.env['RUNS'] ?? 3);
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'firmwright-bench');
const usual = ['openwrt-19.07', 'openwrt-15.05', 'packages=x86'].map((name) => join(cache, name));
const trees = (process.env['TREES']?.split(',') ?? usual).map((text) => {
  const [folder = '', filter] = text.split('=');
  return { folder, filter };
});
const work = mkdtempSync(join(tmpdir(), 'firmwright-tune-'));
const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const eraseSize = 64 * 1024;

interface Measurement {
  readonly cpu: number;
  readonly size: number;
}

function measure(image: string, command: readonly string[]): Measurement {
  rmSync(image, { force: true });
  const { stderr, status } = spawnSync('/usr/bin/time', ['-f', '%U %S', ...command], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  const [user = 0, system = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return { cpu: user + system, size: Number(readFileSync(image).readBigUInt64LE(40)) };
}

function commands(folder: string, filter: string | undefined): Record<string, (image: string) => string[]> {
  const bcj = filter === undefined ? [] : [filter];
  const effort = (name: string) => (image: string) => [
    ...[process.execPath, program, 'mkfs', 'squashfs', folder, image, '--quiet', '--keep-attributes'],
    ...['--jobs', '2', '--source-date-epoch', '1700000000', '--effort', name],
    ...bcj.flatMap((one) => ['--bcj', one]),
  ];
  return {
    mksquashfs: (image) => [
      ...[mksquashfs ?? '', folder, image, '-nopad', '-noappend', '-root-owned', '-no-xattrs', '-b', '256k'],
      ...['-comp', 'xz', '-Xpreset', '9', '-Xe', '-Xlc', '0', '-Xlp', '2', '-Xpb', '2'],
      ...bcj.flatMap((name) => ['-Xbcj', name]),
      ...[
        '-processors',
        '2',
        '-no-progress',
        '-quiet',
        '-all-time',
        '1700000000',
        '-mkfs-time',
        '1700000000',
      ],
    ],
    normal: effort('normal'),
    more: effort('more'),
    most: effort('most'),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** The kernel's view of an image against the folder it was made from. */
function isEqualWhenMounted(image: string, folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  return mounted(image, join(work, 'mount'), (mountPoint) => {
    const { stdout } = spawnSync('diff', ['-r', '--no-dereference', mountPoint, folder], {
      encoding: 'utf8',
    });
    // Device nodes are what diff cannot compare, and says so.
    const differences = stdout.split('\n').filter((line) => line !== '' && !/special file/.test(line));
    if (differences.length > 0) throw new Error(differences.join('\n'));
    return true;
  });
}

const results: unknown[] = [];
for (const { folder, filter } of trees) {
  if (!existsSync(folder)) {
    console.log(`${folder} is not there: run test/bench/squashfs.ts first`);
    continue;
  }
  const all = Object.entries(commands(folder, filter)).map(([name, command]) => {
    const image = join(work, `${basename(folder)}-${name}`);
    return { name, image, command: command(image), measured: [] as Measurement[] };
  });
  for (let run = 0; run < runs; run += 1) {
    for (const { image, command, measured } of all) measured.push(measure(image, command));
  }
  const [peer, ...efforts] = all.map(({ name, image, measured }) => ({
    name,
    image,
    size: measured[0]?.size ?? NaN,
    cpu: median(measured.map(({ cpu }) => cpu)),
  }));
  if (!peer) continue;
  console.log(`${basename(folder)}: mksquashfs ${peer.size} bytes, ${peer.cpu.toFixed(2)} s CPU`);
  for (const { name, image, size, cpu } of efforts) {
    const percent = 100 * (1 - size / peer.size);
    const blocks = Math.ceil(peer.size / eraseSize) - Math.ceil(size / eraseSize);
    const isMounted = isEqualWhenMounted(image, folder);
    console.log(
      `  ${name}: ${size} bytes, ${percent.toFixed(2)} % smaller, ${blocks} erase blocks of 64 KiB saved, ` +
        `CPU ${(cpu / peer.cpu).toFixed(2)}, ${isMounted ? 'mounted and equal' : 'not mounted'}`,
    );
    results.push({
      tree: basename(folder),
      filter,
      effort: name,
      size,
      peer: peer.size,
      percent,
      blocks,
      cpu: cpu / peer.cpu,
      isMounted,
    });
  }
}
mkdirSync(cache, { recursive: true });
writeFileSync(join(cache, 'tune.json'), JSON.stringify(results, null, 2));
rmSync(work, { recursive: true });
