import {
  existsSync,
  linkSync,
  lstatSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { byteStringFromText, bytesOf } from '../../../tools/core/index.js';
import type { ByteString } from '../../../tools/core/index.js';
import {
  formatRecord,
  recordedFolderTree,
  recordPathOf,
  recordTree,
  writeFolderTree,
} from '../../../tools/rootfs/index.js';
import type { RecordedFolderTree } from '../../../tools/rootfs/index.js';
import { bytesContent, newDirectory, walkTree } from '../../../tools/vfs/index.js';
import type { TreeDirectory, TreeFile, TreeInode } from '../../../tools/vfs/index.js';
import { requires, root as rootUser } from '../../support/requires.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const top = temporaryFolder();
let count = 0;

const text = byteStringFromText;
const base = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 1_500_000_000_000_000_000n, xattrs: new Map() };
const file = (content: string, more: Partial<TreeFile> = {}): TreeFile => ({
  ...base,
  type: 'file',
  content: bytesContent(Buffer.from(content)),
  ...more,
});

function sample(): TreeDirectory {
  const shared = file('shared');
  const inner = newDirectory({ mode: 0o2555, uid: 3, gid: 4, mtimeNs: 1_234_567_890_123_456_789n });
  inner.entries.set(text('twin'), shared);
  const odd = file('bytes');
  inner.entries.set('\xff\xfe' as ByteString, odd);
  inner.entries.set('\xff\xff' as ByteString, odd);
  const broken = file('line');
  inner.entries.set(text('line\nbreak'), broken);
  inner.entries.set(text('line\nlink'), broken);
  inner.entries.set(text('loop'), { ...base, type: 'symlink', mode: 0o777, target: text('a\nb') });
  const root = newDirectory({ mode: 0o775, mtimeNs: 7n });
  const entries: readonly (readonly [string, TreeInode])[] = [
    ['a', shared],
    ['inner', inner],
    ['suid', file('x', { mode: 0o6711, uid: 1000, gid: 50 })],
    ['secret', file('y', { mode: 0o000 })],
    ['cap', file('z', { xattrs: new Map([[text('user.note'), Uint8Array.of(0, 255)]]) })],
    ['null', { ...base, type: 'char', mode: 0o666, rdev: { major: 1, minor: 3 } }],
    ['disk', { ...base, type: 'block', mode: 0o660, rdev: { major: 259, minor: 300_000 } }],
    ['pipe', { ...base, type: 'fifo' }],
    ['socket', { ...base, type: 'socket' }],
    ['away', { ...base, type: 'symlink', mode: 0o777, target: text('/etc/passwd') }],
    ['ünï', file('umlaut')],
  ];
  for (const [name, inode] of entries) root.entries.set(text(name), inode);
  return root;
}

/** Everything of a tree that an image keeps, hard links by the path of their first name. */
function listing(root: TreeDirectory): unknown[] {
  const first = new Map<TreeInode, string>([[root, '/']]);
  const describe = (path: string, inode: TreeInode): unknown => {
    const { type, mode, uid, gid, mtimeNs, xattrs } = inode;
    const own =
      inode.type === 'file'
        ? Buffer.from(inode.content.read(0, inode.content.size)).toString('latin1')
        : 'target' in inode
          ? inode.target
          : 'rdev' in inode
            ? inode.rdev
            : '';
    return [path, first.get(inode), type, mode, uid, gid, mtimeNs, [...xattrs], own];
  };
  const lines = [describe('/', root)];
  for (const { path, inode } of walkTree(root)) {
    if (!first.has(inode)) first.set(inode, path);
    lines.push(describe(path, inode));
  }
  return lines;
}

function written(tree: TreeDirectory, owners = false): string {
  const path = join(top, `tree-${count++}`);
  writeFileSync(recordPathOf(path), formatRecord(recordTree(tree)));
  writeFolderTree(tree, path, { owners });
  return path;
}

const read = (path: string, seconds?: bigint): RecordedFolderTree =>
  recordedFolderTree(path, seconds === undefined ? undefined : seconds * 1_000_000_000n);
const noChanges = { added: [], removed: [], changed: [] };

