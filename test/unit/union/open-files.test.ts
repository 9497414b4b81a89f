import { expect, test } from 'vitest';
import { steppingClock } from '../../../tools/core/index.js';
import { MemoryFileSystem, Scheduler } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, names, textAt } from '../../support/files.js';
import { lowerWith, memory, policyWith, strayIn, unionOf } from '../../support/unions.js';

test('an open file stays the same object across copy-up, rename and unlink (union 124, 145, 149)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const ino = find(union, 'f');
  union.open(ino, 'read');
  union.write(ino, 0, Buffer.from('CHANGED'));
  expect(Buffer.from(union.read(ino, 0, 7)).toString()).toBe('CHANGED');
  union.rename(union.root, b('f'), union.root, b('g'));
  expect(find(union, 'g')).toBe(ino);
  union.unlink(union.root, b('g'));
  expect(union.getattr(ino).nlink).toBe(0);
  union.release(ino);
  expect(errnoOf(() => union.getattr(ino))).toBe('ESTALE');
});

test('a lower file that is open and removed can still be changed, without a name (union 123, 149)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const ino = find(union, 'f');
  union.open(ino, 'write');
  union.unlink(union.root, b('f'));
  expect(union.setattr(ino, { mode: 0o600 })).toMatchObject({ mode: 0o600, nlink: 0 });
  expect(Buffer.from(union.read(ino, 0, 7)).toString()).toBe('content');
  expect(union.lookup(union.root, b('f'))).toBeUndefined();
  union.release(ino);
  expect(strayIn(store)).toEqual([]);
});

test('reading leaves the access time of a lower file alone, or copies for it where the policy says so (union 101, 102, 103)', () => {
  const lower = lowerWith('f');
  const [plainStore, shadowStore] = [
    memory(),
    new MemoryFileSystem({ atime: 'relatime', clock: steppingClock(1_800_000_000, 1n) }),
  ];
  const before = lower.getattr(find(lower, 'f')).atimeNs;
  const union = unionOf({ lowers: [lower], store: plainStore });
  textAt(union, 'f');
  expect([union.getattr(find(union, 'f')).atimeNs, names(plainStore, find(plainStore, 'upper'))]).toEqual([
    before,
    [],
  ]);
  const shadow = unionOf({ lowers: [lower], store: shadowStore, policy: policyWith({ atime: 'shadow' }) });
  textAt(shadow, 'f');
  expect(names(shadowStore, find(shadowStore, 'upper'))).toEqual(['f']);
  expect(shadow.getattr(find(shadow, 'f')).atimeNs).toBeGreaterThan(before);
  expect(lower.getattr(find(lower, 'f')).atimeNs).toBe(before);
});

test('an editor sees the same file before and after the copy-up that another caused (union 104, 124, 147)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const facts = () => {
    const { ino, mtimeNs, size, mode, nlink } = union.getattr(find(union, 'f'));
    return { ino, mtimeNs, size, mode, nlink };
  };
  const before = facts();
  union.setxattr(find(union, 'f'), b('user.x'), Buffer.from('1'));
  expect([facts(), textAt(union, 'f')]).toEqual([before, 'content']);
});

test('syncing a lower-only object succeeds and touches nothing; a copied one goes to the upper (union 151, 173)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('d/', 'f')], store });
  const synced: number[] = [];
  store.fault = ({ call, ino }) => {
    if (call === 'sync') synced.push(ino);
    return undefined;
  };
  for (const path of ['d', 'f']) union.sync(find(union, path));
  expect(synced).toEqual([]);
  union.setattr(find(union, 'd'), { mode: 0o700 });
  synced.length = 0;
  union.sync(find(union, 'd'));
  union.sync();
  expect(synced).toEqual([find(store, 'upper/d'), store.root]);
});

test('a symlink that is being followed stays what it was, at whatever step another copies it up (union 152)', () => {
  const lower = memory();
  lower.symlink(lower.root, b('link'), b('target'), { mode: 0o777, uid: 0, gid: 0 });
  const stepsOfCopy = 12;
  const seen = new Set<number>();
  for (let stop = 0; stop < stepsOfCopy; stop += 1) {
    const union = unionOf({ lowers: [lower], store: memory() });
    const ino = find(union, 'link');
    const scheduler = new Scheduler();
    scheduler.start(union.operations.setattr(ino, { uid: 7 }));
    for (let step = 0; step < stop; step += 1) scheduler.step(0);
    expect(union.readlink(ino)).toBe('target');
    seen.add(union.getattr(ino).uid);
    scheduler.runAll();
    expect([union.readlink(ino), union.getattr(ino)]).toMatchObject(['target', { ino, uid: 7 }]);
  }
  expect([...seen]).toEqual([0, 7]);
});

test('who appends writes behind what others wrote, also when the write is the one that copies (union 146)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const ino = find(union, 'f');
  for (const text of ['+1', '+2']) {
    const scheduler = new Scheduler();
    scheduler.start(union.operations.write(ino, 'end', Buffer.from(text)));
    scheduler.runAll();
  }
  expect(textAt(union, 'f')).toBe('content+1+2');
});
