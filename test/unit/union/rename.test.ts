import { expect, test } from 'vitest';
import { policies } from '../../../tools/union/index.js';
import { b, errnoOf, find, textAt } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

test('a lower directory is renamed by redirect, or refused before anything is copied (union 107, 109)', () => {
  const lower = lowerWith('d/', 'd/f', 'e/');
  const store = memory();
  const union = unionOf({ lowers: [lower], store });
  union.rename(union.root, b('d'), find(union, 'e'), b('moved'));
  union.unmount();
  const again = unionOf({ lowers: [lower], store });
  expect(textAt(again, 'e/moved/f')).toBe('content');
  expect(again.lookup(again.root, b('d'))).toBeUndefined();
  const other = memory();
  const openwrt = unionOf({ lowers: [lower], store: other, policy: policies.openwrt });
  expect(errnoOf(() => openwrt.rename(openwrt.root, b('d'), openwrt.root, b('x')))).toBe('EXDEV');
  expect(other.readdir(find(other, 'upper'))).toEqual([]);
});
