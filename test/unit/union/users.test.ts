/** Locks, leases and the endpoints of sockets and FIFOs: they hang on the union object. */
import { expect, test } from 'vitest';
import { readMountWords } from '../../../tools/cli/mount/options.js';
import type { Union } from '../../../tools/union/index.js';
import { b, errnoOf, find, names, newFile } from '../../support/files.js';
import { lowerWith, memory, strayIn, unionOf } from '../../support/unions.js';

const [alice, bob] = [{ name: 'alice' }, { name: 'bob' }];
const whole = { start: 0, end: Infinity };

function copyUp(union: Union, path: string): void {
  union.setattr(find(union, path), { mode: 0o600 });
}

test('a read lock of before the copy-up stands in the way of a writer after it (union 154, 155, 156, 159)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const ino = find(union, 'f');
  union.users(ino).ranges.set({ ...whole, kind: 'read', owner: alice });
  copyUp(union, 'f');
  union.rename(union.root, b('f'), union.root, b('g'));
  union.link(ino, union.root, b('h'));
  const { ranges } = union.users(find(union, 'h'));
  const wanted = { start: 3, end: 4, kind: 'write', owner: bob } as const;
  expect(errnoOf(() => ranges.set(wanted))).toBe('EAGAIN');
  expect(ranges.conflict(wanted)?.owner).toBe(alice);
});

test('POSIX and open-file-description locks meet, flock does not meet them, all over a copy-up (union 155)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const { ranges, whole: flock } = union.users(find(union, 'f'));
  const description = { of: alice };
  ranges.set({ ...whole, kind: 'write', owner: description });
  flock.set(bob, 'exclusive');
  copyUp(union, 'f');
  const after = union.users(find(union, 'f'));
  expect(errnoOf(() => after.ranges.set({ ...whole, kind: 'read', owner: alice }))).toBe('EAGAIN');
  expect(errnoOf(() => after.whole.set(alice, 'shared'))).toBe('EAGAIN');
});

test('a process that closes any descriptor loses its POSIX locks, also with one from before the copy-up (union 157)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const ino = find(union, 'f');
  union.open(ino, 'read');
  copyUp(union, 'f');
  union.users(ino).ranges.set({ ...whole, kind: 'write', owner: alice });
  union.users(ino).ranges.releaseOwner(alice);
  union.release(ino);
  expect(union.users(find(union, 'f')).ranges.held).toEqual([]);
});

test('two unions over one lower do not meet in locks, and a lock copies nothing (union 62, 158, 160)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  const unions = [store, memory()].map((upper) => unionOf({ lowers: [lower], store: upper }));
  for (const union of unions) {
    union.users(find(union, 'f')).ranges.set({ ...whole, kind: 'write', owner: union });
    union.users(find(union, 'f')).whole.set(union, 'exclusive');
  }
  expect(store.readdir(find(store, 'upper'))).toEqual([]);
});

test('a file of the name of a removed one has locks of its own (union 129)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  union.users(find(union, 'f')).whole.set(alice, 'exclusive');
  union.unlink(union.root, b('f'));
  union.mknod(union.root, b('f'), newFile);
  expect(union.users(find(union, 'f')).whole.kindOf(alice)).toBeUndefined();
});

test('a lease on a lower file is broken before a writer or a truncation goes on (union 161)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lowerWith('f')], store });
  const ino = find(union, 'f');
  const told: string[] = [];
  const { leases } = union.users(ino);
  leases.set(alice, 'read', { readers: 1, writers: 0 }, () => told.push('alice'));
  union.open(ino, 'read');
  expect(told).toEqual([]);
  expect(errnoOf(() => union.open(ino, 'write', bob))).toBe('EAGAIN');
  expect(errnoOf(() => union.setattr(ino, { size: 0 }))).toBe('EAGAIN');
  expect([told, store.readdir(find(store, 'upper'))]).toEqual([['alice'], []]);
  leases.release(alice);
  union.open(ino, 'write', bob);
  union.write(ino, 0, Buffer.from('B'));
  expect(errnoOf(() => leases.set(alice, 'read', { readers: 1, writers: 1 }, () => undefined))).toBe(
    'EAGAIN',
  );
});

test('the holder of a lease is not in its own way, and a read lease does not break for a reader (union 161)', () => {
  const union = unionOf({ lowers: [lowerWith('f')], store: memory() });
  const ino = find(union, 'f');
  const { leases } = union.users(ino);
  leases.set(alice, 'write', { readers: 0, writers: 1 }, () => undefined);
  union.open(ino, 'write', alice);
  expect(errnoOf(() => union.open(ino, 'read', bob))).toBe('EAGAIN');
});

function withNode(type: 'socket' | 'fifo'): { unions: Union[]; lower: ReturnType<typeof memory> } {
  const lower = memory();
  lower.mknod(lower.root, b('s'), { ...newFile, type });
  return { lower, unions: [0, 1].map(() => unionOf({ lowers: [lower], store: memory() })) };
}