describe('a tree in a folder with its record', () => {
  for (const owners of [false, true])
    (owners ? requires(rootUser()) : test)(
      `comes back whole, ${owners ? 'owners made too' : 'as a plain user'}`,
      () => {
        const tree = sample();
        const { root, changes } = read(written(tree, owners));
        expect(changes).toEqual(noChanges);
        expect(listing(root)).toEqual(listing(tree));
      },
    );

  test('says what only the record holds', () => {
    const path = join(top, `tree-${count++}`);
    expect(writeFolderTree(sample(), path).notMade).toEqual(['/disk', '/null', '/pipe', '/socket']);
    expect(existsSync(join(path, 'null'))).toBe(false);
  });

  requires(rootUser())('has real owners, nodes and modes when root asks for them', () => {
    const path = written(sample(), true);
    const suid = statSync(join(path, 'suid'));
    expect([suid.mode & 0o7777, suid.uid, suid.gid]).toEqual([0o6711, 1000, 50]);
    expect(lstatSync(join(path, 'null')).isCharacterDevice()).toBe(true);
    expect(lstatSync(join(path, 'pipe')).isFIFO()).toBe(true);
  });

  test('names that are added, removed or changed are told, everything else stays', () => {
    const path = written(sample());
    writeFileSync(join(path, 'suid'), 'edited');
    writeFileSync(join(path, 'new'), 'n');
    rmSync(join(path, 'secret'));
    rmSync(join(path, 'away'));
    symlinkSync('/elsewhere', join(path, 'away'));
    const { root, changes } = read(path, 9n);
    expect(changes).toEqual({ added: ['/new'], removed: ['/secret'], changed: ['/away', '/suid'] });
    const suid = root.entries.get(text('suid'));
    expect(suid).toMatchObject({ mode: 0o6711, uid: 1000, gid: 50, mtimeNs: 9_000_000_000n });
    expect(root.entries.get(text('new'))).toMatchObject({ mode: 0o644, uid: 0, mtimeNs: 9_000_000_000n });
    expect(root.entries.get(text('null'))?.type).toBe('char');
  });

  test('a hard link that a tool broke is one again, unless one side was edited', () => {
    const path = written(sample());
    rmSync(join(path, 'a'));
    writeFileSync(join(path, 'a'), 'shared', { mode: 0o644 });
    const again = read(path).root;
    const inner = again.entries.get(text('inner'));
    expect(
      inner?.type === 'directory' && inner.entries.get(text('twin')) === again.entries.get(text('a')),
    ).toBe(true);
    writeFileSync(join(path, 'a'), 'apart');
    const apart = read(path);
    expect(apart.changes.changed).toEqual(['/a']);
    const other = apart.root.entries.get(text('inner'));
    expect(
      other?.type === 'directory' && other.entries.get(text('twin')) === apart.root.entries.get(text('a')),
    ).toBe(false);
  });

  test('a link that the user made is kept as one', () => {
    const path = written(sample());
    linkSync(join(path, 'cap'), join(path, 'cap2'));
    const { root, changes } = read(path);
    expect(changes.added).toEqual(['/cap2']);
    expect(root.entries.get(text('cap2'))).toBe(root.entries.get(text('cap')));
  });

  test('where a file stands in place of a node, the file is meant', () => {
    const path = written(sample());
    writeFileSync(join(path, 'null'), 'a file');
    const { root, changes } = read(path);
    expect(changes.changed).toEqual(['/null']);
    expect(root.entries.get(text('null'))?.type).toBe('file');
  });
});

describe('nothing leads out of the folder', () => {
  test.each(['..', '.', '', 'a/b', '../x', 'nul\0'])('the name %j is refused', (name) => {
    const tree = newDirectory();
    tree.entries.set(name as ByteString, file('evil'));
    const path = join(top, `tree-${count++}`);
    expect(() => writeFolderTree(tree, path)).toThrow(
      expect.objectContaining({ code: 'FW_ROOTFS_NAME' }) as Error,
    );
    expect(readdirSync(path)).toEqual([]);
  });

  test('symlinks are made, never followed', () => {
    const outside = join(top, `outside-${count++}`);
    writeFileSync(outside, 'untouched');
    const tree = newDirectory();
    tree.entries.set(text('link'), { ...base, type: 'symlink', target: text(outside), mtimeNs: 0n });
    writeFolderTree(tree, join(top, `tree-${count++}`));
    expect(readFileSync(outside, 'utf8')).toBe('untouched');
    expect(statSync(outside).mtimeMs).toBeGreaterThan(1e12);
  });

  test('a folder that is there already is left alone', () => {
    const path = written(sample());
    expect(() => writeFolderTree(newDirectory(), path)).toThrow(
      expect.objectContaining({ code: 'FW_ENV_FILE' }) as Error,
    );
    expect(bytesOf(text('a')).length).toBe(1);
    expect(readdirSync(path).length).toBeGreaterThan(3);
  });
});
