/** An upper with marks that this version does not know is not written to. */
import { expect, test } from 'vitest';
import { fixedClock, FormatError } from '../../../tools/core/index.js';
import { NorChip, norGeometry } from '../../../tools/flash/index.js';
import { mountJffs2 } from '../../../tools/jffs2/index.js';
import type { Union, UnionPolicy } from '../../../tools/union/index.js';
import { mountUnion, policies } from '../../../tools/union/index.js';
import { MemoryFileSystem } from '../../../tools/vfs/index.js';
import type { FileSystem } from '../../../tools/vfs/index.js';
import { b, errnoOf, find, put, putDirectory, textAt } from '../../support/files.js';
import { lowerWith, memory, policyWith, unionOf, upperOn } from '../../support/unions.js';

/** An upper in which someone prepared something; its lower holds `f`, `g` and `d/f`. */
function upperWith<Store extends FileSystem>(store: Store, prepare: (store: Store) => void): Store {
  upperOn(store);
  prepare(store);
  return store;
}

function mountOver(
  store: FileSystem,
  policy: UnionPolicy = policies.overlayfs,
  readOnly = false,
): { union: Union; warnings: string[] } {
  const warnings: string[] = [];
  const warn = ({ message }: { message: string }) => warnings.push(message);
  const lower = { fs: lowerWith('f', 'g', 'd/', 'd/f'), name: 'lower' };
  return { union: mountUnion({ lowers: [lower], ...upperOn(store), policy, readOnly, warn }), warnings };
}

