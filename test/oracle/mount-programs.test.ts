/** Ordinary programs at work on a mounted union of folders: what they say and leave is what they do on a plain folder. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { packSquashfs } from '../../tools/squashfs/index.js';
import { bytesContent, newDirectory } from '../../tools/vfs/index.js';
import { backgroundNeeds, mountInBackground, waitUntil } from '../support/background-mount.js';
import type { BackgroundMount } from '../support/background-mount.js';
import { fixture, fixturePath, path, requires, tool } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const at = (...parts: string[]): string => join(folder, ...parts);
const canMount = backgroundNeeds.every(({ met }) => met);
const realRoot = 'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz';
const helper = (name: string): string => fileURLToPath(new URL(`../support/${name}`, import.meta.url));

let mounted: BackgroundMount | undefined;

/** Mounts the lower under a new upper of this name; the same name again is the same upper. */
function mountUpper(name: string): BackgroundMount {
  for (const part of ['lower', `${name}/upper`, `${name}/work`]) mkdirSync(at(part), { recursive: true });
  const layers = ['--lower', at('lower'), '--upper', at(name, 'upper'), '--work', at(name, 'work')];
  return mountInBackground(layers, at(name, 'mnt'));
}

beforeAll(() => {
  if (canMount) mounted = mountUpper('shared');
});
afterAll(() => {
  mounted?.[Symbol.dispose]();
});

/** A new folder inside the mount. */
function inside(name: string): string {
  const made = at('shared/mnt', name);
  mkdirSync(made);
  return made;
}

function run(program: string, args: readonly string[], cwd = folder): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

requires(
  ...backgroundNeeds,
  tool('rsync'),
  tool('tar'),
  fixture(realRoot),
)('rsync -aHAX brings a real root tree in and out without a difference', () => {
  const source = at('tree');
  mkdirSync(source);
  run('tar', ['xpf', fixturePath(realRoot), '-C', source]);
  linkSync(join(source, 'etc/passwd'), join(source, 'etc/passwd-linked'));
  run('mknod', [join(source, 'dev-null'), 'c', '1', '3']);
  run('setfattr', ['-n', 'user.note', '-v', 'kept', join(source, 'etc/passwd')]);
  chownSync(join(source, 'etc/hosts'), 12, 34);
  chmodSync(join(source, 'etc/hosts'), 0o4751);
  const rsync = (from: string, to: string): string =>
    run('rsync', ['-aHAX', '--numeric-ids', from, to], folder);
  rsync(`${source}/`, inside('rsync'));
  rsync(`${at('shared/mnt/rsync')}/`, at('tree-out'));
  const differences = run('rsync', [
    ...['-aHAXnc', '--numeric-ids', '--delete', '--itemize-changes'],
    ...[`${source}/`, at('tree-out')],
  ]);
  expect(differences).toBe('');
  expect(statSync(join(at('tree-out'), 'etc/passwd')).nlink).toBe(2);
});

