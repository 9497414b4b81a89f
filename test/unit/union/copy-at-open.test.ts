import { expect, test } from 'vitest';
import { readMountWords } from '../../../tools/cli/mount/options.js';
import { FsError } from '../../../tools/vfs/index.js';
import { b, find, names, textAt } from '../../support/files.js';
import { lowerWith, memory, policyWith, strayIn, unionOf } from '../../support/unions.js';

function scene() {
  const lower = lowerWith('f');
  const store = memory();
  const copies = () => names(store, find(store, 'upper'));
  return { lower, store, copies };
}

const atOpen = policyWith({ copyUp: 'open' });

test('with copyUp=open a file comes to the upper when it is opened for writing, and not for reading (union 61)', () => {
  const { lower, store, copies } = scene();
  const union = unionOf({ lowers: [lower], store, policy: atOpen });
  const ino = find(union, 'f');
  union.open(ino, 'read');
  expect(copies()).toEqual([]);
  union.open(ino, 'write');
  expect(copies()).toEqual(['f']);
  expect(textAt(store, 'upper/f')).toBe('content');
});

test('with copyUp=write opening copies nothing (union 64)', () => {
  const { lower, store, copies } = scene();
  const union = unionOf({ lowers: [lower], store });
  union.open(find(union, 'f'), 'write');
  expect(copies()).toEqual([]);
});

test('with copyUp=open and metadata-only copies the content arrives at the opening', () => {
  const { lower, store } = scene();
  const union = unionOf({ lowers: [lower], store, policy: policyWith({ copyUp: 'open', metacopy: true }) });
  const ino = find(union, 'f');
  union.setattr(ino, { mode: 0o600 });
  union.open(ino, 'write');
  expect(store.listxattr(find(store, 'upper/f'))).not.toContain('trusted.overlay.metacopy');
  expect(textAt(store, 'upper/f')).toBe('content');
});

test('with copyUp=open a full upper is told by open, which then holds nothing (union 76)', () => {
  const { lower, store, copies } = scene();
  const union = unionOf({ lowers: [lower], store, policy: atOpen });
  const ino = find(union, 'f');
  store.fault = ({ call }) => (call === 'write' ? 'ENOSPC' : undefined);
  expect(() => {
    union.open(ino, 'write');
  }).toThrow(FsError);
  store.fault = undefined;
  expect(copies()).toEqual([]);
  expect(strayIn(store)).toEqual([]);
  union.unmount();
});

test('with copyUp=open a removed file that is still held gets its copy without a name (union 149)', () => {
  const { lower, store, copies } = scene();
  const union = unionOf({ lowers: [lower], store, policy: atOpen });
  const ino = find(union, 'f');
  union.open(ino, 'read');
  union.unlink(union.root, b('f'));
  union.open(ino, 'write');
  union.write(ino, 0, Buffer.from('C'));
  expect(Buffer.from(union.read(ino, 0, 100)).toString()).toBe('Content');
  union.release(ino);
  union.release(ino);
  expect(strayIn(store)).toEqual([]);
  expect(copies()).toEqual(['f']);
});

test('the mount option copyup chooses when files are copied', () => {
  const facts = { mode: 0o755, uid: 0, gid: 0 };
  expect(readMountWords(['copyup=open'], facts).policy.copyUp).toBe('open');
  expect(readMountWords([], facts).policy.copyUp).toBe('write');
  expect(() => readMountWords(['copyup=never'], facts)).toThrow('expected write | open');
});
