import { expect, test } from 'vitest';
import type { Union } from '../../../tools/union/index.js';
import { MemoryFileSystem, Scheduler } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, names, put, textAt } from '../../support/files.js';
import { lowerWith, memory, policyWith, strayIn, unionOf } from '../../support/unions.js';

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
  lower.setattr(find(lower, 'd'), { atimeNs: 17n, mtimeNs: 19n });
  const union = unionOf({ lowers: [lower], store: memory() });
  const before = [union.getattr(find(union, 'd/f')), union.getattr(find(union, 'd'))] as const;
  union.setxattr(find(union, 'd/f'), b('user.y'), Buffer.from('2'));
  const { ino, mode, uid, gid, size, nlink, atimeNs, mtimeNs } = union.getattr(find(union, 'd/f'));
  expect(before[0]).toMatchObject({ ino, mode, uid, gid, size, nlink, atimeNs, mtimeNs });
  const { atimeNs: read, mtimeNs: changed } = union.getattr(find(union, 'd'));
  expect([before[1].atimeNs, before[1].mtimeNs, read, changed]).toEqual([17n, 19n, 17n, 19n]);
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

test('a truncation copies what stays, and all attributes (union 73)', () => {
  for (const size of [0, 5000]) {
    const lower = memory();
    const source = put(lower, 'big', 'x'.repeat(100_000));
    lower.setattr(source, { mode: 0o4711, uid: 3, gid: 4 });
    lower.setxattr(source, b('user.x'), Buffer.from('1'));
    const store = memory();
    const union = unionOf({ lowers: [lower], store });
    let copied = 0;
    const write = store.write.bind(store);
    store.write = (ino, offset, data) => {
      copied += data.length;
      return write(ino, offset, data);
    };
    const big = find(union, 'big');
    union.setattr(big, { size });
    expect([copied, textAt(union, 'big')]).toEqual([size, 'x'.repeat(size)]);
    expect(union.getattr(big)).toMatchObject({ mode: 0o4711, uid: 3, gid: 4, size });
    expect(union.listxattr(big)).toEqual(['user.x']);
  }
});

test('every change of an object that only a lower has brings it and its directories to the upper, once (union 61)', () => {
  type Change = (union: Union, f: number, d: number) => unknown;
  const changes: Record<string, Change> = {
    chmod: (union, f) => union.setattr(f, { mode: 0o600 }),
    chown: (union, f) => union.setattr(f, { uid: 7, gid: 7 }),
    utimes: (union, f) => union.setattr(f, { atimeNs: 1n, mtimeNs: 2n }),
    truncate: (union, f) => union.setattr(f, { size: 3 }),
    write: (union, f) => union.write(f, 0, Buffer.from('x')),
    fallocate: (union, f) => union.fallocate(f, 0, 100, 'allocate'),
    setxattr: (union, f) => union.setxattr(f, b('user.y'), Buffer.from('1')),
    removexattr: (union, f) => union.removexattr(f, b('user.x')),
    link: (union, f) => union.link(f, union.root, b('linked')),
    rename: (union, _, d) => union.rename(d, b('f'), d, b('renamed')),
    exchange: (union, _, d) => union.rename(d, b('f'), union.root, b('other'), { exchange: true }),
  };
  for (const [name, change] of Object.entries(changes)) {
    const lower = lowerWith('d/', 'd/f', 'other');
    lower.setxattr(find(lower, 'd/f'), b('user.x'), Buffer.from('1'));
    lower.readOnly = true;
    const store = memory();
    const union = unionOf({ lowers: [lower], store });
    const ino = find(union, 'd/f');
    let copies = 0;
    store.fault = ({ call }) => {
      if (call === 'mknod') copies += 1;
      return undefined;
    };
    for (let count = 0; count < 2; count += 1) {
      const again = name === 'chmod' || name === 'write' || count === 0;
      if (again) change(union, ino, find(union, 'd'));
    }
    expect([name, copies]).toEqual([name, name === 'exchange' ? 2 : name === 'rename' ? copies : 1]);
    expect(textAt(lower, 'd/f')).toBe('content');
    store.fault = undefined;
    union.unmount();
    const after = unionOf({ lowers: [lower], store });
    const path = { rename: 'd/renamed', exchange: 'other' }[name] ?? 'd/f';
    expect([name, find(after, path)]).toEqual([name, ino]);
    expect(after.which(b(`/${path}`)).layer).toBe('upper');
  }
});