requires(
  ...backgroundNeeds,
  path('/bin/busybox'),
  tool('chroot'),
  tool('ldd'),
)('a shell of busybox works in a chroot on a mounted root', async () => {
  const root = newDirectory();
  for (const name of ['bin', 'proc', 'tmp']) {
    root.entries.set(byteStringFromText(name), newDirectory());
  }
  const bin = root.entries.get(byteStringFromText('bin'));
  if (bin?.type !== 'directory') throw new Error('no bin');
  bin.entries.set(byteStringFromText('busybox'), {
    type: 'file',
    ...{ mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() },
    content: bytesContent(readFileSync('/bin/busybox')),
  });
  const { bytes } = await packSquashfs(root, { compressor: { kind: 'gzip' }, imageTime: 0 });
  writeFileSync(at('x86.squashfs'), bytes);
  for (const name of ['chroot/upper', 'chroot/work']) mkdirSync(at(name), { recursive: true });
  using chroot = mountInBackground(
    ['--lower', at('x86.squashfs'), '--upper', at('chroot/upper'), '--work', at('chroot/work')],
    at('chroot/mnt'),
  );
  const script = `
    /bin/busybox --install -s /bin && mkdir /dev && mknod /dev/null c 1 3 && echo gone > /dev/null
    echo text > /tmp/a && mv /tmp/a /tmp/b && cat /tmp/b
    mkfifo /tmp/pipe && (echo piped > /tmp/pipe & cat /tmp/pipe)
    cp /bin/busybox /tmp && cmp /bin/busybox /tmp/busybox && /tmp/busybox echo ran
    tar cf - /bin 2>/dev/null | tar tf - | grep -c '^bin/ls$' && rm /bin/busybox && /tmp/busybox id -u`;
  const { stdout } = spawnSync('chroot', [chroot.mountPoint, '/bin/busybox', 'sh', '-c', script], {
    encoding: 'utf8',
  });
  expect(stdout.trim().split('\n')).toEqual(['text', 'piped', 'ran', '1', '0']);
  expect(existsSync(at('chroot/mnt/bin/busybox'))).toBe(false);
  chroot.unmount();
  expect(statSync(at('chroot/upper/bin/busybox')).isCharacterDevice()).toBe(true);
});

requires(...backgroundNeeds, tool('git'))('git clones, commits, repacks and finds no fault', () => {
  const origin = inside('origin');
  const git = (cwd: string, ...words: string[]): string =>
    run('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.org', ...words], cwd);
  git(origin, 'init', '--quiet');
  for (let at = 0; at < 60; at++) writeFileSync(join(origin, `file-${at}`), `line ${at}\n`.repeat(at * 20));
  git(origin, 'add', '.');
  git(origin, 'commit', '--quiet', '-m', 'first');
  const clone = at('shared/mnt/clone');
  git(folder, 'clone', '--quiet', '--no-local', origin, clone);
  writeFileSync(join(clone, 'file-3'), 'changed');
  git(clone, 'commit', '--quiet', '-am', 'second');
  git(clone, 'gc', '--quiet', '--aggressive', '--prune=now');
  git(clone, 'fsck', '--strict', '--full');
  expect(git(clone, 'status', '--porcelain')).toBe('');
  expect(git(clone, 'log', '--format=%s').trim().split('\n')).toEqual(['second', 'first']);
});

requires(...backgroundNeeds, tool('sqlite3'))(
  'sqlite3 keeps a database, with its log in shared memory',
  () => {
    const database = join(inside('sqlite'), 'data.db');
    const sql = (text: string): string => run('sqlite3', [database, text]).trim();
    expect(sql('PRAGMA journal_mode=WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);')).toBe('wal');
    const row = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000)';
    sql(`BEGIN; ${row} INSERT INTO t SELECT i, hex(randomblob(50)) FROM n; COMMIT;`);
    // A second process in the middle of the first one's transaction sees the old state.
    sql(
      `BEGIN; DELETE FROM t WHERE a % 2; ROLLBACK; PRAGMA mmap_size=1000000; UPDATE t SET b='x' WHERE a<10;`,
    );
    expect(sql("SELECT count(*), sum(b='x') FROM t; PRAGMA integrity_check;")).toBe('3000|9\nok');
    sql('PRAGMA journal_mode=DELETE; VACUUM;');
    expect(sql('PRAGMA integrity_check;')).toBe('ok');
  },
);

requires(
  ...backgroundNeeds,
  tool('dpkg-deb'),
  tool('dpkg'),
)('dpkg -x unpacks a package', () => {
  const tree = at('package');
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(tree, 'usr/share/thing'), { recursive: true });
  writeFileSync(
    join(tree, 'DEBIAN/control'),
    'Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: thing\n',
  );
  for (let at = 0; at < 50; at++) writeFileSync(join(tree, `usr/share/thing/${at}`), 'x'.repeat(at * 100));
  symlinkSync('thing/1', join(tree, 'usr/share/link'));
  run('dpkg-deb', ['--build', '--root-owner-group', tree, at('thing.deb')]);
  const target = inside('dpkg');
  run('dpkg', ['-x', at('thing.deb'), target]);
  run('diff', ['--recursive', '--no-dereference', join(tree, 'usr'), join(target, 'usr')]);
});

