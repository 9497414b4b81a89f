import { expect, test } from 'vitest';
import { b, find } from '../../support/files.js';
import { lowerWith, memory, unionOf } from '../../support/unions.js';

test('which names the layer, the causes and what is hidden', () => {
  const union = unionOf({ lowers: [lowerWith('f', 'g'), lowerWith('f')], store: memory() });
  union.write(find(union, 'f'), 0, Buffer.from('x'));
  union.unlink(union.root, b('g'));
  const found = union.which(b('/f'));
  expect(found).toMatchObject({ layer: 'upper', causes: [{ kind: 'copied-up' }] });
  expect(found.shadowed.map((version) => version.layer)).toEqual(['lower1', 'lower2']);
  expect(union.which(b('/g'))).toMatchObject({
    layer: undefined,
    causes: [{ kind: 'whiteout', layer: 'upper' }],
  });
});
