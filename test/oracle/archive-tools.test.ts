/** Archives of other people's tools read by us, and ours read by them. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  symlinkSync,
  linkSync,
  truncateSync,
  writeFileSync,
  lstatSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { hostCalls } from '../../tools/addon/index.js';
import { readArchiveTree, writeArchive } from '../../tools/archive/index.js';
import { byteStringFromText, byteString } from '../../tools/core/index.js';
import { walkTree } from '../../tools/vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../tools/vfs/index.js';
import { makeHostNode, setHostXattr } from '../support/host-nodes.js';
import { fixture, fixturePath, requires, root, tool } from '../support/requires.js';
import { describeTree } from '../support/trees.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
let count = 0;
const spool = (): string => join(folder, `spool-${count++}`);
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');

/** A folder with everything a root tree may hold; needs root. */
function makeFolder(): string {
  const top = join(folder, `tree-${count++}`);
  mkdirSync(join(top, 'etc'), { recursive: true });
  writeFileSync(join(top, 'etc/motd'), 'welcome\n', { mode: 0o640 });
  linkSync(join(top, 'etc/motd'), join(top, 'hard'));
  symlinkSync('etc/motd', join(top, 'soft'));
  writeFileSync(Buffer.concat([Buffer.from(`${top}/`), Buffer.of(0x66, 0xff, 0xfe)]), 'odd name');
  writeFileSync(join(top, 'sparse'), 'start');
  truncateSync(join(top, 'sparse'), 50_000_000);
  makeHostNode(join(top, 'null'), 'char', { major: 1, minor: 3 });
  makeHostNode(join(top, 'sda'), 'block', { major: 8, minor: 0 });
  makeHostNode(join(top, 'pipe'), 'fifo');
  writeFileSync(join(top, 'ping'), '', { mode: 0o755 });
  setHostXattr(join(top, 'ping'), 'security.capability', capability);
  mkdirSync(join(top, 'd'.repeat(120), 'e'.repeat(120)), { recursive: true });
  utimesSync(join(top, 'etc'), 1_600_000_000, 1_600_000_000);
  return top;
}

const find = (tree: TreeDirectory, path: string): TreeInode | undefined =>
  [...walkTree(tree)].find((visit) => visit.path === path)?.inode;

const makers: Readonly<Record<string, (top: string, file: string) => void>> = {
  'GNU tar, pax, xattrs, sparse, gz': (top, file) =>
    void execFileSync('tar', [
      '--format=pax',
      '--xattrs',
      '--xattrs-include=*',
      '-S',
      '-C',
      top,
      '-czf',
      file,
      '.',
    ]),
  'GNU tar, gnu format, xz': (top, file) =>
    void execFileSync('tar', ['--format=gnu', '-C', top, '-cJf', file, '.']),
  'bsdtar, zstd': (top, file) => void execFileSync('bsdtar', ['--zstd', '-C', top, '-cf', file, '.']),
  'bsdtar, newc cpio': (top, file) =>
    void execFileSync('bsdtar', ['--format=newc', '-C', top, '-cf', file, '.']),
};

for (const [title, make] of Object.entries(makers)) {
  const bsd = title.startsWith('bsdtar');
  requires(root(), tool(bsd ? 'bsdtar' : 'tar'))(
    `${title}: every object is read as it stands in the folder`,
    async () => {
      const top = makeFolder();
      const file = join(folder, `archive-${count++}`);
      make(top, file);
      const { root: tree } = await readArchiveTree(file, spool());
      expect(find(tree, '/etc/motd')).toBe(find(tree, '/hard'));
      expect(find(tree, '/etc/motd')).toMatchObject({ type: 'file', mode: 0o640, uid: 0, gid: 0 });
      expect(find(tree, '/soft')).toMatchObject({ type: 'symlink', target: 'etc/motd' });
      expect(find(tree, '/f\xff\xfe')).toMatchObject({ type: 'file' });
      expect(find(tree, '/null')).toMatchObject({ type: 'char', rdev: { major: 1, minor: 3 } });
      expect(find(tree, '/sda')).toMatchObject({ type: 'block', rdev: { major: 8, minor: 0 } });
      expect(find(tree, '/pipe')).toMatchObject({ type: 'fifo' });
      expect(find(tree, '/etc')).toMatchObject({ mtimeNs: 1_600_000_000_000_000_000n });
      expect(find(tree, `/${'d'.repeat(120)}/${'e'.repeat(120)}`)?.type).toBe('directory');
      const sparse = find(tree, '/sparse');
      expect(sparse?.type === 'file' && sparse.content.size).toBe(50_000_000);
      expect(sparse?.type === 'file' && Buffer.from(sparse.content.read(0, 7)).toString('latin1')).toBe(
        'start\0\0',
      );
      if (/xattrs|zstd/.test(title)) {
        expect(find(tree, '/ping')?.xattrs.get(byteStringFromText('security.capability'))).toEqual(
          new Uint8Array(capability),
        );
      }
      if (title.includes('sparse')) {
        const { hostFile } = sparse?.type === 'file' ? sparse.content : {};
        expect(lstatSync(hostFile?.path ?? '').blocks * 512).toBeLessThan(1_000_000);
      }
    },
  );
}

