/**
 * Layers in all forms of marks: a random layer, written in one form, converted to another and back, keeps its marks;
 * and a union over it shows the same tree whatever the form.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { convertMarks, mountUnion, policies, readMarks } from '../../tools/union/index.js';
import type { LayerForm, UnionPolicy } from '../../tools/union/index.js';
import { MemoryFileSystem } from '../../tools/vfs/index.js';
import type { Ino } from '../../tools/vfs/index.js';
import { b, newDirectoryAttributes, newFile } from '../support/files.js';

import { memory, policyWith } from '../support/unions.js';
import { viewOf } from '../support/views.js';

/** What a name of the layer is. */
type Shape =
  | { readonly kind: 'whiteout' }
  | { readonly kind: 'file' }
  | {
      readonly kind: 'directory';
      readonly opaque: boolean;
      readonly redirect: string | undefined;
      readonly entries: ReadonlyMap<string, Shape>;
    };

const names = ['a', 'b', 'c', 'd'];
const places = ['/a', '/b/c', '/c/a/b', '/d/none'];

/** Features a form lacks are left out of its layers. */
interface Words {
  readonly opaque: boolean;
  readonly redirects: boolean;
}

function entries(words: Words, depth: number): fc.Arbitrary<ReadonlyMap<string, Shape>> {
  const leaf = fc.constantFrom<Shape>({ kind: 'whiteout' }, { kind: 'file' });
  const directory = (): fc.Arbitrary<Shape> =>
    fc.record({
      kind: fc.constant('directory' as const),
      opaque: words.opaque ? fc.boolean() : fc.constant(false),
      redirect: words.redirects
        ? fc.option(fc.constantFrom(...places), { nil: undefined })
        : fc.constant(undefined),
      entries: entries(words, depth - 1),
    });
  const shape = depth === 0 ? leaf : fc.oneof(leaf, directory());
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...names), shape), { selector: ([name]) => name, maxLength: 4 })
    .map((pairs) => new Map(pairs));
}

function fill(fs: MemoryFileSystem, ino: Ino, layer: ReadonlyMap<string, Shape>): void {
  for (const [name, shape] of layer) {
    if (shape.kind === 'file') fs.write(fs.mknod(ino, b(name), newFile), 0, Buffer.from(`upper ${name}`));
    else if (shape.kind === 'whiteout') {
      fs.mknod(ino, b(name), { ...newFile, mode: 0, type: 'char', rdev: { major: 0, minor: 0 } });
    } else {
      const made = fs.mkdir(ino, b(name), newDirectoryAttributes);
      if (shape.opaque) fs.setxattr(made, b('trusted.overlay.opaque'), bytesOf(b('y')));
      else if (shape.redirect !== undefined)
        fs.setxattr(made, b('trusted.overlay.redirect'), bytesOf(b(shape.redirect)));
      fill(fs, made, shape.entries);
    }
  }
}

/** A lower with every name, three levels deep. */
function fullLower(): MemoryFileSystem {
  const fs = memory();
  const grow = (ino: Ino, path: string, depth: number): void => {
    for (const name of names) {
      const here = `${path}/${name}`;
      if (depth === 0 || name === 'd') fs.write(fs.mknod(ino, b(name), newFile), 0, Buffer.from(here));
      else grow(fs.mkdir(ino, b(name), newDirectoryAttributes), here, depth - 1);
    }
  };
  grow(fs.root, '', 3);
  return fs;
}

const lower = fullLower();

interface Layer {
  readonly fs: MemoryFileSystem;
  readonly root: Ino;
}

function layerOf(content: ReadonlyMap<string, Shape>): Layer {
  const fs = new MemoryFileSystem({ whiteouts: true });
  const root = fs.mkdir(fs.root, b('upper'), newDirectoryAttributes);
  fs.mkdir(fs.root, b('work'), newDirectoryAttributes);
  fill(fs, root, content);
  return { fs, root };
}

