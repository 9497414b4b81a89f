import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkBoardProfile, loadBoardProfile } from '../../../tools/boards/index.js';

const good = readFileSync(
  new URL('../../../board-profiles/tplink_tl-wr841-v11.yaml', import.meta.url),
  'utf8',
);
const faults = (text: string): [string, string, number, number][] =>
  checkBoardProfile(text, 'b.yaml').diagnostics.map(({ severity, code, line, column }) => [
    severity,
    code,
    line,
    column,
  ]);
const lineOf = (text: string, part: string): number => text.slice(0, text.indexOf(part)).split('\n').length;

test('a good profile has sizes in bytes, absolute offsets and recipes read', () => {
  const profile = loadBoardProfile(good, 'b.yaml');
  expect(profile.flash).toMatchObject({
    kind: 'nor',
    size: 0x400000,
    eraseSize: 4096,
    writeSize: 1,
    oobSize: 0,
  });
  expect(profile.partitions.find(({ label }) => label === 'firmware')).toMatchObject({
    offset: 0x20000,
    size: 0x3d0000,
  });
  expect(profile.artefacts.map(({ name }) => name)).toEqual([
    'sysupgrade.bin',
    'factory.bin',
    'factory-us.bin',
    'factory-eu.bin',
  ]);
  expect(profile.kernelRecipe.map(({ name }) => name)).toEqual(['kernel-bin', 'append-dtb', 'lzma']);
  expect(profile.boardName).toBe('tplink,tl-wr841-v11');
});

test('every fault of a file is reported at once, each at its line and column', () => {
  const text = good
    .replace('endianness: big', 'endianness: middle')
    .replace('erase_size: 4 KiB', 'erase_size: four')
    .replace('jffs2:', 'jfs2:');
  expect(faults(text)).toEqual([
    ['error', 'FW_PROFILE_VALUE', lineOf(text, 'middle'), 13],
    ['error', 'FW_PROFILE_VALUE', lineOf(text, 'four'), 15],
    ['error', 'FW_PROFILE_KEY', lineOf(text, 'jfs2'), 1],
  ]);
  expect(() => loadBoardProfile(text, 'b.yaml')).toThrow(/b\.yaml: 3 errors/);
  expect(() => loadBoardProfile(text, 'b.yaml')).toThrow(
    expect.objectContaining({ code: 'FW_PROFILE_INVALID', exitCode: 3 }),
  );
});

test('a wrong word hides no fault that reaches across fields', () => {
  const text = good
    .replace('endianness: big', 'endianness: middle')
    .replace('label: u-boot,', 'labl: u-boot,')
    .replace('offset: 0x3f0000, size: 0x10000', 'offset: 0x3f0001, size: 0x11000')
    .replace('factory -C US', 'factory -C US | pad-too 4k');
  expect(
    checkBoardProfile(text, 'b.yaml').diagnostics.map(({ line, message }) => `${line} ${message}`),
  ).toEqual([
    `${lineOf(text, 'middle')} endianness: expected big or little, found middle`,
    expect.stringContaining('partitions[0].label is missing: expected text'),
    expect.stringContaining('unknown key labl in partitions[0]'),
    // The first partition could not be read; the place of the third is still its own.
    `${lineOf(text, '0x3f0001')} art ends at 0x401001, beyond the chip of 0x400000`,
    `${lineOf(text, 'pad-too')} unknown step pad-too`,
  ]);
});

test('broken YAML is reported where it breaks', () => {
  expect(faults('id: [a\nname: b')[0]?.slice(0, 2)).toEqual(['error', 'FW_PROFILE_YAML']);
  expect(faults('id: a_b\nid: a_c\n')).toContainEqual(['error', 'FW_PROFILE_YAML', 2, 1]);
  expect(faults('')[0]).toEqual(['error', 'FW_PROFILE_VALUE', 1, 1]);
});

