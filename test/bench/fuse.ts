/**
 * Numbers of a mounted union of folders against fuse-overlayfs, on the same layers in the same run.
 *
 *     npm run build:js && npx tsx test/bench/fuse.ts [rounds]
 *
 * Prints one JSON document: milliseconds of each (medians), the ratio, and the goal where there is one; memory in KiB.
 * "cold" is the first use of a new mount, with the layers themselves in the page cache for both.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { readdirSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliPath } from '../support/requires.js';

const rounds = Number(process.argv[2] ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'firmwright-bench-'));
const lower = join(folder, 'lower');
const fileCount = 20_000;
const filesInFolder = 50;
const bigSize = 64 * 1024 * 1024;

/** One daemon of a union. */
interface Peer {
  readonly name: string;
  mount(upper: string, work: string, at: string): Promise<void>;
}

const peers: readonly Peer[] = [
  {
    name: 'firmwright',
    mount: (upper, work, at) =>
      run([process.execPath, cliPath, 'mount', '--lower', lower, '--upper', upper, '--work', work, at]),
  },
  {
    name: 'fuse-overlayfs',
    mount: (upper, work, at) =>
      run(['fuse-overlayfs', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, at]),
  },
];

/** What is measured in one mount, in this order. */
const measures: readonly { name: string; goal?: number; script: string }[] = [
  { name: 'find cold', goal: 1.0, script: 'find tree > found' },
  { name: 'find warm', goal: 1.0, script: 'find tree > found' },
  { name: 'find -size, warm', script: 'find tree -size +1000k > found' },
  { name: 'tar c', goal: 1.2, script: 'tar cf - tree | cat > /dev/null' },
  { name: 'sequential read of 64 MiB', goal: 1.2, script: 'dd if=big of=/dev/null bs=128k status=none' },
  {
    name: 'create 5,000 small files and remove them',
    goal: 1.5,
    script: 'mkdir small && python3 "$0" small && rm -r small',
  },
  {
    name: 'sequential write of 64 MiB',
    script: 'dd if=/dev/zero of=new bs=128k count=512 conv=fsync status=none',
  },
];

const creator = join(folder, 'create.py');

function prepare(): void {
  mkdirSync(lower);
  for (let at = 0; at < fileCount; at += 1) {
    const group = Math.floor(at / filesInFolder);
    const directory = join(lower, 'tree', `group-${group % 20}`, `folder-${group}`);
    if (at % filesInFolder === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${at}`), `content of file ${at}\n`.repeat(at % 40));
  }
  const big = openSync(join(lower, 'big'), 'w');
  ftruncateSync(big, 0);
  for (let at = 0; at < bigSize; at += 1 << 20) {
    writeSync(
      big,
      createHash('shake256', { outputLength: 1 << 20 })
        .update(String(at))
        .digest(),
    );
  }
  closeSync(big);
  writeFileSync(
    creator,
    "import sys\nfor i in range(5000):\n    with open(f'{sys.argv[1]}/f{i}', 'w') as f:\n        f.write('small ' * 20)\n",
  );
  execFileSync('tar', ['cf', '/dev/null', lower]);
}

/** Runs a command to its end without blocking this process. */
function run([program = '', ...args]: readonly string[], cwd?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'], ...(cwd && { cwd }) });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args.join(' ')} ended with ${String(code)}`));
    });
  });
}

/** Peak and present memory of the process whose command line names the mount point. */
function memoryOf(mountPoint: string): { peakKib: number; residentKib: number } {
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${id}/cmdline`, 'latin1').split('\0');
      if (!words.includes(mountPoint) || words[0] === '/bin/sh') continue;
      const status = readFileSync(`/proc/${id}/status`, 'latin1');
      const kib = (key: string): number => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
      return { peakKib: kib('VmHWM'), residentKib: kib('VmRSS') };
    } catch (error) {
      // A process may end while it is looked at.
      if (!(error instanceof Error)) throw error;
    }
  }
  return { peakKib: 0, residentKib: 0 };
}

async function oneRound(
  peer: Peer,
  round: number,
): Promise<{ times: number[]; memory: { peakKib: number } }> {
  const at = join(folder, `${peer.name}-${round}`);
  const [upper, work, mountPoint] = ['upper', 'work', 'mnt'].map((name) => join(at, name));
  if (upper === undefined || work === undefined || mountPoint === undefined) throw new Error('no folders');
  for (const path of [upper, work, mountPoint]) mkdirSync(path, { recursive: true });
  await peer.mount(upper, work, mountPoint);
  const times: number[] = [];
  try {
    for (const { script } of measures) {
      // The result of find lies outside the mount.
      const command = script.replace('> found', '> /dev/null');
      const start = performance.now();
      await run(['sh', '-c', command, creator], mountPoint);
      times.push(performance.now() - start);
    }
    return { times, memory: memoryOf(mountPoint) };
  } finally {
    await run(['umount', mountPoint]);
    rmSync(at, { recursive: true, force: true });
  }
}

const median = (values: number[]): number => values.sort((x, y) => x - y)[values.length >> 1] ?? 0;
const rounded = (value: number): number => Math.round(value * 100) / 100;

prepare();
const found = new Map(
  peers.map((peer) => [peer.name, { times: measures.map(() => [] as number[]), peak: [] as number[] }]),
);
try {
  for (let round = 0; round < rounds; round += 1) {
    for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
      const { times, memory } = await oneRound(peer, round);
      times.forEach((time, index) => found.get(peer.name)?.times[index]?.push(time));
      found.get(peer.name)?.peak.push(memory.peakKib);
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const [ours, theirs] = peers.map((peer) => found.get(peer.name));
const report = {
  schemaVersion: 1,
  rounds,
  measures: measures.map(({ name, goal }, index) => {
    const [mine = 0, other = 0] = [ours, theirs].map((peer) => median(peer?.times[index] ?? []));
    return {
      name,
      firmwrightMs: rounded(mine),
      fuseOverlayfsMs: rounded(other),
      ratio: rounded(mine / other),
      goal,
    };
  }),
  peakMemoryKib: { firmwright: median(ours?.peak ?? []), fuseOverlayfs: median(theirs?.peak ?? []) },
};
console.log(JSON.stringify(report, undefined, 2));
