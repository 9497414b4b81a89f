/** The demo image built in two surroundings that differ in all a build must not depend on gives the same bytes. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { noise, uImageKernel } from '../support/image-inputs.js';
import { cliPath, path, requires, root } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const demo = fileURLToPath(new URL('../../images/demo', import.meta.url));
const folder = temporaryFolder();
const nobody = 65534;
// Someone else than root must be able to get here.
chmodSync(folder, 0o755);

interface Surroundings {
  readonly name: string;
  readonly jobs: number;
  readonly umask: number;
  readonly uid?: number;
  readonly env: Readonly<Record<string, string>>;
}

const plain: Surroundings = { name: 'a', jobs: 1, umask: 0o022, env: { LC_ALL: 'C', TZ: 'UTC' } };
const other: Surroundings = {
  name: 'another-folder/with a space',
  jobs: 4,
  umask: 0o077,
  env: { LC_ALL: 'tr_TR.UTF-8', TZ: 'Asia/Kathmandu' },
};

/** Copies the demo image to a place of its own, as another checkout would, and builds it there in a new process. */
function buildIn({ name, jobs, umask, uid, env }: Surroundings): Map<string, string> {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  cpSync(demo, join(place, 'demo'), { recursive: true });
  // Several blocks, so that more than one worker has something to do.
  mkdirSync(join(place, 'extra'));
  for (let i = 0; i < 3; i += 1) writeFileSync(join(place, 'extra', `blob-${i}`), noise(600_000, i + 1));
  writeFileSync(join(place, 'kernel'), uImageKernel(200_000));
  const early = new Date(1_000_000_000_000 + jobs * 1e9);
  for (const entry of readdirSync(place, { recursive: true, encoding: 'utf8' })) {
    utimesSync(join(place, entry), early, early);
    if (uid !== undefined) chownSync(join(place, entry), uid, uid);
  }
  if (uid !== undefined) chownSync(place, uid, uid);
  const words = [
    ...[cliPath, 'build', 'demo/image.yaml', '--kernel', 'kernel', '--out', 'out', '--no-cache', '--quiet'],
    ...['-b', 'ubnt_unifi-ap', '-b', 'glinet_gl-mt300n-v2', '--files', 'extra', '--jobs', String(jobs)],
  ];
  const script = `umask ${umask.toString(8)}; exec "$@"`;
  const run = spawnSync('/bin/sh', ['-c', script, 'sh', process.execPath, ...words], {
    cwd: place,
    env: { PATH: process.env['PATH'], HOME: place, ...env },
    encoding: 'utf8',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  return hashes(join(place, 'out'));
}

function hashes(out: string): Map<string, string> {
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const found = files.map(({ parentPath, name }): [string, string] => {
    const file = join(parentPath, name);
    const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
    return [file.slice(out.length + 1), hash];
  });
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

requires(path(cliPath))('jobs, umask, folder, locale, time zone and file times do not change a byte', () => {
  const first = buildIn(plain);
  // Two boards: at least an upgrade file, the chip, package list, profiles, record and sums for each.
  expect(first.size).toBeGreaterThanOrEqual(12);
  expect([...buildIn(other)]).toEqual([...first]);
});

const readableByAll = {
  name: 'a checkout and a Node that other users may read',
  met:
    process.getuid?.() === 0 &&
    spawnSync(process.execPath, [cliPath, '--version'], { uid: nobody, gid: nobody, stdio: 'ignore' })
      .status === 0,
};

requires(
  path(cliPath),
  root(),
  readableByAll,
)('who builds does not change a byte', () => {
  const asRoot = buildIn({ ...plain, name: 'root' });
  expect([...buildIn({ ...other, name: 'nobody', uid: nobody })]).toEqual([...asRoot]);
});
