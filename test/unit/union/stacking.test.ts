/** Unions over and under other file systems that pass calls on. */
import { expect, test } from 'vitest';
import type { Union } from '../../../tools/union/index.js';
import { policies } from '../../../tools/union/index.js';
import { MemoryFileSystem } from '../../../tools/vfs/index.js';
import type { FileSystem } from '../../../tools/vfs/index.js';
import {
  b,
  errnoOf,
  find,
  names,
  newDirectoryAttributes,
  putDirectory,
  textAt,
} from '../../support/files.js';
import { lowerWith, memory, strayIn, unionOf } from '../../support/unions.js';
import { viewOf } from '../../support/views.js';

/** Passes every call on, as a bind mount or nullfs does. */
function passing<Below extends FileSystem>(below: Below): Below {
  return new Proxy(below, {
    get: (target, key): unknown => {
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Changes of every kind. */
function work(union: Union): void {
  union.write(find(union, 'd/f'), 0, Buffer.from('NEW'));
  union.unlink(find(union, 'd'), b('g'));
  union.rename(union.root, b('d'), union.root, b('e'));
  union.mkdir(union.root, b('d'), newDirectoryAttributes);
  union.rmdir(union.root, b('gone'));
  union.link(find(union, 'h'), find(union, 'd'), b('linked'));
  union.rename(union.root, b('h'), find(union, 'e'), b('h'));
}

const paths = ['d/', 'd/f', 'd/g', 'd/sub/', 'd/sub/x', 'gone/', 'h'] as const;

test('a union over pass-through layers shows and does what it does over the layers themselves (union 16)', () => {
  const plain = unionOf({ lowers: [lowerWith(...paths)], store: memory() });
  const store = memory();
  const lower = lowerWith(...paths);
  const through = unionOf({ lowers: [passing(lower)], store: passing(store) });
  for (const union of [plain, through]) work(union);
  expect(viewOf(through)).toBe(viewOf(plain));
  through.unmount();
  const again = unionOf({ lowers: [passing(lower)], store });
  expect(viewOf(again)).toBe(viewOf(plain));
  again.unmount();
});

test('a union beneath a pass-through layer works as a lower, and a folder of it as a layer of its own (union 16, 192)', () => {
  const inner = unionOf({ lowers: [lowerWith(...paths)], store: memory() });
  const before = viewOf(inner);
  const outer = unionOf({ lowers: [passing(inner)], store: memory() });
  expect(viewOf(outer)).toBe(before);
  work(outer);
  expect(viewOf(inner)).toBe(before);
  const part = unionOf({ lowers: [{ fs: passing(inner), root: find(inner, 'd') }], store: memory() });
  expect(names(part)).toEqual(['f', 'g', 'sub']);
});

test('a writable union is the upper of another, which writes whiteouts that are no devices (union 37, 196)', () => {
  const [innerLower, innerStore] = [memory(), memory()];
  for (const name of ['upper', 'work']) putDirectory(innerLower, name);
  const lower = lowerWith(...paths);
  const mount = () => {
    const inner = unionOf({ lowers: [innerLower], store: innerStore });
    return { inner, outer: unionOf({ lowers: [lower], store: inner }) };
  };
  const { inner, outer } = mount();
  const plain = unionOf({ lowers: [lowerWith(...paths)], store: memory() });
  for (const union of [outer, plain]) work(union);
  expect(viewOf(outer)).toBe(viewOf(plain));
  const gone = inner.getattr(find(inner, 'upper/gone'));
  expect([gone.type, gone.size]).toEqual(['file', 0]);
  // In the store below, the marks of the outer union are a user's and escaped.
  expect(innerStore.listxattr(find(innerStore, 'upper/upper/gone'))).toContain(
    'trusted.overlay.overlay.whiteout',
  );
  expect(strayIn(inner)).toEqual([]);
  outer.unmount();
  inner.unmount();
  expect(viewOf(mount().outer)).toBe(viewOf(plain));
});

test('a union that is read-only makes the one above it read-only (union 176, 196)', () => {
  const innerLower = memory();
  for (const path of ['upper', 'upper/own', 'work']) putDirectory(innerLower, path);
  const inner = unionOf({ lowers: [innerLower] });
  const outer = unionOf({ lowers: [lowerWith('f')], store: inner });
  expect(names(outer)).toEqual(['f', 'own']);
  expect(errnoOf(() => outer.unlink(outer.root, b('f')))).toBe('EROFS');
  expect(errnoOf(() => outer.remount(false))).toBe('EROFS');
});

test('a union that keeps neither attributes nor names of the aufs form cannot be an upper (union 35, 196)', () => {
  const store = new MemoryFileSystem({ xattrs: false });
  const inner = unionOf({ lowers: [memory()], store, policy: policies.aufs });
  expect(errnoOf(() => unionOf({ lowers: [lowerWith('f')], store: inner }))).toBe('EOPNOTSUPP');
});

test('content arrives through all layers (union 192)', () => {
  const inner = unionOf({ lowers: [lowerWith('f')], store: memory() });
  expect(textAt(unionOf({ lowers: [passing(passing(inner))] }), 'f')).toBe('content');
});