for (const extract of ['tar', 'bsdtar']) {
  requires(root(), tool(extract))(
    `${extract} unpacks what we write, bytes in names and capabilities too`,
    async () => {
      const top = makeFolder();
      const file = join(folder, `archive-${count++}.tar`);
      execFileSync('tar', ['--format=pax', '--xattrs', '--xattrs-include=*', '-C', top, '-cf', file, '.']);
      const { root: tree } = await readArchiveTree(file, spool());
      const ours = join(folder, `ours-${count++}.tar.gz`);
      writeFileSync(ours, writeArchive(tree, { compression: 'gzip' }));
      const target = join(folder, `unpacked-${count++}`);
      mkdirSync(target);
      const flags = extract === 'tar' ? ['--xattrs', '--xattrs-include=*'] : ['--xattrs'];
      execFileSync(extract, [...flags, '-C', target, '-xpf', ours], {
        stdio: 'pipe',
        env: { ...process.env, LC_ALL: 'C' },
      });
      const again = join(folder, `again-${count++}.tar`);
      execFileSync('tar', [
        '--format=pax',
        '--xattrs',
        '--xattrs-include=*',
        '-C',
        target,
        '-cf',
        again,
        '.',
      ]);
      const { root: back } = await readArchiveTree(again, spool());
      // bsdtar leaves the time of the folder it unpacks into alone.
      expect(describeTree(back).slice(1)).toEqual(describeTree(tree).slice(1));
      expect(
        hostCalls().getxattr(byteStringFromText(join(target, 'ping')), false, 'security.capability'),
      ).toEqual(new Uint8Array(capability));
    },
  );
}

for (const name of [
  'rootfs-openwrt-15.05-ath25-mips-be.tar.xz',
  'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz',
]) {
  requires(fixture(name), tool('tar'))(`${name} is read as GNU tar lists it`, async () => {
    const { root: tree } = await readArchiveTree(fixturePath(name), spool());
    const listed = execFileSync(
      'tar',
      ['--numeric-owner', '--quoting-style=literal', '-tf', fixturePath(name)],
      { encoding: 'buffer' },
    );
    const paths = byteString(listed)
      .split('\n')
      .map((line) => line.replace(/^\.\/?/, '/').replace(/(.)\/$/, '$1'))
      .filter((line) => line !== '' && line !== '/');
    expect([...walkTree(tree)].map((visit) => visit.path as string).sort()).toEqual(paths.sort());
    const busybox = find(tree, '/bin/busybox');
    const packed = execFileSync('tar', ['-xOf', fixturePath(name), './bin/busybox'], { maxBuffer: 1e8 });
    expect(busybox?.type === 'file' && packed.equals(busybox.content.read(0, busybox.content.size))).toBe(
      true,
    );
  });
}

requires(fixture('neg-symlink-traversal.tar'))(
  'symlinks that point out of an archive stay symlinks',
  async () => {
    const { root: tree } = await readArchiveTree(fixturePath('neg-symlink-traversal.tar'), spool());
    expect(find(tree, '/subdir/foo2')).toMatchObject({ type: 'symlink', target: '../../../../' });
  },
);
