import { expect, test } from 'vitest';
import { byteStringFromText as b, UsageError } from '../../../tools/core/index.js';
import {
  joinLayerList,
  masquerade,
  mountUnion,
  ownershipOfCopy,
  policies,
  splitLayerList,
} from '../../../tools/union/index.js';
import { FsError, MemoryFileSystem } from '../../../tools/vfs/index.js';
import type { Attributes, FileSystem } from '../../../tools/vfs/index.js';
import { at, strayIn } from '../../support/union-scenes.js';
import { memory, policyWith, unionOf, upperOn } from '../../support/unions.js';

const file = { type: 'file', mode: 0o644, uid: 0, gid: 0 } as const;
const folder = { mode: 0o755, uid: 0, gid: 0 };

function put(fs: FileSystem, path: string, content = 'content'): number {
  const cut = path.lastIndexOf('/');
  const ino = fs.mknod(at(fs, path.slice(0, Math.max(0, cut))), b(path.slice(cut + 1)), file);
  fs.write(ino, 0, Buffer.from(content));
  return ino;
}

function text(fs: FileSystem, path: string): string {
  return Buffer.from(fs.read(at(fs, path), 0, 1000)).toString();
}

function errnoOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    if (error instanceof UsageError) return String(error.data['errno']);
    throw error;
  }
  return 'none';
}

function lowerWith(...paths: string[]): MemoryFileSystem {
  const fs = memory();
  for (const path of paths) {
    if (path.endsWith('/')) fs.mkdir(fs.root, b(path.slice(0, -1)), folder);
    else put(fs, path);
  }
  return fs;
}

test('without an upper every change answers EROFS, and so does the way back (union 2, 170)', () => {
  const union = unionOf({ lowers: [lowerWith('f')] });
  expect(errnoOf(() => union.unlink(union.root, b('f')))).toBe('EROFS');
  expect(errnoOf(() => union.remount(false))).toBe('EROFS');
});

test('500 lowers work (union 3)', () => {
  const lowers = Array.from({ length: 500 }, (_, index) => lowerWith(`f${index}`));
  const union = unionOf({ lowers });
  expect(union.readdir(union.root)).toHaveLength(500);
  expect(text(union, 'f499')).toBe('content');
});

test('a layer list keeps colons and backslashes, and refuses an empty element (union 3, 9)', () => {
  const names = ['a:b', 'c\\d', 'e,f'];
  expect(splitLayerList(joinLayerList(names))).toEqual(names);
  expect(errnoOf(() => splitLayerList('a::b'))).toBe('EINVAL');
});

test('an upper in use, or inside a lower, is refused (union 5, 6, 7)', () => {
  const store = memory();
  const lower = memory();
  const first = unionOf({ lowers: [lower], store });
  expect(errnoOf(() => unionOf({ lowers: [lower], store }))).toBe('EBUSY');
  first.unmount();
  unionOf({ lowers: [lower], store }).unmount();
  expect(errnoOf(() => unionOf({ lowers: [store], store }))).toBe('ELOOP');
  const { upper } = upperOn(store);
  expect(errnoOf(() => mountUnion({ lowers: [{ fs: lower }], upper, work: upper.root }))).toBe('EINVAL');
  expect(errnoOf(() => mountUnion({ lowers: [{ fs: lower }], upper }))).toBe('EINVAL');
});

test('a lower never changes, whatever is done to the union (union 10)', () => {
  const lower = lowerWith('d/', 'd/f', 'g');
  lower.readOnly = true;
  const union = unionOf({ lowers: [lower], store: memory() });
  union.write(at(union, 'd/f'), 0, Buffer.from('NEW'));
  union.unlink(union.root, b('g'));
  union.rename(union.root, b('d'), union.root, b('e'));
  expect(text(union, 'e/f')).toBe('NEWtent');
  expect(text(lower, 'd/f')).toBe('content');
});