test('aliases of aliases that unfold into millions of values are refused', () => {
  const ten = (word: string): string => `[${Array.from({ length: 10 }, () => word).join(', ')}]`;
  const bomb = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} ${ten(`*a${i}`)}\n`).join('');
  expect(faults(`a0: &a0 ${ten('x')}\n${bomb}`)).toEqual([['error', 'FW_PROFILE_YAML', 1, 1]]);
});

test.each(['0', '3 KiB', '32 MiB'])(
  'a block size of %s is refused: no end marker can stand on it',
  (size) => {
    const text = good.replace(/^block_size: .*$/m, `block_size: ${size}`);
    expect(faults(text)).toEqual([['error', 'FW_PROFILE_VALUE', lineOf(text, '\nblock_size: ') + 1, 13]]);
  },
);

test('a NOR chip larger than any is refused before anything is made for it', () => {
  const text = good.replace('size: 4 MiB', 'size: 4096 MiB');
  expect(faults(text)[0]).toEqual(['error', 'FW_PROFILE_FLASH', lineOf(text, '4096'), 9]);
});

test('a missing key is reported at the mapping it is missing from', () => {
  const text = good.replace('  size: 4 MiB\n', '');
  expect(faults(text)).toEqual([['error', 'FW_PROFILE_VALUE', lineOf(text, 'kind: nor'), 3]]);
});

test.each<[string, string, string, string]>([
  ['overlap', 'offset: 0x20000, size: 0x3d0000', 'offset: 0x10000, size: 0x3d0000', 'FW_PROFILE_OVERLAP'],
  [
    'beyond the chip',
    'offset: 0x3f0000, size: 0x10000',
    'offset: 0x3f0000, size: 0x11000',
    'FW_PROFILE_OUTSIDE',
  ],
  ['misaligned', 'size: 0x3d0000', 'size: 0x3cff00', 'FW_PROFILE_ALIGNMENT'],
  ['duplicate label', 'label: art', 'label: u-boot', 'FW_PROFILE_DUPLICATE'],
  ['empty partition', 'size: 0x10000,', 'size: 0,', 'FW_PROFILE_PARTITION'],
  ['unknown parent', 'label: art,', 'label: art, parent: nowhere,', 'FW_PROFILE_PARTITION'],
  ['no firmware', 'label: firmware', 'label: linux', 'FW_PROFILE_PARTITION'],
  ['size beyond the partition', 'image_size: 3904 KiB', 'image_size: 3905 KiB', 'FW_PROFILE_SIZE'],
  ['erase size', 'erase_size: 4 KiB', 'erase_size: 5000', 'FW_PROFILE_FLASH'],
  ['chip size', 'size: 4 MiB', 'size: 4194305', 'FW_PROFILE_FLASH'],
  ['nested without parser', ", parser: 'tplink,firmware'", '', 'FW_PROFILE_SPLIT'],
  ['by name with parser', 'mode: nested', 'mode: by-name', 'FW_PROFILE_SPLIT'],
  ['unknown step', 'factory -C US', 'factory -C US | pad-too 4k', 'FW_PROFILE_STEP'],
  ['step argument', 'factory -C US', 'factory -C usa', 'FW_PROFILE_STEP_PARAMETERS'],
])('lint finds: %s', (_name, from, to, code) => {
  expect(good).toContain(from);
  const text = good.replace(from, to);
  expect(faults(text).map(([, found]) => found)).toContain(code);
  expect(checkBoardProfile(text, 'b.yaml').profile).toBeUndefined();
});

test('an unknown step is pointed at inside the recipe', () => {
  const text = good.replace('sysupgrade | append-metadata', 'sysupgrade | append-metadat');
  const line = lineOf(text, 'append-metadat');
  const column = (text.split('\n')[line - 1]?.indexOf('append-metadat') ?? 0) + 1;
  const [diagnostic] = checkBoardProfile(text, 'b.yaml').diagnostics;
  expect(diagnostic).toMatchObject({ line, column, notes: ['did you mean append-metadata?'] });
});

test('an overlap that a note explains is accepted', () => {
  const text = good.replace('offset: 0x20000, size: 0x3d0000', 'offset: 0x1f000, size: 0x3d0000');
  expect(faults(text).map(([, code]) => code)).toEqual(['FW_PROFILE_OVERLAP']);
  expect(faults(text.replace('label: u-boot,', 'label: u-boot, note: as in the device tree,')).length).toBe(
    0,
  );
});

test('what stands in firmware is the upgrade image without metadata, unless a recipe says otherwise', () => {
  const names = (text: string): string[] =>
    loadBoardProfile(text, 'b').firmwareRecipe.map(({ name }) => name);
  expect(names(good)).toEqual(['tplink-v1-image']);
  expect(names(`${good}firmware: append-kernel | append-rootfs\n`)).toEqual([
    'append-kernel',
    'append-rootfs',
  ]);
});
