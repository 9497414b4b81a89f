/** Layers that nobody made with care: each is met with an answer, never with a crash, a hang, or damage to others. */
import { expect, test } from 'vitest';
import { FormatError } from '../../../tools/core/index.js';
import { convertMarks, policies } from '../../../tools/union/index.js';
import type { LayerForm } from '../../../tools/union/index.js';
import type { FileSystem, MemoryFileSystem } from '../../../tools/vfs/index.js';
import {
  b,
  errnoOf,
  find,
  names,
  newDirectoryAttributes,
  newFile,
  plain,
  put,
  putDirectory,
  textAt,
} from '../../support/files.js';
import { lowerWith, memory, policyWith, strayIn, unionOf, upperOn } from '../../support/unions.js';
import { viewOf } from '../../support/views.js';

const redirect = b('trusted.overlay.redirect');
const metacopy = b('trusted.overlay.metacopy');

test('redirects that refer to each other cost what their paths cost (union 109, 197)', () => {
  const depth = 20;
  const lowers = Array.from({ length: 8 }, () => {
    const lower = memory();
    for (let path = 'a', level = 0; level <= depth; level += 1, path += '/a') {
      lower.setxattr(putDirectory(lower, path), redirect, Buffer.from('/a'.repeat(depth)));
    }
    return lower;
  });
  let lookups = 0;
  for (const lower of lowers) {
    lower.fault = ({ call }) => {
      if (call === 'lookup') lookups += 1;
      return undefined;
    };
  }
  const union = unionOf({ lowers, store: memory() });
  expect(names(union, find(union, 'a/a'))).toEqual(['a']);
  expect(lookups).toBeLessThan(3000);
});

test('an invalid redirect is ignored with a warning, and its directory still moves and mounts again (union 109)', () => {
  for (const text of [
    '..',
    '/..',
    '/../x',
    '.',
    '',
    '/',
    '//',
    'a/b',
    '/a//b',
    '/a/',
    '\0',
    '/a'.repeat(9000),
  ]) {
    const [lower, store] = [lowerWith('a/', 'a/f', 'x'), memory()];
    upperOn(store);
    store.setxattr(putDirectory(store, 'upper/a'), redirect, Buffer.from(text));
    const warnings: string[] = [];
    const union = unionOf({ lowers: [lower], store, warn: ({ message }) => warnings.push(message) });
    expect(names(union, find(union, 'a')), text).toEqual(['f']);
    expect(warnings.join().length).toBeLessThan(200);
    expect(warnings).toHaveLength(1);
    union.rename(union.root, b('a'), union.root, b('z'));
    union.unmount();
    const again = unionOf({ lowers: [lower], store });
    expect([names(again), names(again, find(again, 'z'))]).toEqual([['x', 'z'], ['f']]);
  }
});

test('directories as deep as no stack is are copied up, renamed and emptied (union 65)', () => {
  const depth = 6000;
  const [lower, store] = [memory(), memory()];
  let deepest = lower.root;
  for (let level = 0; level < depth; level += 1)
    deepest = lower.mkdir(deepest, b('d'), newDirectoryAttributes);
  lower.mknod(deepest, b('f'), newFile);
  const union = unionOf({ lowers: [lower], store });
  let at = union.root;
  for (let level = 0; level < depth; level += 1) at = union.lookup(at, b('d')) ?? 0;
  union.rename(at, b('f'), at, b('g'));
  expect(names(union, at)).toEqual(['g']);
  expect(union.which(b('/d/d')).layer).toBe('upper');
});