requires(
  ...backgroundNeeds,
  tool('python3'),
  tool('fallocate'),
  path('/dev/shm'),
)('random reads, writes, mappings and holes agree with tmpfs, on new files and on copied-up ones', () => {
  const program = helper('random-file-io.py');
  writeFileSync(at('lower/below'), 'lower content '.repeat(5000));
  using fresh = mountUpper('random');
  for (const [seed, name] of [
    [1, 'new'],
    [2, 'below'],
    [3, 'third'],
  ] as const) {
    const reference = `/dev/shm/firmwright-${process.pid}-${seed}`;
    const words = [program, at('random/mnt', name), reference, String(seed), '400'];
    try {
      expect(run('python3', words)).toMatch(/^400 steps/);
    } finally {
      run('rm', ['-f', reference]);
    }
  }
  fresh.unmount();
});

/** Writes files one after the other, each beside, synced and renamed, and notes outside which are done. */
const writer = `
import os, sys
folder, log = sys.argv[1:3]
out = os.open(log, os.O_WRONLY | os.O_CREAT, 0o644)
try:
    for i in range(100000):
        with open(f'{folder}/new', 'w') as f:
            f.write(f'{i} ' * 500)
            f.flush()
            os.fsync(f.fileno())
        os.rename(f'{folder}/new', f'{folder}/file-{i % 50}')
        os.write(out, f'{i}\\n'.encode())
except OSError:
    pass
`;

requires(...backgroundNeeds, tool('python3'))(
  'a server that is killed while files are written loses nothing that was done, and the next mount is whole',
  async () => {
    mkdirSync(at('lower/killed'), { recursive: true });
    for (let number = 0; number < 50; number++) writeFileSync(at('lower/killed', `file-${number}`), 'lower');
    for (let round = 0; round < 3; round++) {
      const log = at(`log-${round}`);
      using first = mountUpper('kill');
      const process_ = spawn('python3', ['-c', writer, at('kill/mnt/killed'), log], { stdio: 'ignore' });
      const ended = new Promise((resolve) => process_.once('exit', resolve));
      const started = waitUntil(() => existsSync(log) && statSync(log).size > 60 + 170 * round, 60_000);
      process.kill(first.server, 'SIGKILL');
      expect(started).toBe(true);
      expect(first.isGone(20_000)).toBe(true);
      await ended;
      using second = mountUpper('kill');
      const done = readFileSync(log, 'utf8').trim().split('\n').map(Number);
      const last = done.at(-1) ?? -1;
      for (let file = 0; file < 50; file++) {
        const content = readFileSync(at('kill/mnt/killed', `file-${file}`), 'utf8');
        const written = done.filter((number) => number % 50 === file).at(-1);
        // The rename under way may have happened although nobody was told.
        const allowed = [written === undefined && round === 0 ? 'lower' : `${String(written)} `.repeat(500)];
        if ((last + 1) % 50 === file) allowed.push(`${last + 1} `.repeat(500));
        if (written !== undefined || round === 0) expect(allowed, `file-${file}`).toContain(content);
        expect(readFileSync(at('lower/killed', `file-${file}`), 'utf8')).toBe('lower');
      }
      expect(readdirSync(at('kill/mnt/killed')).filter((name) => !/^(file-\d+|new)$/.test(name))).toEqual([]);
      // The one object that whiteouts are names of may stay.
      expect(readdirSync(at('kill/work/work')).filter((name) => name !== '#whiteout')).toEqual([]);
      second.unmount();
    }
  },
);
