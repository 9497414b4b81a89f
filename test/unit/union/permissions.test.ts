/** Rights: the caller is judged by the union's object, as if everything had been copied in advance. */
import { expect, test } from 'vitest';
import type { Union } from '../../../tools/union/index.js';
import { access, checkRemoval, inheritedAttributes, permits, resolve } from '../../../tools/vfs/index.js';
import type { Credentials } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, names, textOf } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

const user: Credentials = { uid: 1000, gid: 1000 };
const other: Credentials = { uid: 2000, gid: 2000 };

const walk = (union: Union, path: string, credentials?: Credentials): string | number => {
  let ino = 0;
  const code = errnoOf(() => (ino = resolve(union, b(path), credentials ? { credentials } : {})));
  return code ?? ino;
};

test('the search right of each caller counts, whoever asked first and whatever is remembered (union 26, 132)', () => {
  const lower = lowerWith('d/', 'd/f');
  lower.setattr(find(lower, 'd'), { mode: 0o700 });
  for (const first of [user, undefined]) {
    const union = unionOf({ lowers: [lower], store: memory() });
    const answers = [first, user, undefined, user].map((who) => typeof walk(union, '/d/f', who));
    expect(answers).toEqual([first === user ? 'string' : 'number', 'string', 'number', 'string']);
    expect(walk(union, '/d/f', user)).toBe('EACCES');
    union.setattr(find(union, 'd'), { mode: 0o711 });
    expect(walk(union, '/d/f', user)).toBe(walk(union, '/d/f'));
  }
});

test('of a merged directory only the topmost part is asked; what it covers is reached with the mounter’s rights (union 135, 137)', () => {
  for (const [top, bottom] of [
    [0o755, 0o700],
    [0o700, 0o755],
  ] as const) {
    const [upper, lower] = [lowerWith('d/', 'd/a'), lowerWith('d/', 'd/b')];
    upper.setattr(find(upper, 'd'), { mode: top });
    lower.setattr(find(lower, 'd'), { mode: bottom });
    const union = unionOf({ lowers: [upper, lower], store: memory() });
    const found = ['/d/a', '/d/b'].map((path) => typeof walk(union, path, user));
    expect(found).toEqual(top === 0o755 ? ['number', 'number'] : ['string', 'string']);
  }
});

test('a lower that cannot be written is no reason to refuse the owner, before and after the copy-up (union 132, 134)', () => {
  const lower = lowerWith('f');
  lower.setattr(find(lower, 'f'), { mode: 0o640, uid: user.uid, gid: user.gid });
  lower.readOnly = true;
  const union = unionOf({ lowers: [lower], store: memory() });
  const ino = find(union, 'f');
  const rights = () =>
    [user, other].map((who) =>
      [access.read, access.write].map((want) => permits(union.getattr(ino), who, want)),
    );
  const before = rights();
  expect(before).toEqual([
    [true, true],
    [false, false],
  ]);
  union.open(ino, 'write');
  union.write(ino, 0, Buffer.from('x'));
  expect(rights()).toEqual(before);
});

test('a write to a lower file needs that the lower can be read; a truncation does not (union 73, 133)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const union = unionOf({ lowers: [lower], store });
  const ino = find(union, 'f');
  lower.fault = ({ call }) => (call === 'read' ? 'EACCES' : undefined);
  expect(errnoOf(() => union.write(ino, 0, Buffer.from('x')))).toBe('EACCES');
  expect(names(store, find(store, 'upper'))).toEqual([]);
  union.setattr(ino, { size: 0 });
  union.write(ino, 0, Buffer.from('x'));
  expect(textOf(union, ino)).toBe('x');
});

test('an owner changes his file in a directory that he cannot write, and the copy is his (union 69, 90)', () => {
  const [lower, store] = [lowerWith('d/', 'd/f'), memory()];
  lower.setattr(find(lower, 'd/f'), { uid: user.uid, gid: user.gid, mode: 0o600 });
  const union = unionOf({ lowers: [lower], store });
  expect(permits(union.getattr(find(union, 'd')), user, access.write)).toBe(false);
  union.write(walk(union, '/d/f', user) as number, 0, Buffer.from('x'));
  expect(store.getattr(find(store, 'upper/d/f'))).toMatchObject({
    uid: user.uid,
    gid: user.gid,
    mode: 0o600,
  });
  expect(store.getattr(find(store, 'upper/d'))).toMatchObject({ uid: 0, gid: 0, mode: 0o755 });
});

test('sticky and set-group-ID directories rule the same before and after the copy-up (union 136)', () => {
  const lower = lowerWith('d/', 'd/f');
  lower.setattr(find(lower, 'd'), { mode: 0o3777, gid: 44 });
  lower.setattr(find(lower, 'd/f'), { uid: user.uid });
  const union = unionOf({ lowers: [lower], store: memory() });
  const ruling = () => {
    const [directory, object] = ['d', 'd/f'].map((path) => union.getattr(find(union, path)));
    if (!directory || !object) throw new Error('both are there');
    return {
      removal: [user, other].map((who) => errnoOf(() => checkRemoval(directory, object, who, 'unlink'))),
      made: inheritedAttributes(directory, other, 0o777, 'directory', 0o022),
    };
  };
  const before = ruling();
  expect(before).toEqual({
    removal: [undefined, 'EPERM'],
    made: { mode: 0o2755, uid: other.uid, gid: 44 },
  });
  union.write(find(union, 'd/f'), 0, Buffer.from('x'));
  union.setxattr(find(union, 'd'), b('user.x'), Buffer.from('1'));
  expect(ruling()).toEqual(before);
});
