/** Errors of writing back are told to everybody concerned, once each; where nothing is flushed, for good. */
import { expect, test } from 'vitest';
import type { Errno, MemoryFileSystem } from '../../../tools/vfs/index.js';
import type { Union } from '../../../tools/union/index.js';
import { errnoOf, find, names } from '../../support/files.js';
import { lowerWith, memory, policyWith, SingleNameFileSystem, unionOf } from '../../support/unions.js';
import { b, newDirectoryAttributes } from '../../support/files.js';

const [alice, bob, carol] = [{ name: 'alice' }, { name: 'bob' }, { name: 'carol' }];

/** The next sync of the store fails: what it had acknowledged could not be written. */
function loseOnce(store: MemoryFileSystem, code: Errno = 'EIO'): void {
  let lost = false;
  store.fault = ({ call }) => {
    if (call !== 'sync' || lost) return undefined;
    lost = true;
    return code;
  };
}

function written(): { store: MemoryFileSystem; union: Union; ino: number } {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f', 'g')], store });
  const ino = find(union, 'f');
  // Both open the lower's file; the write copies it up.
  union.open(ino, 'write', alice);
  union.open(ino, 'read', bob);
  union.write(ino, 0, Buffer.from('lost'));
  return { store, union, ino };
}

test('a failed write-back is told to each who has the file open, once, also when it was opened before the copy-up (union 174)', () => {
  const { store, union, ino } = written();
  loseOnce(store);
  expect(errnoOf(() => union.sync(ino, alice))).toBe('EIO');
  expect(errnoOf(() => union.sync(ino, alice))).toBeUndefined();
  expect(errnoOf(() => union.sync(ino, bob))).toBe('EIO');
  expect(errnoOf(() => union.sync(ino, bob))).toBeUndefined();
});

test('whoever closes without a sync hears of it at the close, which is done all the same (union 174)', () => {
  const { store, union, ino } = written();
  union.open(ino, 'read', bob);
  loseOnce(store, 'ENOSPC');
  expect(errnoOf(() => union.sync(ino, alice))).toBe('ENOSPC');
  expect(errnoOf(() => union.release(ino, bob))).toBeUndefined();
  expect(errnoOf(() => union.release(ino, bob))).toBe('ENOSPC');
  expect(errnoOf(() => union.release(ino, alice))).toBeUndefined();
  // A release that names nobody is told nothing; whoever syncs without a name is, and whoever syncs everything.
  expect(errnoOf(() => union.sync(ino))).toBe('ENOSPC');
  expect(errnoOf(() => union.sync())).toBe('ENOSPC');
  expect([errnoOf(() => union.sync(ino)), errnoOf(() => union.sync())]).toEqual([undefined, undefined]);
  union.unmount();
});

test('a failed sync of everything is told to all open files, and not to one opened later (union 174)', () => {
  const { store, union, ino } = written();
  const other = find(union, 'g');
  union.open(other, 'write', carol);
  loseOnce(store);
  expect(errnoOf(() => union.sync())).toBe('EIO');
  expect(errnoOf(() => union.sync())).toBeUndefined();
  // Nothing of g is in the upper yet, so nothing of it was lost.
  expect(errnoOf(() => union.sync(other, carol))).toBeUndefined();
  union.open(ino, 'read', carol);
  expect(errnoOf(() => union.sync(ino, carol))).toBeUndefined();
  expect(errnoOf(() => union.sync(ino, alice))).toBe('EIO');
  expect(errnoOf(() => union.release(ino, bob))).toBe('EIO');
});