function refusal(store: FileSystem, policy?: UnionPolicy): FormatError {
  try {
    mountOver(store, policy);
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error('the mount succeeded');
}

const set = (store: FileSystem, path: string, name: string, value = 'y'): void => {
  store.setxattr(find(store, path), b(name), Buffer.from(value));
};
const unknown: Record<string, { place: string; prepare: (store: FileSystem) => void }> = {
  'a mark on a file': {
    place: '/d/x',
    prepare: (store) => {
      putDirectory(store, 'upper/d');
      put(store, 'upper/d/x');
      set(store, 'upper/d/x', 'trusted.overlay.protattr', 'i');
    },
  },
  'a mark on the root': {
    place: '/',
    prepare: (store) => set(store, 'upper', 'trusted.overlay.tomorrow'),
  },
  'an opaque mark of another kind': {
    place: '/d',
    prepare: (store) => {
      putDirectory(store, 'upper/d');
      set(store, 'upper/d', 'trusted.overlay.opaque', 'z');
    },
  },
  'a copy without content, where the feature is off': {
    place: '/f',
    prepare: (store) => {
      put(store, 'upper/f', '');
      store.setattr(find(store, 'upper/f'), { size: 7 });
      set(store, 'upper/f', 'trusted.overlay.metacopy', '');
    },
  },
  'a feature of a newer kernel': {
    place: 'work/incompat/tomorrow',
    prepare: (store) => {
      for (const path of ['work/work', 'work/work/incompat', 'work/work/incompat/tomorrow'])
        putDirectory(store, path);
    },
  },
  'a journal of a newer version': {
    place: 'work/#journal-1',
    prepare: (store) => {
      putDirectory(store, 'work/work');
      const text = b('firmwright journal 2\nmoves in other words');
      store.symlink(find(store, 'work/work'), b('#journal-1'), text, { mode: 0o777, uid: 0, gid: 0 });
    },
  },
  'an index entry of a newer version': {
    place: `index/01fb1d0001${'00'.repeat(24)}`,
    prepare: (store) => {
      putDirectory(store, 'work/index');
      put(store, `work/index/01fb1d0001${'00'.repeat(24)}`);
    },
  },
};

for (const [what, { place, prepare }] of Object.entries(unknown)) {
  test(`${what} refuses the mount with place, expected and found, and changes nothing (union 201)`, () => {
    const store = upperWith(memory(), prepare);
    const before = store.clone();
    const error = refusal(store);
    expect(error).toMatchObject({ code: 'FW_UNION_MARKS', data: { errno: 'EINVAL', place } });
    expect(error.data).toHaveProperty('expected');
    expect(error.message).toContain(String(error.data['found']));
    expect(error.hint).toBe('mount it read-only, or with what made it');
    expect(treeOf(store)).toEqual(treeOf(before));
  });

  test(`${what} is shown by a read-only union, which stays so (union 201)`, () => {
    const store = upperWith(memory(), prepare);
    const before = treeOf(store);
    const { union, warnings } = mountOver(store, policies.overlayfs, true);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(place);
    expect(textAt(union, 'g')).toBe('content');
    expect(errnoOf(() => union.remount(false))).toBe('EROFS');
    expect(errnoOf(() => union.unlink(union.root, b('g')))).toBe('EROFS');
    union.unmount();
    expect(treeOf(store)).toEqual(before);
  });
}

/** Every name with type and attributes. */
function treeOf(store: FileSystem, directory = store.root, path = ''): string[] {
  return store.readdir(directory).flatMap(({ name, ino, type }) => {
    const attributes = store
      .listxattr(ino)
      .map((attribute) => `${attribute}=${String(store.getxattr(ino, attribute))}`);
    const line = `${path}/${name} ${type} ${attributes.join(' ')}`;
    return [line, ...(type === 'directory' ? treeOf(store, ino, `${path}/${name}`) : [])];
  });
}

test('all that is known mounts: marks of Linux, of this engine, and what users have under the prefix (union 39, 201)', () => {
  const store = memory();
  const first = mountOver(store, policyWith({ metacopy: true })).union;
  first.setattr(find(first, 'f'), { mode: 0o600 });
  first.rename(first.root, b('d'), first.root, b('e'));
  first.setxattr(find(first, 'g'), b('trusted.overlay.tomorrow'), Buffer.from('of a user'));
  first.unmount();
  for (const name of ['uuid', 'upper', 'impure']) set(store, 'upper', `trusted.overlay.${name}`);
  const { union, warnings } = mountOver(store, policyWith({ metacopy: true }));
  expect(warnings).toEqual([]);
  expect(textAt(union, 'e/f')).toBe('content');
});

test('a mark elsewhere on the file system of the upper is not the concern of the union (union 201)', () => {
  const store = upperWith(memory(), (fs) => {
    put(fs, 'elsewhere');
    set(fs, 'elsewhere', 'trusted.overlay.tomorrow');
  });
  expect(mountOver(store).union.readOnly).toBe(false);
});

/** A file system that can only be asked object by object, as a folder of the host. */
class AskedOneByOne extends MemoryFileSystem {
  override xattrsInUse(): Generator<never> {
    throw new Error('not here');
  }
}
Object.defineProperty(AskedOneByOne.prototype, 'xattrsInUse', { value: undefined });

test('where objects are not known at the mount, the first unknown mark that is met ends all writing (union 201)', () => {
  const store = upperWith(new AskedOneByOne(), (fs) => {
    put(fs, 'upper/x', 'kept');
    set(fs, 'upper/x', 'trusted.overlay.tomorrow');
    put(fs, 'upper/meta', '');
    fs.setattr(find(fs, 'upper/meta'), { size: 7 });
    set(fs, 'upper/meta', 'trusted.overlay.metacopy', '');
  });
  const { union, warnings } = mountOver(store);
  union.setattr(find(union, 'f'), { mode: 0o600 });
  expect(union.lookup(union.root, b('x'))).toBeDefined();
  expect(warnings).toEqual([
    'upper: /x holds the mark trusted.overlay.tomorrow, expected ' +
      'trusted.overlay.{opaque redirect origin impure nlink upper uuid metacopy whiteout whiteouts}; ' +
      'the union is read-only from now on',
  ]);
  expect(errnoOf(() => union.write(find(union, 'x'), 0, Buffer.from('y')))).toBe('EROFS');
  expect(errnoOf(() => union.remount(false))).toBe('EROFS');
  expect(errnoOf(() => union.setattr(find(union, 'f'), { mode: 0o644 }))).toBe('EROFS');
  expect(textAt(union, 'x')).toBe('kept');
  // What has no content of its own is not shown as zeros.
  expect(errnoOf(() => textAt(union, 'meta'))).toBe('EIO');
});

test('an unknown mark of a directory ends all writing as one of a file does (union 201)', () => {
  const store = upperWith(new AskedOneByOne(), (fs) => {
    putDirectory(fs, 'upper/dir');
    put(fs, 'upper/dir/x', 'kept');
    set(fs, 'upper/dir', 'trusted.overlay.tomorrow');
  });
  const { union, warnings } = mountOver(store);
  expect(textAt(union, 'dir/x')).toBe('kept');
  expect(warnings[0]).toContain('upper: /dir holds the mark trusted.overlay.tomorrow');
  expect(errnoOf(() => union.setattr(find(union, 'f'), { mode: 0o600 }))).toBe('EROFS');
});

test('a change that meets an unknown mark before anybody has looked changes nothing (union 201)', () => {
  const store = upperWith(new AskedOneByOne(), (fs) => {
    put(fs, 'upper/x', 'kept');
    set(fs, 'upper/x', 'trusted.overlay.tomorrow');
  });
  const changes: ((union: Union) => void)[] = [
    (union) => union.unlink(union.root, b('x')),
    (union) => union.rename(union.root, b('x'), union.root, b('y')),
    (union) => union.rename(union.root, b('f'), union.root, b('x')),
  ];
  for (const change of changes) {
    const { union } = mountOver(store);
    expect(errnoOf(() => change(union))).toBe('EROFS');
    union.unmount();
    expect(textAt(store, 'upper/x')).toBe('kept');
  }
});

test('a private file of aufs that is not known ends all writing (union 201)', () => {
  const store = upperWith(memory(), (fs) => {
    for (const name of ['.wh..wh.plnk', '.wh..wh.orph', '.wh..wh.aufs']) put(fs, `upper/${name}`, '');
  });
  const known = mountOver(store, policies.aufs).union;
  known.readdir(known.root);
  expect(known.readOnly).toBe(false);
  known.unmount();
  put(store, 'upper/.wh..wh.tomorrow', '');
  const { union, warnings } = mountOver(store, policies.aufs);
  expect(union.readdir(union.root).map(({ name }) => name)).not.toContain('.wh..wh.tomorrow');
  expect(union.readOnly).toBe(true);
  expect(warnings).toHaveLength(1);
});

test('a mark on a chip is found without reading its files (union 12, 201)', () => {
  const chip = new NorChip({ geometry: norGeometry(16 * 65_536, 65_536) });
  const options = { endian: 'big', clock: fixedClock(1) } as const;
  upperWith(mountJffs2(chip, options), (fs) => {
    put(fs, 'upper/x');
    set(fs, 'upper/x', 'trusted.overlay.tomorrow');
  });
  expect(refusal(mountJffs2(chip, options)).data).toMatchObject({ place: '/x' });
  const again = mountJffs2(chip, options);
  again.removexattr(find(again, 'upper/x'), b('trusted.overlay.tomorrow'));
  const union = unionOf({ lowers: [lowerWith('f')], store: mountJffs2(chip, options) });
  expect(textAt(union, 'x')).toBe('content');
});