const inWork: Record<string, (store: MemoryFileSystem) => void> = {
  'a file in place of the directory to prepare in': (store) => put(store, 'work/work'),
  'a symlink in place of it': (store) =>
    store.symlink(find(store, 'work'), b('work'), b('../upper'), { ...plain, mode: 0o777 }),
  'a symlink in place of the index': (store) =>
    store.symlink(find(store, 'work'), b('index'), b('/upper'), { ...plain, mode: 0o777 }),
  'a device of users as the shared whiteout': (store) => {
    const rdev = { major: 5, minor: 1 };
    store.mknod(putDirectory(store, 'work/work'), b('#whiteout'), { ...newFile, type: 'char', rdev });
  },
  'a full directory as the shared whiteout': (store) => {
    for (const path of ['work/work', 'work/work/#whiteout']) putDirectory(store, path);
    put(store, 'work/work/#whiteout/x');
  },
  'a full directory in the index': (store) => {
    for (const path of ['work/index', 'work/index/#5']) putDirectory(store, path);
    put(store, 'work/index/#5/x');
  },
  'a file for the features': (store) => {
    putDirectory(store, 'work/work');
    put(store, 'work/work/incompat');
  },
};

for (const [what, prepare] of Object.entries(inWork)) {
  test(`${what} is replaced at the mount, and the union works (union 7, 46, 86)`, () => {
    const [lower, store] = [lowerWith('f', 'g', 'd/', 'd/f'), memory()];
    upperOn(store);
    prepare(store);
    const union = unionOf({ lowers: [lower], store });
    union.unlink(union.root, b('g'));
    union.unlink(find(union, 'd'), b('f'));
    put(union, 'new');
    union.unmount();
    const again = unionOf({ lowers: [lower], store });
    expect([names(again), names(again, find(again, 'd')), names(store)]).toEqual([
      ['d', 'f', 'new'],
      [],
      ['upper', 'work'],
    ]);
  });
}

test('a journal moves nothing that lies outside the upper, nor to names that no directory holds (union 197, 215)', () => {
  const store = memory();
  const { upper } = upperOn(store);
  const work = putDirectory(store, 'work/work');
  const [secret, own] = [put(store, 'secret'), put(store, 'upper/x')];
  const hex = (name: string): string => Buffer.from(name).toString('hex');
  const moves = [
    [secret, store.root, hex('secret'), upper.root, hex('secret')],
    [own, upper.root, hex('x'), store.root, hex('x')],
    [own, upper.root, hex('x'), upper.root, hex('../y')],
    [own, upper.root, hex('x'), own, hex('y')],
    ['9'.repeat(30), upper.root, '00', 7, '00'],
  ];
  const text = ['firmwright journal 1', ...moves.map((move) => move.join(' '))].join('\n');
  store.symlink(work, b('#journal-1'), b(text), { ...plain, mode: 0o777 });
  const union = unionOf({ lowers: [lowerWith('f')], store });
  expect([names(union), names(store), strayIn(store)]).toEqual([['f', 'x'], ['secret', 'upper', 'work'], []]);
});

test('an index entry of another type than its lower is not followed, and goes at a writable mount (union 83, 86)', () => {
  for (const readOnly of [false, true]) {
    const [lower, store] = [lowerWith('f'), memory()];
    lower.link(find(lower, 'f'), lower.root, b('h'));
    const union = unionOf({ lowers: [lower], store });
    union.write(find(union, 'f'), 0, Buffer.from('X'));
    union.unmount();
    const index = find(store, 'work/index');
    const [entry = b('')] = names(store, index);
    store.unlink(index, entry);
    put(store, `work/index/${putDirectory(store, `work/index/${entry}`) ? entry : ''}/x`);
    store.readOnly = readOnly;
    const again = unionOf({ lowers: [lower], store });
    expect([textAt(again, 'f'), textAt(again, 'h').slice(1)]).toEqual(['Xontent', 'ontent']);
    expect(names(store, index)).toEqual(readOnly ? [entry] : []);
  }
});

test('a copy without content in a lower is EIO where the feature is off, never zeros, and can be truncated (union 88)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  lower.setxattr(find(lower, 'f'), metacopy, new Uint8Array());
  const union = unionOf({ lowers: [lower], store });
  const ino = find(union, 'f');
  const calls = [
    () => union.read(ino, 0, 9),
    () => union.write(ino, 0, Buffer.from('x')),
    () => union.setattr(ino, { mode: 0o600 }),
  ];
  expect(calls.map((call) => errnoOf(call))).toEqual(['EIO', 'EIO', 'EIO']);
  expect([names(store, find(store, 'upper')), strayIn(store)]).toEqual([[], []]);
  union.setattr(ino, { size: 0 });
  expect(textAt(union, 'f')).toBe('');
});

