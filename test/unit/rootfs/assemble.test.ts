import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { writeArchive } from '../../../tools/archive/index.js';
import { byteStringFromText } from '../../../tools/core/index.js';
import { assembleRootTree, detectRootSource } from '../../../tools/rootfs/index.js';
import type { RootSource, RootTree, RootTreeOptions } from '../../../tools/rootfs/index.js';
import { bytesContent, newDirectory, walkTree } from '../../../tools/vfs/index.js';
import type { TreeInode } from '../../../tools/vfs/index.js';
import { makeHostNode, setHostXattr } from '../../support/host-nodes.js';
import { fixture, fixturePath, requires, root, tool } from '../../support/requires.js';
import { describeTree } from '../../support/trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const top = temporaryFolder();
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(top, `case-${count++}`);
  mkdirSync(join(folder, 'tmp'), { recursive: true });
});

const epoch = 1_600_000_000;
const error = (code: string, exitCode: number): object =>
  expect.objectContaining({ code, exitCode }) as object;

function assemble(sources: readonly RootSource[], options: Partial<RootTreeOptions> = {}): Promise<RootTree> {
  return assembleRootTree(sources, {
    temporaryFolder: join(folder, 'tmp'),
    sourceDateEpoch: epoch,
    ...options,
  });
}

/** Makes a folder with files; a text that starts with `->` makes a symlink. */
function makeFolder(name: string, files: Readonly<Record<string, string>>): RootSource {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(path, file, '..'), { recursive: true });
    if (text.startsWith('->')) symlinkSync(text.slice(2), join(path, file));
    else writeFileSync(join(path, file), text);
  }
  return { kind: 'folder', path };
}

const at = (tree: RootTree, path: string): TreeInode | undefined =>
  [...walkTree(tree.root)].find((visit) => visit.path === byteStringFromText(path))?.inode;
const textAt = (tree: RootTree, path: string): string | undefined => {
  const inode = at(tree, path);
  return inode?.type === 'file'
    ? Buffer.from(inode.content.read(0, inode.content.size)).toString()
    : undefined;
};