test('what fails where nobody waits for an answer is kept for those who sync (union 174)', () => {
  const store = new SingleNameFileSystem();
  const union = unionOf({ lowers: [lowerWith('d/')], store, policy: policyWith({}) });
  union.rmdir(union.root, b('d'));
  const ino = union.mknod(union.root, b('f'), { type: 'file', mode: 0o644, uid: 0, gid: 0 });
  union.open(ino, 'write', alice);
  // A directory over a whiteout takes a journal here, whose end is flushed after the change is done.
  store.fault = ({ call, ino: synced }) => (call === 'sync' && synced === store.root ? 'EIO' : undefined);
  expect(errnoOf(() => union.mkdir(union.root, b('d'), newDirectoryAttributes))).toBeUndefined();
  store.fault = undefined;
  expect(errnoOf(() => union.sync(ino, alice))).toBe('EIO');
  expect(errnoOf(() => union.sync())).toBe('EIO');
  expect(errnoOf(() => union.unmount())).toBe('EBUSY');
  union.release(ino, alice);
  union.unmount();
});

test('a copy-up whose flush fails tells the caller, leaves the lower showing, and nothing to tell later (union 76, 174)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const ino = find(union, 'f');
  union.open(ino, 'write', alice);
  loseOnce(store);
  expect(errnoOf(() => union.write(ino, 0, Buffer.from('x')))).toBe('EIO');
  expect(names(store, find(store, 'upper'))).toEqual([]);
  expect(errnoOf(() => union.sync(ino, alice))).toBeUndefined();
  expect(union.write(ino, 0, Buffer.from('x'))).toBe(1);
  expect(errnoOf(() => union.release(ino, alice))).toBeUndefined();
});

const volatile = policyWith({ volatile: true });

test('a union that does not flush leaves a mark where the kernel looks for it, until it is unmounted (union 174)', () => {
  const [lower, store] = [lowerWith('f', 'd/'), memory()];
  const union = unionOf({ lowers: [lower], store, policy: volatile });
  const synced: number[] = [];
  store.fault = ({ call, ino }) => {
    if (call === 'sync') synced.push(ino);
    return undefined;
  };
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  union.rmdir(union.root, b('d'));
  union.mkdir(union.root, b('d'), newDirectoryAttributes);
  union.sync();
  expect([synced, names(store, find(store, 'work/work/incompat'))]).toEqual([[], ['volatile']]);
  const crashed = store.clone();
  for (const policy of [volatile, policyWith({})]) {
    expect(errnoOf(() => unionOf({ lowers: [lower], store: crashed, policy }))).toBe('EINVAL');
  }
  union.unmount();
  expect(names(store, find(store, 'work/work'))).not.toContain('incompat');
  unionOf({ lowers: [lower], store }).unmount();
  crashed.rmdir(find(crashed, 'work/work/incompat'), b('volatile'));
  unionOf({ lowers: [lower], store: crashed }).unmount();
});

test('without flushing, every sync fails once something is lost, and the mark stays for good (union 174)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const union = unionOf({ lowers: [lower], store, policy: volatile });
  const ino = find(union, 'f');
  union.write(ino, 0, Buffer.from('x'));
  expect(errnoOf(() => union.sync(ino))).toBeUndefined();
  loseOnce(store);
  expect(errnoOf(() => union.remount(true))).toBe('EIO');
  const syncs = [() => union.sync(), () => union.sync(ino), () => union.sync(ino, alice), () => union.sync()];
  expect(syncs.map((sync) => errnoOf(sync))).toEqual(['EIO', 'EIO', 'EIO', 'EIO']);
  union.unmount();
  expect(names(store, find(store, 'work/work/incompat'))).toEqual(['volatile']);
  expect(errnoOf(() => unionOf({ lowers: [lower], store }))).toBe('EINVAL');
});

test('an unmount that cannot write back says so, and a second one ends the union with its mark (union 174, 175)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const union = unionOf({ lowers: [lower], store, policy: volatile });
  loseOnce(store);
  expect(errnoOf(() => union.unmount())).toBe('EIO');
  expect(errnoOf(() => union.sync())).toBe('EIO');
  union.unmount();
  expect(errnoOf(() => union.getattr(union.root))).toBe('ENODEV');
  expect(names(store, find(store, 'work/work/incompat'))).toEqual(['volatile']);
});