test('a copy without content shows its content under every name, whichever is looked up first after a mount (union 83, 88)', () => {
  const [lower, store] = [lowerWith('f'), memory()];
  lower.link(find(lower, 'f'), lower.root, b('h'));
  const policy = policyWith({ metacopy: true });
  const union = unionOf({ lowers: [lower], store, policy });
  union.setattr(find(union, 'h'), { mode: 0o600 });
  union.unmount();
  for (const first of ['f', 'h']) {
    const again = unionOf({ lowers: [lower], store, policy });
    expect([textAt(again, first), textAt(again, 'f'), textAt(again, 'h')]).toEqual([
      'content',
      'content',
      'content',
    ]);
    again.unmount();
  }
});

const records: readonly (readonly [LayerForm, string, (fs: FileSystem, name: string) => void])[] = [
  ['aufs', '.wh.', (fs, name) => put(fs, `.wh.${name}`, '')],
  [
    'unionfs-fuse',
    '_HIDDEN~',
    (fs, name) => {
      putDirectory(fs, '.unionfs');
      put(fs, `.unionfs/${name}_HIDDEN~`, '');
    },
  ],
];

for (const [form, mark, prepare] of records) {
  test(`records (${mark}) of names that no directory can hold hide nothing and go (union 37)`, () => {
    for (const name of ['.', '..', ...(form === 'aufs' ? [''] : [])]) {
      const fs = memory();
      prepare(fs, name);
      expect(convertMarks(fs, fs.root, { from: form, to: 'overlay' }).whiteouts).toEqual([]);
      expect(names(fs)).toEqual([]);
    }
  });
}

test('a list of mini_fo with names that no directory can hold is refused by its line (FW_UNION_LIST)', () => {
  for (const line of ['D .', 'D ..', 'D a/b', 'R ../../etc x', 'R old ..', 'R old a/b', 'R  x', 'R a//b x']) {
    const fs = memory();
    put(fs, 'META_dAfFgHE39ktF3HD2sr', `D fine\n${line}\n`);
    const convert = () => convertMarks(fs, fs.root, { from: 'mini_fo', to: 'overlay' });
    expect(convert, line).toThrow(FormatError);
    expect(convert, line).toThrow(`line 2 of META_dAfFgHE39ktF3HD2sr is '${line}'`);
  }
});

test('two directories of a foreign upper that redirect to one lower directory stay apart in what is written (union 124)', () => {
  const [lower, store] = [lowerWith('a/', 'a/f', 'a/s/', 'a/s/g'), memory()];
  upperOn(store);
  for (const name of ['x', 'y']) {
    store.setxattr(putDirectory(store, `upper/${name}`), redirect, Buffer.from('/a'));
  }
  const union = unionOf({ lowers: [lower], store });
  for (const name of ['x', 'y', 'a']) {
    for (const path of ['f', 's/g']) union.write(find(union, `${name}/${path}`), 0, Buffer.from(name));
  }
  const view = viewOf(union);
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(viewOf(again)).toBe(view);
  expect(['x/f', 'y/s/g', 'a/f'].map((path) => textAt(again, path))).toEqual([
    'xontent',
    'yontent',
    'aontent',
  ]);
});

test('names with a zero byte and private names of the aufs form are refused, and odd records beside them hide nothing', () => {
  const store = memory();
  upperOn(store);
  for (const name of ['.wh.', '.wh..', '.wh...']) put(store, `upper/${name}`, '');
  const union = unionOf({ lowers: [lowerWith('f')], store, policy: policies.aufs });
  expect(errnoOf(() => put(union, 'a\0b'))).toBe('EINVAL');
  expect(errnoOf(() => put(union, '.wh.x'))).toBe('EPERM');
  expect(names(union)).toEqual(['f']);
});
