import { expect, test } from 'vitest';
import { FormatError, UsageError } from '../../../tools/core/index.js';
import { convertMarks, readMarks } from '../../../tools/union/index.js';
import type { LayerForm } from '../../../tools/union/index.js';
import { MemoryFileSystem, writeFile } from '../../../tools/vfs/index.js';
import { b, find, names, newFile, put, putDirectory } from '../../support/files.js';
import { lowerWith, memory, policyWith, unionOf, upperOn } from '../../support/unions.js';

const list = 'META_dAfFgHE39ktF3HD2sr';
const whiteout = { ...newFile, mode: 0, type: 'char', rdev: { major: 0, minor: 0 } } as const;

function convert(fs: MemoryFileSystem, from: LayerForm, to: LayerForm): string {
  try {
    convertMarks(fs, fs.root, { from, to });
  } catch (error) {
    if (error instanceof UsageError || error instanceof FormatError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'done';
}

test('an upper of mini_fo shows the right tree: names of its lists are gone, renamed directories keep their content', () => {
  const store = memory();
  const { root } = upperOn(store).upper;
  writeFile(store, b(`/upper/${list}`), Buffer.from('D gone\nR old/place moved\nD old\n'));
  writeFile(store, b('/upper/kept'), Buffer.from('upper'));
  const lower = lowerWith('gone', 'kept', 'old/');
  putDirectory(lower, 'old/place');
  put(lower, 'old/place/f');
  const policy = policyWith({ reads: ['mini_fo'] });
  const union = unionOf({ lowers: [lower], store, policy });
  expect(names(union)).toEqual(['kept', 'moved']);
  expect(names(union, find(union, 'moved'))).toEqual(['f']);
  expect(store.lookup(root, b(list))).toBeUndefined();
  union.unmount();
  expect(names(unionOf({ lowers: [lower], store, policy }))).toEqual(['kept', 'moved']);
});

test('an upper of unionfs-fuse shows the right tree, also where it hides names in directories it has not', () => {
  const store = memory();
  upperOn(store);
  for (const path of ['upper/.unionfs', 'upper/.unionfs/d']) putDirectory(store, path);
  for (const path of ['upper/.unionfs/f_HIDDEN~', 'upper/.unionfs/d/g_HIDDEN~']) put(store, path, '');
  const lower = lowerWith('f', 'd/', 'd/g', 'd/h');
  const union = unionOf({ lowers: [lower], store, policy: policyWith({ reads: ['unionfs-fuse'] }) });
  expect(names(union)).toEqual(['d']);
  expect(names(union, find(union, 'd'))).toEqual(['h']);
});

test('marks in lists are taken over again after a cut at any change (union 210)', () => {
  const lower = lowerWith('a', 'b', 'd/', 'd/c', 'e/');
  for (const form of ['mini_fo', 'unionfs-fuse'] as const) {
    const store = memory();
    const { root } = upperOn(store).upper;
    putDirectory(store, 'upper/d');
    for (const path of ['a', 'd/c']) {
      const cut = path.lastIndexOf('/');
      store.mknod(find(store, `upper/${path.slice(0, Math.max(0, cut))}`), b(path.slice(cut + 1)), whiteout);
    }
    convertMarks(store, root, { from: 'overlay', to: form });
    const policy = policyWith({ reads: [form] });
    const shown = (fs: MemoryFileSystem) => {
      const union = unionOf({ lowers: [lower], store: fs, policy });
      return [names(union), names(union, find(union, 'd'))];
    };
    const expected = [['b', 'd', 'e'], []];
    expect(shown(store.clone())).toEqual(expected);
    let cuts = 0;
    for (let finished = false; !finished; cuts += 1) {
      const copy = store.clone();
      let seen = 0;
      copy.fault = ({ changes }) => (changes && ++seen > cuts ? 'EIO' : undefined);
      try {
        shown(copy);
        finished = true;
      } catch {
        expect(shown(copy.clone())).toEqual(expected);
      }
    }
    expect(cuts).toBeGreaterThan(5);
  }
});

test('what a form has no words for is refused before anything changes (FW_UNION_FORM)', () => {
  const cases: readonly (readonly [LayerForm, RegExp, (fs: MemoryFileSystem) => void])[] = [
    [
      'mini_fo',
      /an opaque directory: \/d$/,
      (fs) => fs.setxattr(putDirectory(fs, 'd'), b('trusted.overlay.opaque'), Buffer.from('y')),
    ],
    ['mini_fo', /a name with blanks: \/a b$/, (fs) => fs.mknod(fs.root, b('a b'), whiteout)],
    [
      'aufs',
      /a redirect: \/d$/,
      (fs) => fs.setxattr(putDirectory(fs, 'd'), b('trusted.overlay.redirect'), Buffer.from('e')),
    ],
    ['aufs', /a whiteout of 243 bytes/, (fs) => fs.mknod(fs.root, b('x'.repeat(243)), whiteout)],
    ['aufs', /a name that it keeps for itself: \/\.wh\.x$/, (fs) => put(fs, '.wh.x')],
    [
      'aufs',
      /a copy without content: \/f$/,
      (fs) => fs.setxattr(put(fs, 'f'), b('trusted.overlay.metacopy'), Buffer.from('')),
    ],
    ['bsd', /marks on a file system of kind memory/, () => undefined],
  ];
  for (const [form, message, prepare] of cases) {
    const fs = memory();
    prepare(fs);
    const before = readMarks(fs, fs.root, 'overlay');
    const answer = convert(fs, 'overlay', form);
    expect(answer).toMatch(/^FW_UNION_FORM: /);
    expect(answer).toMatch(message);
    expect(readMarks(fs, fs.root, 'overlay')).toEqual(before);
  }
  const bare = new MemoryFileSystem({ xattrs: false });
  expect(convert(bare, 'aufs', 'overlay')).toMatch(/without attributes/);
});

test('a list of mini_fo that cannot be read names the line (FW_UNION_LIST)', () => {
  const fs = memory();
  writeFile(fs, b(`/${list}`), Buffer.from('D a\nD b c\n'));
  expect(convert(fs, 'mini_fo', 'overlay')).toMatch(/^FW_UNION_LIST: \/: line 2 .* is 'D b c'/);
});

test('attributes of users and of the union stay apart when the prefix changes (union 39)', () => {
  const fs = memory();
  const ino = put(fs, 'f');
  fs.setxattr(ino, b('user.overlay.mine'), Buffer.from('1'));
  fs.setxattr(ino, b('trusted.overlay.origin'), Buffer.from('2'));
  fs.setxattr(ino, b('trusted.overlay.overlay.x'), Buffer.from('3'));
  expect(convert(fs, 'overlay', 'overlay-user')).toBe('done');
  expect([...fs.listxattr(ino)].sort()).toEqual([
    'trusted.overlay.x',
    'user.overlay.origin',
    'user.overlay.overlay.mine',
  ]);
  expect(convert(fs, 'overlay-user', 'aufs')).toBe('done');
  expect([...fs.listxattr(ino)].sort()).toEqual(['trusted.overlay.x', 'user.overlay.mine']);
});

test('private files of aufs go with the marks that they are', () => {
  const fs = memory();
  putDirectory(fs, '.wh..wh.plnk');
  put(fs, '.wh..wh.plnk/1.2');
  put(fs, '.wh..wh.aufs', '');
  put(fs, '.wh.gone', '');
  putDirectory(fs, 'd');
  put(fs, 'd/.wh.__dir_opaque', '');
  const marks = convertMarks(fs, fs.root, { from: 'aufs', to: 'overlay' });
  expect(marks).toEqual({ whiteouts: ['/gone'], opaque: ['/d'], redirects: new Map() });
  expect(names(fs)).toEqual(['d', 'gone']);
});