test('a file between two directories ends the merge (union 20)', () => {
  const [top, middle, bottom] = [lowerWith('x/', 'x/a'), lowerWith('x'), lowerWith('x/', 'x/b')];
  const union = unionOf({ lowers: [top, middle, bottom] });
  expect(union.readdir(at(union, 'x')).map((entry) => entry.name)).toEqual(['a']);
});

test('a whiteout hides its name also in a directory that is not merged (union 32)', () => {
  const lower = lowerWith('d/', 'd/f');
  lower.mknod(at(lower, 'd'), b('w'), { ...file, mode: 0, type: 'char', rdev: { major: 0, minor: 0 } });
  const union = unionOf({ lowers: [lower] });
  expect(union.readdir(at(union, 'd')).map((entry) => entry.name)).toEqual(['f']);
  expect(union.lookup(at(union, 'd'), b('w'))).toBeUndefined();
});

test('users make no whiteouts (union 38)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  expect(errnoOf(() => union.mknod(union.root, b('w'), { ...file, type: 'char' }))).toBe('EPERM');
  expect(errnoOf(() => union.rename(union.root, b('f'), union.root, b('g'), { whiteout: true }))).toBe(
    'EINVAL',
  );
});

test('private attributes do not show, and users\u2019 own of that name survive (union 39)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const ino = at(union, 'f');
  const name = b('trusted.overlay.opaque');
  union.setxattr(ino, name, Buffer.from('mine'));
  expect(union.listxattr(ino)).toEqual([name]);
  expect(Buffer.from(union.getxattr(ino, name)).toString()).toBe('mine');
  expect(store.listxattr(at(store, 'upper/f'))).toContain('trusted.overlay.overlay.opaque');
});

test('symlink whiteouts of old overlayfs hide their names, plain links of that text do not (union 37)', () => {
  const lower = lowerWith('f', 'g');
  const store = memory();
  const { upper } = upperOn(store);
  const link = { mode: 0o777, uid: 0, gid: 0 };
  const whiteout = store.symlink(upper.root, b('f'), b('(overlay-whiteout)'), link);
  store.setxattr(whiteout, b('trusted.overlay.whiteout'), Buffer.from('y'));
  store.symlink(upper.root, b('g'), b('(overlay-whiteout)'), link);
  const union = unionOf({ lowers: [lower], store, policy: policies.openwrt });
  expect(union.readdir(union.root).map((entry) => [entry.name, entry.type])).toEqual([['g', 'symlink']]);
  const strict = policyWith({ reads: ['overlay-v7-text'] });
  union.unmount();
  const byText = unionOf({ lowers: [lower], store, policy: strict });
  expect(byText.readdir(byText.root)).toEqual([]);
});

test('a listing goes on after removals without losing or repeating a name (union 50, 52, 55)', () => {
  const union = unionOf({ lowers: [lowerWith('a', 'b', 'c', 'd')], store: memory() });
  const first = union.readdir(union.root, 0, 2);
  for (const { name } of first) union.unlink(union.root, name);
  put(union, 'e');
  const rest = union.readdir(union.root, first.at(-1)?.cookie ?? 0);
  expect([...first, ...rest].map((entry) => entry.name)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(union.readdir(union.root, 1e9)).toEqual([]);
});

test('failing calls and reading copy nothing (union 62, 63)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('d/', 'd/f', 'g')], store });
  const before = store.statfs().filesFree;
  const ino = at(union, 'd/f');
  union.open(ino, 'write');
  union.release(ino);
  expect(errnoOf(() => union.removexattr(ino, b('user.none')))).toBe('ENODATA');
  expect(errnoOf(() => union.link(ino, union.root, b('g')))).toBe('EEXIST');
  expect(errnoOf(() => union.rename(union.root, b('d'), at(union, 'd'), b('x')))).toBe('EINVAL');
  expect(store.readdir(at(store, 'upper'))).toEqual([]);
  expect(store.statfs().filesFree).toBe(before);
});