/** What a union shows over a copy of the layer. */
function shown({ fs, root }: Layer, policy: UnionPolicy): string {
  const store = fs.clone();
  const work = store.lookup(store.root, 'work' as ByteString);
  if (work === undefined) throw new Error('the layer has no work directory');
  return viewOf(mountUnion({ lowers: [{ fs: lower }], upper: { fs: store, root }, work, policy }));
}

const plain = policyWith({ index: false });
const readers: Record<LayerForm, UnionPolicy> = {
  overlay: plain,
  'overlay-x': plain,
  'overlay-user': policyWith({ index: false, prefix: 'user.overlay.' }),
  'overlay-v7': policyWith({ index: false, reads: ['overlay-v7'] }),
  aufs: policies.aufs,
  'fuse-overlayfs': policyWith({ index: false, reads: ['fuse-overlayfs'] }),
  bsd: policyWith({ index: false, reads: ['bsd'] }),
  'unionfs-fuse': policyWith({ index: false, reads: ['unionfs-fuse'] }),
  mini_fo: policyWith({ index: false, reads: ['mini_fo'] }),
};
const words: Record<LayerForm, Words> = {
  overlay: { opaque: true, redirects: true },
  'overlay-x': { opaque: true, redirects: true },
  'overlay-user': { opaque: true, redirects: true },
  'overlay-v7': { opaque: true, redirects: true },
  aufs: { opaque: true, redirects: false },
  'fuse-overlayfs': { opaque: true, redirects: false },
  bsd: { opaque: true, redirects: false },
  'unionfs-fuse': { opaque: false, redirects: false },
  mini_fo: { opaque: false, redirects: true },
};
const forms = Object.keys(words) as LayerForm[];

/** Runs a law over random layers; a failure names the replay line. */
function forLayers(seen: Words, law: (layer: Layer) => void): void {
  const replay = process.env['FW_REPLAY'];
  const seed = replay === undefined ? 20 : Number(replay.split(':')[0]);
  const property = fc.property(entries(seen, 3), (content) => {
    law(layerOf(content));
  });
  const path = replay?.split(':').slice(1).join(':');
  const details = fc.check(property, { seed, numRuns: 60, ...(path ? { path } : {}) });
  if (details.failed) {
    const id = `${details.seed}:${details.counterexamplePath ?? ''}`;
    throw new Error(
      `FW_REPLAY=${id} npx vitest run test/property/union-forms.test.ts\n${fc.stringify(details.counterexample)}`,
      { cause: details.errorInstance },
    );
  }
}

for (const form of forms) {
  test(`a layer goes to form ${form} and back with all its marks, and a union shows the same over it (union 37)`, () => {
    forLayers(words[form], (layer) => {
      const marks = readMarks(layer.fs, layer.root, 'overlay');
      const before = shown(layer, plain);
      expect(convertMarks(layer.fs, layer.root, { from: 'overlay', to: form })).toEqual(marks);
      expect(readMarks(layer.fs, layer.root, form)).toEqual(marks);
      expect(shown(layer, readers[form])).toBe(before);
      convertMarks(layer.fs, layer.root, { from: form, to: 'overlay' });
      expect(readMarks(layer.fs, layer.root, 'overlay')).toEqual(marks);
      expect(shown(layer, plain)).toBe(before);
    });
  });
}

test('any form goes to any other that has words for it, and back', () => {
  for (const from of forms) {
    for (const to of forms) {
      const both = {
        opaque: words[from].opaque && words[to].opaque,
        redirects: words[from].redirects && words[to].redirects,
      };
      fc.assert(
        fc.property(entries(both, 2), (content) => {
          const { fs, root } = layerOf(content);
          const marks = convertMarks(fs, root, { from: 'overlay', to: from });
          convertMarks(fs, root, { from, to });
          expect(readMarks(fs, root, to)).toEqual(marks);
          convertMarks(fs, root, { from: to, to: from });
          expect(readMarks(fs, root, from)).toEqual(marks);
        }),
        { numRuns: 5, seed: 7 },
      );
    }
  }
});
