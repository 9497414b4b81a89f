import { expect, test } from 'vitest';
import { parseRecipe, runRecipe } from '../../../tools/firmware/index.js';
import { readTplinkV1, tplinkV1Table } from '../../../tools/firmware/tplink-v1.js';
import { readTplinkV2, tplinkV2Table } from '../../../tools/firmware/tplink-v2.js';
import { kernelInput, hex, sha256, stepContext, thrownBy } from './vectors.js';

const v1 = {
  headers: {
    tplink: {
      header_version: 1 as const,
      hardware_id: 0xc7000002,
      hardware_revision: 1,
      flash_layout: '16Mlzma',
    },
  },
};
const v2 = {
  headers: {
    tplink: {
      header_version: 3 as const,
      hardware_id: 0xc2000001,
      hardware_revision: 0x44,
      hardware_revision_add: 1,
      flash_layout: '8Mmtk',
      version: 'ver. 2.0',
    },
  },
};
const run = (recipe: string, board: typeof v1 | typeof v2, file?: Uint8Array): Uint8Array =>
  runRecipe(parseRecipe(recipe).steps, stepContext({}, board), file);

test('a v1 sysupgrade image has the bytes of mktplinkfw', () => {
  const image = run('tplink-v1-image sysupgrade', v1);
  expect(image.length).toBe(65540);
  expect(tplinkV1Table.read(image).rootfsOffset).toBe(0x1970);
  expect(hex(tplinkV1Table.read(image).md5)).toBe('b72d84b878e95ac565701d96e2a129ef');
  expect(sha256(image)).toBe('f2bda71f43aa25a76654efc7d6b7799b973bfce1d7d4b0f997feef6dcd93fab0');
  expect(readTplinkV1(image).digestOk).toBe(true);
});

test('a v1 factory image fills the layout and keeps its digest right', () => {
  const image = run('tplink-v1-image factory -C US', v1);
  expect(image.length).toBe(0xf80000);
  const { header, digestOk } = readTplinkV1(image);
  expect(digestOk).toBe(true);
  expect([header.region, header.regionText1, header.regionText2]).toEqual([
    1,
    '00000000;55530000;',
    '55530000',
  ]);
});

test('a v1 kernel of the combined form has no digest and says where the rootfs starts', () => {
  const board = {
    headers: { tplink: { ...v1.headers.tplink, hardware_id: 1, hardware_revision: 0 } },
  };
  const image = run('tplink-v1-header -O', board, kernelInput);
  expect(sha256(image)).toBe('d51efe133a6f6232441016a8df7f4bc4ed46391fbbcd826c17e23fcc0cd7d99f');
  expect(readTplinkV1(image).digestOk).toBeUndefined();
});

test('a v2 image has the bytes of mktplinkfw2, in both byte orders', () => {
  const big = run('tplink-v2-image -s', v2);
  expect(sha256(big)).toBe('562d35e984502b205dc63f98e800a268ac1b134a23cc0c98c3fce5e80867a393');
  const little = run('tplink-v2-image -s -e', v2);
  expect(hex(tplinkV2Table.read(little).md5)).toBe('a072638063fa7069f3ee679276c61f7b');
  expect(sha256(little)).toBe('892f546f5b3a4c5d6c2d5682c4ffe29966513139322f7784acd61f544b06bd02');
  expect(readTplinkV2(little).digestOk).toBe(true);
});

test('the v2 step appends to what is there', () => {
  const image = run('pad-extra 128k | tplink-v2-image -e', v2);
  expect(image.length).toBe(0x20000 + 0x7a0000);
  expect(readTplinkV2(image, 0x20000).digestOk).toBe(true);
});

test('one byte over the layout minus the reserve is refused with the figures', () => {
  const limit = 0xf80000 - 0x40000;
  const fit = stepContext({ kernel: new Uint8Array(4), rootfs: new Uint8Array(limit - 0x204) }, v1);
  const { steps } = parseRecipe('tplink-v1-image sysupgrade');
  expect(runRecipe(steps, fit).length).toBeGreaterThan(limit);
  const over = { ...fit, rootfs: new Uint8Array(limit - 0x204 + 1) };
  expect(thrownBy(() => runRecipe(steps, over))).toMatchObject({
    code: 'FW_BUDGET_CHECK_SIZE',
    data: { overBy: 1, limit },
  });
});
