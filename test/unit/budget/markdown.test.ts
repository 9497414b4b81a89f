import { expect, test } from 'vitest';
import { markdownCode } from '../../../tools/budget/index.js';

test('a name from an image stays one cell of a Markdown table', () => {
  expect(markdownCode('/a|b`<c>\n')).toBe('<code>/a&#124;b&#96;&#60;c&#62;&#92;n</code>');
});
