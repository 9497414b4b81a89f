/** An upper on JFFS2 without room: what the emulated flash keeps back is for removals. */
import { expect, test } from 'vitest';
import { fixedClock } from '../../../tools/core/index.js';
import { NorChip, norGeometry } from '../../../tools/flash/index.js';
import { mountJffs2 } from '../../../tools/jffs2/index.js';
import { policies } from '../../../tools/union/index.js';
import type { Union, UnionPolicy } from '../../../tools/union/index.js';
import { b, errnoOf, find, names, newFile, put, textAt } from '../../support/files.js';
import { lowerWith, memory, strayIn, unionOf } from '../../support/unions.js';
import { viewOf } from '../../support/views.js';

const lower = lowerWith('a', 'b', 'd/', 'd/e/', 'd/e/x', 'hard');
lower.link(find(lower, 'hard'), lower.root, b('linked'));
lower.write(find(lower, 'b'), 0, Buffer.alloc(40_000, 'compressed by nobody'));

function fullUnion(endian: 'little' | 'big', policy: UnionPolicy) {
  const chip = new NorChip({ geometry: norGeometry(16 * 8192, 8192) });
  const mount = () => {
    const store = mountJffs2(chip, { endian, clock: fixedClock(1) });
    return { store, union: unionOf({ lowers: [lower], store, policy }) };
  };
  const { store, union } = mount();
  union.write(find(union, 'a'), 0, Buffer.from('changed'));
  union.setattr(find(union, 'linked'), { mode: 0o600 });
  for (let count = 0; fill(union, count) === undefined;) count += 1;
  return { store, union, again: mount };
}

function fill(union: Union, count: number): string | undefined {
  return errnoOf(() => {
    const ino = union.mknod(union.root, b(`fill${count}`), newFile);
    union.write(ino, 0, Buffer.alloc(4000, count));
  });
}

for (const endian of ['little', 'big'] as const) {
  test(`on a full ${endian}-endian flash names go and make room, in the upper, the lower and the index (union 216)`, () => {
    const { union, again } = fullUnion(endian, policies.overlayfs);
    expect(errnoOf(() => put(union, 'new'))).toBe('ENOSPC');
    union.unlink(union.root, b('a'));
    union.unlink(find(union, 'd/e'), b('x'));
    union.rmdir(find(union, 'd'), b('e'));
    union.unlink(union.root, b('hard'));
    expect([union.lookup(union.root, b('a')), names(union, find(union, 'd'))]).toEqual([undefined, []]);
    for (const name of names(union)) if (name.startsWith('fill')) union.unlink(union.root, name);
    put(union, 'new');
    const view = viewOf(union);
    expect(viewOf(again().union)).toBe(view);
  });

  test(`a copy-up that finds a ${endian}-endian flash full leaves the lower showing and nothing behind (union 76, 77)`, () => {
    const { store, union, again } = fullUnion(endian, policies.overlayfs);
    const before = viewOf(union);
    expect(errnoOf(() => union.write(find(union, 'b'), 0, Buffer.from('x')))).toBe('ENOSPC');
    expect([viewOf(union), strayIn(store), viewOf(again().union)]).toEqual([before, [], before]);
  });
}

test('with the policy of its kernels a full flash refuses to hide a name of the lower, as they do (union 216)', () => {
  const { union } = fullUnion('big', policies.openwrt);
  expect(errnoOf(() => union.unlink(find(union, 'd/e'), b('x')))).toBe('ENOSPC');
});

test('on a full upper a name of a lower hard link goes although its object cannot be copied (union 85, 216)', () => {
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  store.fault = ({ call }) => (['mknod', 'write', 'mkdir'].includes(call) ? 'ENOSPC' : undefined);
  union.unlink(union.root, b('hard'));
  expect([textAt(union, 'linked'), union.getattr(find(union, 'linked')).nlink]).toEqual(['content', 1]);
  store.fault = undefined;
  union.write(find(union, 'linked'), 0, Buffer.from('CHANGED'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect([textAt(again, 'linked'), again.getattr(find(again, 'linked')).nlink]).toEqual(['CHANGED', 1]);
});