test('a socket file of a lower refuses connections in each union until somebody listens there (union 138, 139, 140)', () => {
  const { unions } = withNode('socket');
  const [first, second] = unions.map((union) => union.users(find(union, 's')).rendezvous);
  expect(errnoOf(() => first?.connect())).toBe('ECONNREFUSED');
  const [union] = unions;
  // The name is taken, so a daemon removes the file and makes one of its own.
  expect(errnoOf(() => union?.mknod(union.root, b('s'), { ...newFile, type: 'socket' }))).toBe('EEXIST');
  union?.unlink(union.root, b('s'));
  const own = union?.mknod(union.root, b('s'), { ...newFile, type: 'socket' }) ?? 0;
  const rendezvous = union?.users(own).rendezvous;
  rendezvous?.bind(alice);
  expect(errnoOf(() => rendezvous?.bind(bob))).toBe('EADDRINUSE');
  expect(union && union.users(find(union, 's')).rendezvous.connect()).toBe(alice);
  expect(errnoOf(() => second?.connect())).toBe('ECONNREFUSED');
});

test('a listener is reached through a link made before its first name went, and after chmod and chown (union 141)', () => {
  const union = unionOf({ lowers: [lowerWith('d/')], store: memory() });
  const ino = union.mknod(find(union, 'd'), b('temporary'), { ...newFile, type: 'socket' });
  union.users(ino).rendezvous.bind(alice);
  union.link(ino, union.root, b('final'));
  union.unlink(find(union, 'd'), b('temporary'));
  union.setattr(ino, { mode: 0o666, uid: 3 });
  expect(union.users(find(union, 'final')).rendezvous.connect()).toBe(alice);
});

test('a closed listener refuses, and removing the file does not harm who listens (union 142)', () => {
  const union = unionOf({ lowers: [lowerWith()], store: memory() });
  const ino = union.mknod(union.root, b('s'), { ...newFile, type: 'socket' });
  const { rendezvous } = union.users(ino);
  rendezvous.bind(alice);
  union.open(ino, 'read');
  union.unlink(union.root, b('s'));
  expect(union.users(ino).rendezvous.connect()).toBe(alice);
  rendezvous.close(bob);
  expect(rendezvous.connect()).toBe(alice);
  rendezvous.close(alice);
  expect(errnoOf(() => rendezvous.connect())).toBe('ECONNREFUSED');
});

test('a FIFO of a lower is one pipe in each union, which a copy-up does not part (union 62, 143)', () => {
  const { unions } = withNode('fifo');
  const [union, other] = unions;
  if (!union || !other) throw new Error('two unions');
  const ino = find(union, 's');
  union.open(ino, 'write');
  const pipe = union.users(ino).rendezvous.pipe(() => ({}));
  copyUp(union, 's');
  expect(union.users(find(union, 's')).rendezvous.pipe(() => ({}))).toBe(pipe);
  expect(other.users(find(other, 's')).rendezvous.pipe(() => ({}))).not.toBe(pipe);
  union.users(ino).rendezvous.closePipe();
  expect(union.users(ino).rendezvous.pipe(() => ({}))).not.toBe(pipe);
});

test('devices and sockets are copied up as nodes and opening them copies nothing (union 62, 91, 144)', () => {
  const lower = memory();
  const rdev = { major: 4, minor: 64 };
  lower.mknod(lower.root, b('char'), { ...newFile, type: 'char', rdev });
  lower.mknod(lower.root, b('block'), { ...newFile, type: 'block', rdev });
  lower.mknod(lower.root, b('fifo'), { ...newFile, type: 'fifo' });
  lower.mknod(lower.root, b('socket'), { ...newFile, type: 'socket' });
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  const opened: string[] = [];
  lower.fault = ({ call }) => {
    if (call === 'read' || call === 'open') opened.push(call);
    return undefined;
  };
  for (const { ino, name } of union.readdir(union.root)) {
    const before = union.getattr(ino);
    union.open(ino, 'write');
    expect(names(store, find(store, 'upper'))).not.toContain(name);
    copyUp(union, name);
    expect(store.getattr(find(store, `upper/${name}`))).toMatchObject({ type: name, rdev: before.rdev });
  }
  expect([opened, strayIn(store)]).toEqual([[], []]);
});

test('mandatory locks are refused at the mount, and the bits that asked for them are plain bits (union 162)', () => {
  expect(() => readMountWords(['mand'], { mode: 0o755, uid: 0, gid: 0 })).toThrow(
    'unknown mount option mand',
  );
  const lower = lowerWith('f');
  lower.setattr(find(lower, 'f'), { mode: 0o2644 });
  const union = unionOf({ lowers: [lower], store: memory() });
  const ino = find(union, 'f');
  union.users(ino).ranges.set({ ...whole, kind: 'write', owner: alice });
  expect(union.write(ino, 0, Buffer.from('by bob'))).toBe(6);
  expect(union.getattr(ino).mode).toBe(0o2644);
});