describe('a folder', () => {
  test('gives the same tree whatever umask, times, time zone, locale and order it was made with', async () => {
    const script = (umask: string, order: readonly string[]): string =>
      `umask ${umask}; mkdir -p etc tmp; ${order.map((name) => `echo ${name} > etc/${name}`).join('; ')}; ` +
      'echo secret > etc/shadow; echo run > etc/run; chmod u+x etc/run; ln etc/run hard; ln -s etc soft';
    const lines: string[][] = [];
    for (const [umask, order, env] of [
      ['022', ['a', 'B', 'ä'], { TZ: 'UTC', LC_ALL: 'C' }],
      ['077', ['ä', 'a', 'B'], { TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' }],
      ['002', ['B', 'ä', 'a'], { TZ: 'America/Lima', LC_ALL: 'C' }],
    ] as const) {
      const path = join(folder, `made-${umask}`);
      mkdirSync(path);
      execFileSync('sh', ['-c', script(umask, order)], { cwd: path, env: { ...process.env, ...env } });
      using tree = await assemble([{ kind: 'folder', path }]);
      lines.push([...describeTree(tree.root), tree.inputs[0]?.sha256 ?? '']);
    }
    expect(lines[1]).toEqual(lines[0]);
    expect(lines[2]).toEqual(lines[0]);
    expect(lines[0]?.join('\n')).toMatch(/\/etc\/shadow #\d+ file 600 0:0/);
    expect(lines[0]?.join('\n')).toMatch(/\/etc\/run #\d+ file 755 0:0/);
    expect(lines[0]?.join('\n')).toMatch(/\/tmp #\d+ directory 1777 0:0 1600000000000000000/);
  });

  requires(root())('of another owner is root:root, and keeps owner and mode when asked to', async () => {
    const source = makeFolder('owned', { file: 'x' });
    const path = join(folder, 'owned', 'file');
    execFileSync('chown', ['1234:567', path]);
    chmodSync(path, 0o4711);
    using clean = await assemble([source]);
    expect(at(clean, '/file')).toMatchObject({ uid: 0, gid: 0, mode: 0o4755 });
    expect(clean.warnings).toMatchObject([{ code: 'setuid-kept' }]);
    using kept = await assemble([{ kind: 'folder', path: join(folder, 'owned'), attributes: 'keep' }]);
    expect(at(kept, '/file')).toMatchObject({ uid: 1234, gid: 567, mode: 0o4711 });
  });

  test('keeps hard links, symlinks, FIFOs, names of bytes and holes', async () => {
    const source = makeFolder('all', { one: '1', soft: '->../out' });
    const path = join(folder, 'all');
    linkSync(join(path, 'one'), join(path, 'two'));
    makeHostNode(join(path, 'pipe'), 'fifo');
    writeFileSync(Buffer.concat([Buffer.from(`${path}/odd`), Buffer.of(0xff)]), 'odd bytes');
    writeFileSync(join(path, 'sparse'), '');
    truncateSync(join(path, 'sparse'), 5 * 1024 ** 2);
    lutimesSync(join(path, 'soft'), 1, 1);
    using tree = await assemble([source]);
    expect(at(tree, '/one')).toBe(at(tree, '/two'));
    expect(at(tree, '/soft')).toMatchObject({
      type: 'symlink',
      target: '../out',
      mtimeNs: BigInt(epoch) * 10n ** 9n,
    });
    expect(at(tree, '/pipe')?.type).toBe('fifo');
    const odd = tree.root.entries.get('odd\xff' as never);
    expect(odd?.type === 'file' && Buffer.from(odd.content.read(0, 99)).toString()).toBe('odd bytes');
    const sparse = at(tree, '/sparse');
    expect(sparse?.type === 'file' && sparse.content.size).toBe(5 * 1024 ** 2);
  });

  requires(root())('with a device node is refused; with its attributes kept it is taken', async () => {
    const source = makeFolder('dev', {});
    makeHostNode(join(folder, 'dev', 'console'), 'char', { major: 5, minor: 1 });
    await expect(assemble([source])).rejects.toThrow(error('FW_ROOTFS_DEVICE', 4));
    using kept = await assemble([{ kind: 'folder', path: join(folder, 'dev'), attributes: 'keep' }]);
    expect(at(kept, '/console')).toMatchObject({ type: 'char', rdev: { major: 5, minor: 1 } });
  });

  requires(root())('keeps file capabilities and no other attribute of the host', async () => {
    const source = makeFolder('caps', { ping: '' });
    const ping = join(folder, 'caps', 'ping');
    const value = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    setHostXattr(ping, 'security.capability', value);
    setHostXattr(ping, 'trusted.note', Buffer.from('builder'));
    using tree = await assemble([source]);
    expect([...(at(tree, '/ping')?.xattrs ?? [])]).toEqual([['security.capability', new Uint8Array(value)]]);
  });

  test('with a socket leaves it out and says so', async () => {
    const source = makeFolder('sock', {});
    makeHostNode(join(folder, 'sock', 's'), 'socket');
    using tree = await assemble([source]);
    expect(tree.root.entries.size).toBe(0);
    expect(tree.warnings).toMatchObject([{ code: 'socket-skipped' }]);
  });

  test('that is not there, or a source that is a file of nonsense, is one clear error', async () => {
    expect(() => detectRootSource(join(folder, 'absent'))).toThrow(error('FW_USAGE_FILE', 2));
    await expect(assemble([{ kind: 'folder', path: join(folder, 'absent') }])).rejects.toThrow(
      error('FW_USAGE_FILE', 2),
    );
    writeFileSync(join(folder, 'nonsense'), 'no archive');
    await expect(assemble([detectRootSource(join(folder, 'nonsense'))])).rejects.toThrow(
      error('FW_ARCHIVE_DAMAGED', 4),
    );
    writeFileSync(join(folder, 'short.squashfs'), 'hsqs');
    expect(detectRootSource(join(folder, 'short.squashfs')).kind).toBe('squashfs');
    await expect(assemble([detectRootSource(join(folder, 'short.squashfs'))])).rejects.toThrow(
      expect.objectContaining({ exitCode: 4 }),
    );
  });
});

describe('sources on top of each other', () => {
  test('files replace, directories merge and keep their attributes below a clean folder', async () => {
    const base = newDirectory();
    const secret = newDirectory({ mode: 0o700, mtimeNs: 5n });
    base.entries.set(byteStringFromText('srv'), secret);
    const content = bytesContent(Buffer.from('old'));
    for (const name of ['a', 'b']) {
      secret.entries.set(byteStringFromText(name), {
        type: 'file',
        mode: 0o600,
        uid: 1,
        gid: 2,
        mtimeNs: 5n,
        xattrs: new Map(),
        content,
      });
    }
    writeFileSync(join(folder, 'base.tar.gz'), writeArchive(base, { compression: 'gzip' }));
    using tree = await assemble([
      detectRootSource(join(folder, 'base.tar.gz')),
      makeFolder('over', { 'srv/a': 'new', 'srv/c': 'more' }),
      makeFolder('over2', { 'srv/c': 'most' }),
    ]);
    expect(at(tree, '/srv')).toMatchObject({ mode: 0o700 });
    expect([textAt(tree, '/srv/a'), textAt(tree, '/srv/b'), textAt(tree, '/srv/c')]).toEqual([
      'new',
      'old',
      'most',
    ]);
    expect(at(tree, '/srv/b')).toMatchObject({ uid: 1, gid: 2, mode: 0o600 });
    expect(tree.inputs.map((input) => input.kind)).toEqual(['archive', 'folder', 'folder']);
  });

  test('a directory over a symlink is refused and names both', async () => {
    const sources = [makeFolder('base', { var: '->tmp' }), makeFolder('over', { 'var/x': '1' })];
    await expect(assemble(sources)).rejects.toThrow(
      expect.objectContaining({
        code: 'FW_ROOTFS_CLASH',
        message: expect.stringContaining('/var is a directory, below it stands a symlink to tmp') as string,
      }),
    );
  });

  test('more content than allowed is refused before it is read', async () => {
    const source = makeFolder('big', { hole: '' });
    truncateSync(join(folder, 'big', 'hole'), 2 ** 40);
    await expect(assemble([source])).rejects.toThrow(error('FW_ROOTFS_LIMIT', 4));
  });

  test('the spooled contents are gone after dispose, and after a failure', async () => {
    writeFileSync(join(folder, 'a.tar'), writeArchive(newDirectory()));
    (await assemble([detectRootSource(join(folder, 'a.tar'))])).dispose();
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    writeFileSync(join(folder, 'b.tar'), 'nonsense');
    await expect(assemble([detectRootSource(join(folder, 'b.tar'))])).rejects.toThrow();
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });
});

describe('the attribute table', () => {
  test('changes owners, modes and capabilities, and makes devices, without root', async () => {
    using tree = await assemble([makeFolder('base', { 'bin/ping': 'x', 'srv/a/b': 'x' })], {
      attributes: [
        { path: '/dev', type: 'directory', mode: 0o755 },
        { path: '/dev/console', type: 'char', mode: 0o600, rdev: { major: 5, minor: 1 } },
        { path: '/bin/ping', mode: 0o755, capabilities: 'cap_net_raw+ep' },
        { path: '/srv', recursive: true, uid: 1000, gid: 1000, xattrs: { 'user.x': Uint8Array.of(0, 255) } },
        { path: '/bin/p', type: 'symlink', target: 'ping' },
      ],
    });
    expect(at(tree, '/dev/console')).toMatchObject({
      type: 'char',
      mode: 0o600,
      rdev: { major: 5, minor: 1 },
    });
    const value = at(tree, '/bin/ping')?.xattrs.get(byteStringFromText('security.capability'));
    expect(Buffer.from(value ?? []).toString('hex')).toBe('0100000200200000000000000000000000000000');
    expect(at(tree, '/srv/a/b')).toMatchObject({ uid: 1000, gid: 1000, mode: 0o644 });
    expect(at(tree, '/srv/a')?.xattrs.get(byteStringFromText('user.x'))).toEqual(Uint8Array.of(0, 255));
    expect(at(tree, '/bin/p')).toMatchObject({ type: 'symlink', target: 'ping' });
  });

  test('reports every rule that makes no sense, at once', async () => {
    const attributes = [
      { path: 'relative', mode: 0 },
      { path: '/a/../b', mode: 0 },
      { path: '/absent', mode: 0o644 },
      { path: '/null', type: 'char' },
      { path: '/link/x', type: 'file' },
      { path: '/f', mode: 0o10000 },
      { path: '/f', uid: -1 },
      { path: '/f', capabilities: 'cap_fly+ep' },
      { path: '/d', type: 'file' },
      { path: '/b', type: 'block', rdev: { major: 4096, minor: 0 } },
    ] as const;
    const failure = await assemble([makeFolder('base', { f: '', link: '->d', 'd/x': '' })], {
      attributes,
    }).catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ code: 'FW_ROOTFS_TABLE', exitCode: 3 });
    const { problems } = (failure as { data: { problems: string[] } }).data;
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(attributes.map((rule) => rule.path));
  });
});

describe('package lists', () => {
  const opkg = {
    'usr/lib/opkg/status':
      'Package: tool\nVersion: 1.2\nDepends: libc, lib (>= 1)\nStatus: install user installed\nArchitecture: mips\n\n' +
      'Package: lib\nVersion: 3\nStatus: install ok installed\nArchitecture: mips\n\n' +
      'Package: gone\nVersion: 3\nStatus: deinstall ok not-installed\nArchitecture: mips\n\n',
    'usr/lib/opkg/info/tool.list': '/usr/bin/tool\n/etc/config/tool\n/usr/share/both\n',
    'usr/lib/opkg/info/tool.conffiles': '/etc/config/tool\n',
    'usr/lib/opkg/info/tool.control': 'Package: tool\n',
    'usr/lib/opkg/info/tool.extra.list': 'another package with a dot\n',
    'usr/lib/opkg/info/lib.list': '/usr/lib/x/lib.so\n/usr/share/both\n',
    'usr/bin/tool': 'tool',
    'etc/config/tool': 'config',
    'usr/lib/x/lib.so': 'lib',
    'usr/share/both': 'both',
    'usr/share/other': 'other',
  };

  test('of opkg are read with files, conffiles and dependencies', async () => {
    using tree = await assemble([makeFolder('base', opkg)]);
    expect(tree.packages).toEqual([
      {
        name: 'lib',
        version: '3',
        architecture: 'mips',
        dependencies: [],
        files: ['/usr/lib/x/lib.so', '/usr/share/both'],
        conffiles: [],
      },
      {
        name: 'tool',
        version: '1.2',
        architecture: 'mips',
        dependencies: ['libc', 'lib'],
        files: ['/etc/config/tool', '/usr/bin/tool', '/usr/share/both'],
        conffiles: ['/etc/config/tool'],
      },
    ]);
    expect(tree.warnings).toEqual([]);
  });

  test('of apk are read', async () => {
    const database =
      'C:Q1abc=\nP:tool\nV:1.2-r1\nA:mips\nD:lib>=1 !old so:libc.so\nF:usr/bin\nR:tool\na:0:0:755\nZ:Q1x=\nF:etc\nR:t.conf\n\n' +
      'C:Q1def=\nP:lib\nV:3\nA:mips\nF:lib\nR:l.so\n\n';
    using tree = await assemble([makeFolder('base', { 'lib/apk/db/installed': database })]);
    expect(tree.packages).toMatchObject([
      { name: 'lib', version: '3', files: ['/lib/l.so'] },
      {
        name: 'tool',
        version: '1.2-r1',
        dependencies: ['lib', 'so:libc.so'],
        files: ['/etc/t.conf', '/usr/bin/tool'],
      },
    ]);
    expect(tree.warnings.map((warning) => warning.code)).toEqual(['file-not-in-tree', 'file-not-in-tree']);
  });

  test('a dropped package takes its files, lists and empty folders along, and leaves what others need', async () => {
    const over = makeFolder('over', { 'usr/lib/x/mine': 'stays' });
    using tree = await assemble([makeFolder('base', opkg), over], { dropPackages: ['lib', 'absent'] });
    expect(at(tree, '/usr/lib/x/lib.so')).toBeUndefined();
    expect(textAt(tree, '/usr/lib/x/mine')).toBe('stays');
    expect(textAt(tree, '/usr/share/both')).toBe('both');
    expect(at(tree, '/usr/lib/opkg/info/lib.list')).toBeUndefined();
    expect(textAt(tree, '/usr/lib/opkg/status')).not.toContain('Package: lib\n');
    expect(tree.packages.map((entry) => entry.name)).toEqual(['tool']);
    expect(tree.warnings.map((warning) => warning.code)).toEqual(['package-not-installed', 'package-needed']);
    using without = await assemble([makeFolder('base2', opkg)], { dropPackages: ['tool', 'lib'] });
    expect(at(without, '/usr/lib/x')).toBeUndefined();
    expect(at(without, '/usr/bin')).toBeUndefined();
    expect(at(without, '/usr/share/both')).toBeUndefined();
    expect(textAt(without, '/usr/share/other')).toBe('other');
    expect(at(without, '/usr/lib/opkg/info/tool.extra.list')).toBeDefined();
  });
});

for (const name of [
  'rootfs-openwrt-15.05-ath25-mips-be.tar.xz',
  'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz',
]) {
  requires(fixture(name))(`${name}: every file of every package is found`, async () => {
    using tree = await assemble([detectRootSource(fixturePath(name))]);
    expect(tree.packages.length).toBeGreaterThan(60);
    const owned = new Set(tree.packages.flatMap((entry) => entry.files));
    expect(owned.size).toBeGreaterThan(400);
    // The image build takes /init, which only a root in RAM needs, out of a squashfs root.
    const unexplained = tree.warnings.filter((warning) => !warning.message.endsWith(' not there: /init'));
    expect(unexplained).toEqual([]);
  });
}

requires(
  fixture('fw-ath25-root.squashfs'),
  tool('unsquashfs'),
  root(),
)('a squashfs image gives the tree that unsquashfs unpacks', async () => {
  using tree = await assemble([detectRootSource(fixturePath('fw-ath25-root.squashfs'))]);
  const path = join(folder, 'unpacked');
  execFileSync('unsquashfs', ['-q', '-n', '-d', path, fixturePath('fw-ath25-root.squashfs')], {
    stdio: 'pipe',
  });
  using unpacked = await assemble([{ kind: 'folder', path, attributes: 'keep' }]);
  const lines = (of: RootTree): string[] =>
    describeTree(of.root).map((line) => line.replace(/ \d{19} ?/, ' ').trimEnd());
  expect(lines(tree)).toEqual(lines(unpacked));
});
