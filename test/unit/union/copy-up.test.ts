import { expect, test } from 'vitest';
import { b, errnoOf, find, put, textAt } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

test('failing calls and reading copy nothing (union 62, 63)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('d/', 'd/f', 'g')], store });
  const before = store.statfs().filesFree;
  const ino = find(union, 'd/f');
  union.open(ino, 'write');
  union.release(ino);
  expect(errnoOf(() => union.removexattr(ino, b('user.none')))).toBe('ENODATA');
  expect(errnoOf(() => union.link(ino, union.root, b('g')))).toBe('EEXIST');
  expect(errnoOf(() => union.rename(union.root, b('d'), find(union, 'd'), b('x')))).toBe('EINVAL');
  expect(store.readdir(find(store, 'upper'))).toEqual([]);
  expect(store.statfs().filesFree).toBe(before);
});

test('a copy carries mode, owner, times and attributes, and the parent keeps its times (union 66, 67)', () => {
  const lower = lowerWith('d/', 'd/f');
  const source = find(lower, 'd/f');
  lower.setattr(source, { mode: 0o4755, uid: 7, gid: 8, atimeNs: 11n, mtimeNs: 13n });
  lower.setxattr(source, b('user.x'), Buffer.from('1'));
  const union = unionOf({ lowers: [lower], store: memory() });
  const before = [union.getattr(find(union, 'd/f')), union.getattr(find(union, 'd'))] as const;
  union.setxattr(find(union, 'd/f'), b('user.y'), Buffer.from('2'));
  const { ino, mode, uid, gid, size, nlink, atimeNs, mtimeNs } = union.getattr(find(union, 'd/f'));
  expect(before[0]).toMatchObject({ ino, mode, uid, gid, size, nlink, atimeNs, mtimeNs });
  expect(union.getattr(find(union, 'd')).mtimeNs).toBe(before[1].mtimeNs);
  expect([...union.listxattr(find(union, 'd/f'))].sort()).toEqual(['user.x', 'user.y']);
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
  union.setattr(find(union, 'big'), { size: 0 });
  expect(written).toBe(0);
});

test('names of one lower inode stay one object, also after a new mount (union 83, 85)', () => {
  const lower = lowerWith('a');
  lower.link(find(lower, 'a'), lower.root, b('c'));
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const number = find(union, 'a');
  union.write(number, 0, Buffer.from('SHARED!'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect([find(again, 'a'), find(again, 'c')]).toEqual([number, number]);
  expect(textAt(again, 'c')).toBe('SHARED!');
  expect(again.getattr(number).nlink).toBe(2);
  again.unlink(again.root, b('a'));
  expect(again.getattr(number).nlink).toBe(1);
});
