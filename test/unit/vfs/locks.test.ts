import { expect, test, vi } from 'vitest';
import { seededRandom } from '../../../tools/core/index.js';
import { ByteRangeLocks, Leases, Watches, WholeFileLocks } from '../../../tools/vfs/index.js';

const [alice, bob, carol] = [{ name: 'alice' }, { name: 'bob' }, { name: 'carol' }];
const range = (start: number, end: number): { start: number; end: number } => ({ start, end });

test('read locks share a range, a write lock excludes', () => {
  const locks = new ByteRangeLocks();
  locks.set({ ...range(0, 10), kind: 'read', owner: alice });
  locks.set({ ...range(5, 15), kind: 'read', owner: bob });
  expect(() => {
    locks.set({ ...range(9, 12), kind: 'write', owner: alice });
  }).toThrow('EAGAIN');
  expect(locks.conflict({ ...range(9, 12), kind: 'write', owner: alice })?.owner).toBe(bob);
  locks.set({ ...range(15, Infinity), kind: 'write', owner: alice });
  expect(() => {
    locks.set({ ...range(1e12, 1e12 + 1), kind: 'read', owner: bob });
  }).toThrow('EAGAIN');
});

test('unlocking the middle leaves both ends; touching locks of a kind join', () => {
  const locks = new ByteRangeLocks();
  locks.set({ ...range(0, 30), kind: 'write', owner: alice });
  locks.unlock(alice, range(10, 20));
  expect(locks.held.map(({ start, end }) => [start, end])).toEqual([
    [0, 10],
    [20, 30],
  ]);
  locks.set({ ...range(10, 20), kind: 'write', owner: alice });
  expect(locks.held.map(({ start, end }) => [start, end])).toEqual([[0, 30]]);
});

test('the table agrees with a model byte by byte', () => {
  const random = seededRandom(7);
  const locks = new ByteRangeLocks();
  const model = Array.from({ length: 20 }, () => new Map<object, 'read' | 'write'>());
  const owners = [alice, bob, carol];
  for (let step = 0; step < 3000; step++) {
    const owner = owners[random.below(3)] ?? alice;
    const start = random.below(20);
    const end = start + 1 + random.below(20 - start);
    const bytes = model.slice(start, end);
    if (random.below(3) === 0) {
      locks.unlock(owner, range(start, end));
      for (const held of bytes) held.delete(owner);
      continue;
    }
    const kind = random.below(2) === 0 ? 'read' : 'write';
    const blocked = bytes.some((held) =>
      [...held].some(([other, otherKind]) => other !== owner && (kind === 'write' || otherKind === 'write')),
    );
    let refused = false;
    try {
      locks.set({ ...range(start, end), kind, owner });
      for (const held of bytes) held.set(owner, kind);
    } catch {
      refused = true;
    }
    expect(refused).toBe(blocked);
    for (const lock of locks.held) {
      for (const held of model.slice(lock.start, lock.end)) expect(held.get(lock.owner)).toBe(lock.kind);
    }
    const total = locks.held.reduce((sum, lock) => sum + lock.end - lock.start, 0);
    expect(total).toBe(model.reduce((sum, held) => sum + held.size, 0));
  }
});

test('a ring of waiting owners is EDEADLK, and waking is announced', () => {
  const locks = new ByteRangeLocks();
  const woken = vi.fn();
  locks.onRelease = woken;
  locks.set({ ...range(0, 1), kind: 'write', owner: alice });
  locks.set({ ...range(1, 2), kind: 'write', owner: bob });
  locks.wait({ ...range(1, 2), kind: 'write', owner: alice });
  expect(() => {
    locks.wait({ ...range(0, 1), kind: 'write', owner: bob });
  }).toThrow('EDEADLK');
  woken.mockClear();
  locks.releaseOwner(bob);
  expect(woken).toHaveBeenCalledOnce();
  locks.set({ ...range(1, 2), kind: 'write', owner: alice });
  expect(locks.held).toHaveLength(1);
});

test('flock: many shared or one exclusive; a failed change gives the old lock back', () => {
  const locks = new WholeFileLocks();
  locks.set(alice, 'shared');
  locks.set(bob, 'shared');
  expect(() => {
    locks.set(alice, 'exclusive');
  }).toThrow('EAGAIN');
  expect(locks.kindOf(alice)).toBeUndefined();
  locks.set(bob, 'exclusive');
  expect(() => {
    locks.set(alice, 'shared');
  }).toThrow('EAGAIN');
  locks.release(bob);
  locks.set(alice, 'shared');
});

test('a lease is broken by the first conflicting open and told once', () => {
  const leases = new Leases();
  const told = vi.fn();
  leases.set(alice, 'read', { readers: 1, writers: 0 }, told);
  expect(leases.breakFor(bob, 'read')).toBe(true);
  expect(leases.breakFor(bob, 'write')).toBe(false);
  expect(leases.breakFor(bob, 'write')).toBe(false);
  expect(told).toHaveBeenCalledOnce();
  leases.expire();
  expect(leases.breakFor(bob, 'write')).toBe(true);
  expect(() => {
    leases.set(alice, 'write', { readers: 1, writers: 1 }, told);
  }).toThrow('EAGAIN');
});

test('watchers hear of their object and of names in their directory', () => {
  const watches = new Watches();
  const [left, right, self] = [vi.fn(), vi.fn(), vi.fn()];
  const end = watches.add(1, left);
  watches.add(2, right);
  watches.add(9, self);
  watches.emitMove({ directory: 1, name: 'a' as never }, { directory: 2, name: 'b' as never }, 9, false);
  expect(left).toHaveBeenCalledWith(expect.objectContaining({ kind: 'moved-from', name: 'a', cookie: 1 }));
  expect(right).toHaveBeenCalledWith(expect.objectContaining({ kind: 'moved-to', name: 'b', cookie: 1 }));
  expect(self).toHaveBeenCalledWith({ kind: 'move-self', ino: 9, isDirectory: false });
  end();
  watches.emit(1, { kind: 'attrib', ino: 1, isDirectory: true });
  expect(left).toHaveBeenCalledOnce();
});