test('a copy carries mode, owner, times and attributes, and the parent keeps its times (union 66, 67)', () => {
  const lower = lowerWith('d/', 'd/f');
  const source = at(lower, 'd/f');
  lower.setattr(source, { mode: 0o4755, uid: 7, gid: 8, atimeNs: 11n, mtimeNs: 13n });
  lower.setxattr(source, b('user.x'), Buffer.from('1'));
  const union = unionOf({ lowers: [lower], store: memory() });
  const before = [union.getattr(at(union, 'd/f')), union.getattr(at(union, 'd'))] as const;
  union.setxattr(at(union, 'd/f'), b('user.y'), Buffer.from('2'));
  const { ino, mode, uid, gid, size, nlink, atimeNs, mtimeNs } = union.getattr(at(union, 'd/f'));
  expect(before[0]).toMatchObject({ ino, mode, uid, gid, size, nlink, atimeNs, mtimeNs });
  expect(union.getattr(at(union, 'd')).mtimeNs).toBe(before[1].mtimeNs);
  expect([...union.listxattr(at(union, 'd/f'))].sort()).toEqual(['user.x', 'user.y']);
});

test('truncation copies no data (union 73)', () => {
  const lower = memory();
  put(lower, 'big', 'x'.repeat(100_000));
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  let written = 0;
  store.fault = ({ call }) => {
    if (call === 'write') written += 1;
    return undefined;
  };
  union.setattr(at(union, 'big'), { size: 0 });
  expect(written).toBe(0);
});

