/**
 * Packs the same trees with Firmwright, mksquashfs and gensquashfs and prints ratios of CPU, wall time, size and memory.
 *
 * What is measured is what users start, `firmwright mkfs squashfs`, Node's start included: run `npm run build:js` before.
 * Runs alternate between the programs; each figure is a median. `RUNS` sets how many (5), `TREES` which (all).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixturePath } from '../support/requires.js';

const runs = Number(process.env['RUNS'] ?? 5);
const wanted = process.env['TREES']?.split(',');
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'firmwright-bench');
const work = mkdtempSync(join(tmpdir(), 'firmwright-bench-'));
const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Debian packages of the large tree. */
const packages = [
  'bash',
  'coreutils',
  'libc6',
  'libglib2.0-0',
  'libpython3.11-minimal',
  'libpython3.11-stdlib',
  'libssl3',
  'perl-modules-5.36',
  'python3.11-minimal',
];

interface Measurement {
  readonly cpu: number;
  readonly wall: number;
  readonly memory: number;
  readonly size: number;
}

function tree(name: string, fill: (folder: string) => void): string {
  const folder = join(cache, name);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    fill(folder);
  }
  return folder;
}

function unpacked(name: string, archive: string): string {
  return tree(name, (folder) => execFileSync('tar', ['-C', folder, '-xf', fixturePath(archive)]));
}

const trees: Readonly<Record<string, () => string>> = {
  'openwrt-19.07': () => unpacked('openwrt-19.07', 'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz'),
  'openwrt-15.05': () => unpacked('openwrt-15.05', 'rootfs-openwrt-15.05-ath25-mips-be.tar.xz'),
  packages: () =>
    tree('packages', (folder) => {
      execFileSync('apt-get', ['download', '-qq', ...packages], { cwd: work, stdio: 'inherit' });
      execFileSync('sh', ['-c', `for p in *.deb; do dpkg-deb -x "$p" '${folder}'; done`], { cwd: work });
    }),
  'small-files': () =>
    tree('small-files', (folder) => {
      for (let i = 0; i < 200_000; i += 1) {
        const inner = join(folder, String(i % 500));
        if (i < 500) mkdirSync(inner);
        const text = `file ${i}\n${'some text of a small file '.repeat((i * 7) % 80)}`;
        writeFileSync(join(inner, `file-${i}`), text);
      }
    }),
};

const image = join(work, 'image');

/**
 * What the programs see of the environment. NODE_EXTRA_CA_CERTS is left out with the rest: where it is set, Node parses a
 * folder's worth of certificates at each start, which costs as much again as the start itself.
 */
const environment = { PATH: process.env['PATH'], HOME: homedir(), LC_ALL: 'C' };

/** Runs a program under GNU time. */
function measure(command: readonly string[]): Measurement {
  rmSync(image, { force: true });
  const { stderr, status } = spawnSync('/usr/bin/time', ['-f', '%e %U %S %M', ...command], {
    encoding: 'utf8',
    env: environment,
  });
  if (status !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  const [wall = 0, user = 0, system = 0, kib = 0] = (stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  const size = Number(readFileSync(image).readBigUInt64LE(40));
  return { wall, cpu: user + system, memory: kib / 1024, size };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

const firmwright = (folder: string, ...parameters: readonly string[]): string[] => [
  ...[process.execPath, program, 'mkfs', 'squashfs', folder, image, '--quiet', '--keep-attributes'],
  ...['--jobs', '2', '--source-date-epoch', '1700000000', ...parameters],
];
const mksquashfs = (folder: string, ...parameters: readonly string[]): string[] => [
  ...['mksquashfs', folder, image, '-nopad', '-noappend', '-root-owned', '-no-xattrs', '-b', '256k'],
  ...['-processors', '2', '-no-progress', '-quiet', '-all-time', '1700000000', '-mkfs-time', '1700000000'],
  ...parameters,
];
const gensquashfs = (folder: string, ...parameters: readonly string[]): string[] => [
  ...['gensquashfs', '-D', folder, '-q', '-f', '--all-root', '-d', 'mtime=1700000000', '-b', '262144'],
  ...['-j', '2', ...parameters, image],
];

const results: unknown[] = [];

function compareAtEqualWork(name: string, folder: string): void {
  const kind = name === 'small-files' ? 'gzip' : 'xz';
  const commands = [
    firmwright(folder, '--comp', kind, ...(kind === 'xz' ? ['--level', '6', '--lc', '3', '--lp', '0'] : [])),
    mksquashfs(folder, '-comp', kind, ...(kind === 'xz' ? ['-Xdict-size', '100%'] : [])),
    gensquashfs(folder, '-c', kind),
  ];
  const measured: Measurement[][] = commands.map(() => []);
  for (let run = 0; run < runs; run += 1) {
    for (const [i, command] of commands.entries()) measured[i]?.push(measure(command));
  }
  const [ours, theirs, other] = measured.map((all) => ({
    cpu: median(all.map(({ cpu }) => cpu)),
    wall: median(all.map(({ wall }) => wall)),
    memory: median(all.map(({ memory }) => memory)),
    size: median(all.map(({ size }) => size)),
  }));
  if (!ours || !theirs || !other) return;
  const ratio = (a: number, b: number): string => (a / b).toFixed(3);
  console.log(
    `${name} (${kind}): CPU ${ratio(ours.cpu, theirs.cpu)}, wall ${ratio(ours.wall, theirs.wall)} of mksquashfs; ` +
      `size ${ratio(ours.size, Math.min(theirs.size, other.size))} of the smaller of both; ` +
      `memory ${ours.memory.toFixed(0)} MiB (mksquashfs ${theirs.memory.toFixed(0)})`,
  );
  results.push({ tree: name, kind, ours, mksquashfs: theirs, gensquashfs: other });
}

/** Sizes that OpenWrt's own mksquashfs gives, whose options Debian's lacks. */
const sizesOfOpenWrt: Readonly<Record<string, number>> = {
  'openwrt-19.07': 2_158_408,
  'openwrt-15.05': 1_805_696,
};

function compareWithOpenWrt(name: string, folder: string): void {
  const parameters = ['-c', 'xz', '-X', 'level=9,lc=0,lp=2,pb=2'];
  const reference = sizesOfOpenWrt[name] ?? measure(gensquashfs(folder, ...parameters)).size;
  const ours = measure(firmwright(folder));
  const percent = ((ours.size / reference - 1) * 100).toFixed(2);
  console.log(`${name} with OpenWrt's options: ${ours.size} of ${reference} bytes, ${percent} %`);
  results.push({ tree: name, openWrt: ours, reference });
}

for (const [name, prepare] of Object.entries(trees)) {
  if (wanted && !wanted.includes(name)) continue;
  const folder = prepare();
  compareAtEqualWork(name, folder);
  if (name !== 'small-files') compareWithOpenWrt(name, folder);
}
writeFileSync(join(cache, 'squashfs.json'), JSON.stringify(results, null, 2));
rmSync(work, { recursive: true });
