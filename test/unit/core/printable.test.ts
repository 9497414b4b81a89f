import { expect, test } from 'vitest';
import {
  byteString,
  byteStringFromText,
  printable,
  printablePage,
  textOf,
} from '../../../tools/core/index.js';

test('a name from an image can neither break a line nor command a terminal', () => {
  const names = ['new\nline', '\x1b[31mred', 'tab\there', 'c1\u009b', 'evil\u202etxt', '\u2028', 'ünï'];
  const printed = [
    String.raw`new\nline`,
    String.raw`\x1b[31mred`,
    String.raw`tab\there`,
    String.raw`c1\x9b`,
    String.raw`evil\u202etxt`,
    String.raw`\u2028`,
    'ünï',
  ];
  expect(names.map(printable)).toEqual(printed);
  expect(names.map((name) => textOf(byteStringFromText(name)))).toEqual(printed);
  expect(textOf(byteString(Uint8Array.of(0x61, 0xff, 0x0a)))).toBe(String.raw`a\xff\x0a`);
});

test('a page keeps its lines, tabs and colours, and nothing else that commands a terminal', () => {
  const page = '\x1b[1mhead\x1b[22m\n\tcell\n';
  expect(printablePage(page)).toBe(page);
  expect(printablePage('\x1b]0;title\x07 \x1b[2J\r')).toBe(String.raw`\x1b]0;title\x07 \x1b[2J\r`);
});
