/** Uppers whose rename is two entries on the medium, and fails between them: the new name is taken, the old one kept. */
import { expect, test } from 'vitest';
import type { ByteString } from '../../../tools/core/index.js';
import { FsError } from '../../../tools/vfs/index.js';
import type { Ino, RenameFlags } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, names, put, textAt } from '../../support/files.js';
import { lowerWith, SingleNameFileSystem, strayIn, unionOf } from '../../support/unions.js';

/** Fails renames onto one name, before or after the new name is taken. */
class TornRenames extends SingleNameFileSystem {
  readonly atomicRename = false;
  failing: ByteString | undefined;
  taken = true;

  override rename(from: Ino, name: ByteString, to: Ino, newName: ByteString, flags?: RenameFlags): void {
    if (newName !== this.failing) {
      super.rename(from, name, to, newName, flags);
      return;
    }
    this.failing = undefined;
    const moved = this.lookup(from, name);
    if (this.taken && moved !== undefined) {
      if (this.lookup(to, newName) !== undefined) this.unlink(to, newName);
      this.link(moved, to, newName);
    }
    throw new FsError('EIO', 'rename', newName);
  }
}

const lower = lowerWith('f', 't', 'd/', 'd/f');

function scene() {
  const store = new TornRenames();
  const union = unionOf({ lowers: [lower], store });
  union.write(find(union, 't'), 0, Buffer.from('T'));
  union.setattr(find(union, 'f'), { mode: 0o600 });
  for (const name of ['p', 'q']) put(union, name, name);
  const fail = (name: string, to: string, failing: string, taken = true): string | undefined => {
    Object.assign(store, { failing, taken });
    return errnoOf(() => union.rename(union.root, b(name), union.root, b(to)));
  };
  const mountedAnew = () => unionOf({ lowers: [lower], store: store.clone() });
  return { store, union, fail, mountedAnew };
}

test('a file whose old name is a whiteout already keeps the new name, although the rename fails (union 204, 213)', () => {
  for (const to of ['new', 't']) {
    const { union, store, fail, mountedAnew } = scene();
    expect(fail('f', to, 'f')).toBe('EIO');
    for (const fs of [union, mountedAnew()]) {
      expect([textAt(fs, to), fs.lookup(fs.root, b('f'))]).toEqual(['content', undefined]);
    }
    expect(strayIn(store)).toEqual([]);
  }
});

test('a file whose old name could not become a whiteout gives the new name back, also one that was taken (union 76, 213)', () => {
  for (const [to, wanted] of [
    ['new', undefined],
    ['t', 'Tontent'],
  ] as const) {
    const { union, store, fail, mountedAnew } = scene();
    expect(fail('f', to, 'f', false)).toBe('EIO');
    for (const fs of [union, mountedAnew()]) {
      expect([textAt(fs, 'f'), names(fs).includes(b(to)) ? textAt(fs, to) : undefined]).toEqual([
        'content',
        wanted,
      ]);
    }
    expect(strayIn(store)).toEqual([]);
  }
});

test('a plain rename that keeps the old name gives a free new one back, and leaves one that was in use (union 204, 214)', () => {
  const free = scene();
  expect(free.fail('p', 'new', 'new')).toBe('EIO');
  for (const fs of [free.union, free.mountedAnew()]) expect(names(fs)).toEqual(['d', 'f', 'p', 'q', 't']);
  const taken = scene();
  expect(taken.fail('p', 'q', 'q')).toBe('EIO');
  for (const fs of [taken.union, taken.mountedAnew()]) {
    expect(names(fs)).toEqual(['d', 'f', 'p', 'q', 't']);
    expect([textAt(fs, 'p'), textAt(fs, 'q')]).toEqual(['p', 'p']);
  }
});