test('an upper without attributes gets the copy without any, and is not asked to keep them (union 70)', () => {
  const lower = lowerWith('f');
  for (const name of ['user.x', 'security.capability']) {
    lower.setxattr(find(lower, 'f'), b(name), Buffer.from('1'));
  }
  const store = new MemoryFileSystem({ xattrs: false });
  const union = unionOf({ lowers: [lower], store });
  let asked = 0;
  store.fault = ({ call }) => {
    if (call === 'setxattr') asked += 1;
    return undefined;
  };
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  expect([textAt(union, 'f'), asked]).toEqual(['xontent', 0]);
});

test('a lower that cannot tell data from holes is copied plainly (union 71)', () => {
  const lower = lowerWith('f');
  lower.write(find(lower, 'f'), 3 * 2 ** 20, Buffer.from('end'));
  lower.fault = ({ call }) => (call === 'seek' ? 'EOPNOTSUPP' : undefined);
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const wanted = textAt(lower, 'f');
  union.setattr(find(union, 'f'), { mode: 0o600 });
  expect(textAt(store, 'upper/f')).toBe(wanted);
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

test('parents come first, as directories without their content, and devices of the chain as they are (union 65, 91)', () => {
  const [lower, store] = [lowerWith('d/', 'd/e/', 'd/e/f', 'd/other'), memory()];
  const union = unionOf({ lowers: [lower], store });
  union.setattr(find(union, 'd/e/f'), { mode: 0o600 });
  expect([names(store, find(store, 'upper')), names(store, find(store, 'upper/d'))]).toEqual([['d'], ['e']]);
});

test('a copy is dressed in order: owner, attributes, mode, times, flush, and only then its name (union 68, 69, 78, 79, 87)', () => {
  const lower = lowerWith('f');
  const [ino, store] = [find(lower, 'f'), memory()];
  lower.setattr(ino, { mode: 0o4755, uid: 5, gid: 6, mtimeNs: 9n });
  lower.setxattr(ino, b('security.capability'), Buffer.from('cap'));
  const union = unionOf({ lowers: [lower], store });
  const calls: string[] = [];
  store.fault = ({ call, changes, name }) => {
    if (changes || call === 'sync') calls.push(`${call} ${name ?? ''}`.trim());
    return undefined;
  };
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  store.fault = undefined;
  const order = [
    'mknod #1',
    'write',
    'setattr',
    'setxattr security.capability',
    'setattr',
    'setxattr trusted.overlay.origin',
    'sync',
    'rename #1',
  ];
  expect(calls.slice(0, order.length)).toEqual(order);
  const copy = store.getattr(find(store, 'upper/f'));
  expect(copy).toMatchObject({ mode: 0o4755, uid: 5, gid: 6 });
});

test('rights must arrive with the copy, other attributes that the upper refuses are left behind (union 70)', () => {
  for (const [name, wanted] of [
    ['security.capability', 'EOPNOTSUPP'],
    ['user.x', undefined],
  ] as const) {
    const lower = lowerWith('f');
    lower.setxattr(find(lower, 'f'), b(name), Buffer.from('1'));
    const store = memory();
    const union = unionOf({ lowers: [lower], store });
    store.fault = (point) => (point.call === 'setxattr' && point.name === name ? 'EOPNOTSUPP' : undefined);
    expect(errnoOf(() => union.setattr(find(union, 'f'), { mode: 0o600 }))).toBe(wanted);
    store.fault = undefined;
    expect(strayIn(store)).toEqual([]);
  }
});

test('holes stay holes, and a file larger than the upper allows is refused before a byte is copied (union 71, 72)', () => {
  const lower = lowerWith('f');
  lower.setattr(find(lower, 'f'), { size: 2 ** 33 });
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  union.setattr(find(union, 'f'), { mode: 0o600 });
  expect(store.getattr(find(store, 'upper/f'))).toMatchObject({ size: 2 ** 33, blocks: 8 });
  const small = new MemoryFileSystem({ fileSizeLimit: 2 ** 32 });
  const limited = unionOf({ lowers: [lower], store: small });
  expect(errnoOf(() => limited.setattr(find(limited, 'f'), { mode: 0o600 }))).toBe('EFBIG');
  expect([strayIn(small), names(small, find(small, 'upper'))]).toEqual([[], []]);
});

test('without an index each name of a lower inode is a file of its own, with a number that lasts over mounts (union 84, 124, 127, 128)', () => {
  const lower = lowerWith('a', 'd/');
  lower.link(find(lower, 'a'), lower.root, b('b'));
  lower.link(find(lower, 'a'), find(lower, 'd'), b('a'));
  const policy = policyWith({ index: false });
  const store = memory();
  const paths = ['a', 'b', 'd/a'];
  const numbers = (union: Union, order = paths): Record<string, number> =>
    Object.fromEntries(order.map((path) => [path, find(union, path)]));
  const first = unionOf({ lowers: [lower], store, policy });
  const before = numbers(first);
  expect(new Set(Object.values(before)).size).toBe(3);
  first.unmount();
  const union = unionOf({ lowers: [lower], store, policy });
  // Neither the order of lookups nor a listing before them changes a number.
  union.readdir(find(union, 'd'));
  expect(numbers(union, [...paths].reverse())).toEqual(before);
  union.write(find(union, 'a'), 0, Buffer.from('NEW'));
  expect(numbers(union)).toEqual(before);
  expect(paths.map((path) => [textAt(union, path), union.getattr(find(union, path)).nlink])).toEqual([
    ['NEWtent', 1],
    ['content', 1],
    ['content', 1],
  ]);
  union.unmount();
  const after = unionOf({ lowers: [lower], store, policy });
  expect(find(after, 'a')).toBe(find(store, 'upper/a'));
  expect(store.listxattr(find(store, 'upper/a'))).toEqual([]);
  expect([find(after, 'b'), find(after, 'd/a')]).toEqual([before['b'], before['d/a']]);
});

test('a metadata-only copy takes its data from the lower until it is written, also after rename and link (union 88, 206)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const policy = policyWith({ metacopy: true });
  const union = unionOf({ lowers: [lower], store, policy });
  union.setattr(find(union, 'f'), { mode: 0o600 });
  union.rename(union.root, b('f'), union.root, b('g'));
  union.link(find(union, 'g'), union.root, b('h'));
  expect(store.getattr(find(store, 'upper/g')).blocks).toBe(0);
  expect(union.getattr(find(union, 'g')).blocks).toBe(lower.getattr(find(lower, 'f')).blocks);
  union.unmount();
  const again = unionOf({ lowers: [lower], store, policy });
  expect(textAt(again, 'h')).toBe('content');
  const calls: string[] = [];
  store.fault = ({ call, changes }) => {
    if (changes || call === 'sync') calls.push(call);
    return undefined;
  };
  again.write(find(again, 'h'), 0, Buffer.from('DATA'));
  store.fault = undefined;
  expect(calls).toEqual(['write', 'setattr', 'sync', 'removexattr', 'write']);
  expect([
    textAt(again, 'g'),
    store.listxattr(find(store, 'upper/g')).includes(b('trusted.overlay.metacopy')),
  ]).toEqual(['DATAent', false]);
});

test('content is copied in pieces of at most 1 MiB (union 74)', () => {
  const lower = lowerWith('f');
  const size = 2.5 * 2 ** 20;
  lower.write(find(lower, 'f'), 0, new Uint8Array(size).fill(7));
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const pieces: number[] = [];
  const read = lower.read.bind(lower);
  lower.read = (ino, offset, length) => {
    pieces.push(length);
    return read(ino, offset, length);
  };
  union.write(find(union, 'f'), size, Uint8Array.of(8));
  expect(pieces).toEqual([2 ** 20, 2 ** 20, 2 ** 19]);
  expect(store.getattr(find(store, 'upper/f')).size).toBe(size + 1);
});

test('an index entry that could not go with its last name goes at the next mount (union 86)', () => {
  const [lower, store] = [lowerWith('a'), memory()];
  lower.link(find(lower, 'a'), lower.root, b('b'));
  const union = unionOf({ lowers: [lower], store });
  union.write(find(union, 'a'), 0, Buffer.from('X'));
  union.unlink(union.root, b('a'));
  const index = find(store, 'work/index');
  store.fault = ({ call, ino }) => (call === 'unlink' && ino === index ? 'EIO' : undefined);
  union.unlink(union.root, b('b'));
  store.fault = undefined;
  expect([names(union), names(store, index).length]).toEqual([[], 1]);
  union.unmount();
  expect([names(unionOf({ lowers: [lower], store })), names(store, index)]).toEqual([[], []]);
});

test('data that arrives after the attributes keeps the capability of the file (union 68, 88)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  lower.setxattr(find(lower, 'f'), b('security.capability'), Buffer.from('cap'));
  const policy = policyWith({ metacopy: true, copyUp: 'open' });
  const union = unionOf({ lowers: [lower], store, policy });
  union.setattr(find(union, 'f'), { mode: 0o755 });
  const write = store.write.bind(store);
  // As the kernel does: whoever writes loses the capability.
  store.write = (ino, offset, data) => {
    if (store.listxattr(ino).includes(b('security.capability')))
      store.removexattr(ino, b('security.capability'));
    return write(ino, offset, data);
  };
  union.open(find(union, 'f'), 'write');
  expect(store.listxattr(find(store, 'upper/f'))).toContain('security.capability');
  expect(textAt(store, 'upper/f')).toBe('content');
});