test('names of one lower inode stay one object, also after a new mount (union 83, 85)', () => {
  const lower = lowerWith('a');
  lower.link(at(lower, 'a'), lower.root, b('c'));
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const number = at(union, 'a');
  union.write(number, 0, Buffer.from('SHARED!'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect([at(again, 'a'), at(again, 'c')]).toEqual([number, number]);
  expect(text(again, 'c')).toBe('SHARED!');
  expect(again.getattr(number).nlink).toBe(2);
  again.unlink(again.root, b('a'));
  expect(again.getattr(number).nlink).toBe(1);
});

test('copy modes follow the formulas for all 4096 modes (union 92 to 96)', () => {
  const masked = masquerade({ ufile: 0o640, uid: 5 }, { mode: 0o755, uid: 1, gid: 2 });
  expect(masked).toEqual({ kind: 'masquerade', ufile: 0o640, udir: 0o640, uid: 5, gid: 2 });
  for (let mode = 0; mode < 0o10000; mode += 1) {
    const lower = { type: 'file', mode, uid: 9, gid: 9 } as Attributes;
    expect(ownershipOfCopy({ kind: 'transparent' }, lower, 0o22)).toEqual({ mode, uid: 9, gid: 9 });
    expect(ownershipOfCopy({ kind: 'traditional', uid: 1, gid: 1 }, lower, 0o27).mode).toBe(0o750);
    expect(ownershipOfCopy(masked, lower, 0o22)).toEqual({ mode: 0o640, uid: 5, gid: 2 });
    const own = ownershipOfCopy(masked, { ...lower, uid: 5 }, 0o22);
    expect(own).toEqual({ mode: (mode & 0o7077) | 0o600, uid: 5, gid: 9 });
  }
});

test('a lower directory is renamed by redirect, or refused before anything is copied (union 107, 109)', () => {
  const lower = lowerWith('d/', 'd/f', 'e/');
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  union.rename(union.root, b('d'), at(union, 'e'), b('moved'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(text(again, 'e/moved/f')).toBe('content');
  expect(again.lookup(again.root, b('d'))).toBeUndefined();
  const other = memory();
  const openwrt = unionOf({ lowers: [lower], store: other, policy: policies.openwrt });
  expect(errnoOf(() => openwrt.rename(openwrt.root, b('d'), openwrt.root, b('x')))).toBe('EXDEV');
  expect(other.readdir(at(other, 'upper'))).toEqual([]);
});

test('an open file stays the same object across copy-up, rename and unlink (union 124, 145, 149)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const ino = at(union, 'f');
  union.open(ino, 'read');
  union.write(ino, 0, Buffer.from('CHANGED'));
  expect(Buffer.from(union.read(ino, 0, 7)).toString()).toBe('CHANGED');
  union.rename(union.root, b('f'), union.root, b('g'));
  expect(at(union, 'g')).toBe(ino);
  union.unlink(union.root, b('g'));
  expect(union.getattr(ino).nlink).toBe(0);
  union.release(ino);
  expect(errnoOf(() => union.getattr(ino))).toBe('ESTALE');
});

test('a lower file that is open and removed can still be changed, without a name (union 123, 149)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const ino = at(union, 'f');
  union.open(ino, 'write');
  union.unlink(union.root, b('f'));
  expect(union.setattr(ino, { mode: 0o600 })).toMatchObject({ mode: 0o600, nlink: 0 });
  expect(Buffer.from(union.read(ino, 0, 7)).toString()).toBe('content');
  expect(union.lookup(union.root, b('f'))).toBeUndefined();
  union.release(ino);
  expect(strayIn(store)).toEqual([]);
});

test('a watch on a lower file hears the write that copies it, and not the copy (union 165, 166)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const kinds: string[] = [];
  union.watch(union.root, (event) => kinds.push(`${event.kind} ${event.name ?? ''}`));
  union.write(at(union, 'f'), 0, Buffer.from('x'));
  union.rename(union.root, b('f'), union.root, b('g'));
  union.unlink(union.root, b('g'));
  expect(kinds).toEqual(['modify f', 'moved-from f', 'moved-to g', 'delete g']);
});

test('a union is a lower of another, whose marks stay its own (union 192, 194)', () => {
  const inner = unionOf({ lowers: [lowerWith('f', 'g')], store: memory() });
  inner.unlink(inner.root, b('f'));
  const outer = unionOf({ lowers: [inner], store: memory() });
  expect(outer.readdir(outer.root).map((entry) => entry.name)).toEqual(['g']);
  outer.write(at(outer, 'g'), 0, Buffer.from('outer'));
  expect(text(inner, 'g')).toBe('content');
  expect(text(outer, 'g')).toBe('outernt');
});

test('an upper without attributes still hides names, with one message each (union 11, 35)', () => {
  const warnings: string[] = [];
  const { upper, work } = upperOn(new MemoryFileSystem({ xattrs: false }));
  const union = mountUnion({
    lowers: [{ fs: lowerWith('f') }],
    upper,
    work,
    warn: (w) => warnings.push(w.code),
  });
  expect(warnings).toEqual(['FW_UNION_ABILITY', 'FW_UNION_ABILITY']);
  union.unlink(union.root, b('f'));
  expect(union.lookup(union.root, b('f'))).toBeUndefined();
  union.mkdir(union.root, b('f'), folder);
  expect(union.readdir(union.root).map((entry) => entry.type)).toEqual(['directory']);
});

test('which names the layer, the causes and what is hidden', () => {
  const union = unionOf({ lowers: [lowerWith('f', 'g'), lowerWith('f')], store: memory() });
  union.write(at(union, 'f'), 0, Buffer.from('x'));
  union.unlink(union.root, b('g'));
  const found = union.which(b('/f'));
  expect(found).toMatchObject({ layer: 'upper', causes: [{ kind: 'copied-up' }] });
  expect(found.shadowed.map((version) => version.layer)).toEqual(['lower1', 'lower2']);
  expect(union.which(b('/g'))).toMatchObject({
    layer: undefined,
    causes: [{ kind: 'whiteout', layer: 'upper' }],
  });
});

test('contradicting options are refused (union 14)', () => {
  const policy = policyWith({ metacopy: true, redirectDir: 'off' });
  expect(errnoOf(() => unionOf({ lowers: [memory()], store: memory(), policy }))).toBe('EINVAL');
});

test('a volatile upper that was never unmounted is refused (union 174)', () => {
  const [lower, store] = [memory(), memory()];
  const policy = policyWith({ volatile: true });
  unionOf({ lowers: [lower], store, policy });
  expect(errnoOf(() => unionOf({ lowers: [lower], store: store.clone(), policy }))).toBe('EINVAL');
});