test('a copy-up whose name goes before it has the lock takes the next name, with the directories above that (union 182, 186)', () => {
  const [lower, store] = [lowerWith('d/', 'd/s/', 'd/s/h1', 'e/'), memory()];
  lower.link(find(lower, 'd/s/h1'), find(lower, 'e'), b('h2'));
  const union = unionOf({ lowers: [lower], store });
  const ino = find(union, 'd/s/h1');
  expect(find(union, 'e/h2')).toBe(ino);
  const scheduler = new Scheduler();
  const copy = scheduler.start(union.operations.setattr(ino, { mode: 0o600 }));
  while (store.lookup(find(store, 'upper'), b('d')) === undefined) scheduler.step(0);
  // The upper has no room for the object just now, so that its name goes and nothing is copied.
  store.fault = ({ call }) => (call === 'mknod' ? 'ENOSPC' : undefined);
  const removal = scheduler.start(union.operations.unlink(find(union, 'd/s'), b('h1')));
  while (removal.outcome === undefined) scheduler.step(1);
  store.fault = undefined;
  scheduler.runAll();
  expect([copy.outcome?.kind, removal.outcome.kind]).toEqual(['done', 'done']);
  expect([names(union, find(union, 'd/s')), names(union, find(union, 'e'))]).toEqual([[], ['h2']]);
  expect(union.getattr(find(union, 'e/h2'))).toMatchObject({ ino, mode: 0o600, nlink: 1 });
  expect([textAt(store, 'upper/e/h2'), strayIn(store)]).toEqual(['content', []]);
});

test('a copy of a lower file with several names has the lower’s number only through the index (union 128)', () => {
  const [lower, store] = [lowerWith('a'), memory()];
  lower.link(find(lower, 'a'), lower.root, b('b'));
  const union = unionOf({ lowers: [lower], store });
  const number = find(union, 'a');
  union.write(number, 0, Buffer.from('X'));
  union.unmount();
  const without = unionOf({ lowers: [lower], store, policy: policyWith({ index: false }) });
  expect(find(without, 'a')).toBe(find(store, 'upper/a'));
  without.unmount();
  expect(find(unionOf({ lowers: [lower], store }), 'a')).toBe(number);
});
