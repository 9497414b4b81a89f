import { expect, test } from 'vitest';
import { loadRecipe, planBuild } from '../../../tools/build/index.js';
import type { BuildPlan, PlanOptions } from '../../../tools/build/index.js';
import { loadBoard } from '../../../tools/cli/board-profiles.js';

const recipeText = 'name: x\nversion: { dist: OpenWrt, version: 24.10.2 }\ndate: 1700000000\nrootfs: [root]\nkernel: k\n';

function plan(boards: readonly string[], options: Partial<PlanOptions> = {}, text = recipeText): BuildPlan {
  return planBuild(loadRecipe(text, '/r/image.yaml'), boards.map(loadBoard), {
    detect: (path) => ({ kind: 'folder', path }),
    ...options,
  });
}

test('artefacts are named as in the field', () => {
  const [board] = plan(['ubnt_unifi-ap']).boards;
  expect(board?.artefacts.map(({ file }) => file)).toEqual([
    'openwrt-24.10.2-ath79-generic-ubnt_unifi-ap-squashfs-sysupgrade.bin',
    'openwrt-24.10.2-ath79-generic-ubnt_unifi-ap-squashfs-factory.bin',
  ]);
  expect(board?.flashImage?.file).toBe('openwrt-24.10.2-ath79-generic-ubnt_unifi-ap-flash.img');
});

test('boards with the same squashfs parameters share one pack', () => {
  const { packs, boards } = plan(['ubnt_unifi-ap', 'tplink_archer-c7-v2']);
  expect(packs.map(({ boards: sharing }) => sharing)).toEqual([['ubnt_unifi-ap', 'tplink_archer-c7-v2']]);
  expect(boards.map(({ folder }) => folder)).toEqual(['', '']);
});

test('boards of several targets get a folder a target', () => {
  expect(plan(['ubnt_unifi-ap', 'glinet_gl-mt300n-v2']).boards.map(({ folder }) => folder)).toEqual([
    'ath79/generic',
    'ramips/mt76x8',
  ]);
});

test('the command line wins over the recipe: root, kernel, time', () => {
  const made = plan(['ubnt_unifi-ap'], {
    rootfs: '/other',
    kernel: '/all',
    kernels: { 'ubnt_unifi-ap': '/own' },
    files: ['/late'],
    sourceDateEpoch: 5,
  });
  expect(made.root.sources.map((source) => ('path' in source ? source.path : ''))).toEqual(['/other', '/late']);
  expect(made.boards[0]?.kernel).toBe('/own');
  expect(made.sourceDateEpoch).toBe(5);
});

test('files for other partitions stand in the flash plan, everything else is erased', () => {
  const text = `${recipeText}boards: { ubnt_unifi-ap: { flash: { art: art.bin } } }\n`;
  const parts = plan(['ubnt_unifi-ap'], {}, text).boards[0]?.flashImage?.parts;
  expect(parts?.map(({ label, content }) => [label, content])).toEqual([
    ['u-boot', 'erased'],
    ['u-boot-env', 'erased'],
    ['firmware', 'firmware'],
    ['board_config', 'erased'],
    ['cfg', 'erased'],
    ['art', { file: '/r/art.bin' }],
  ]);
});

test.each([
  ['no board', () => plan([]), 'FW_USAGE_BOARD'],
  ['a board twice', () => plan(['ubnt_unifi-ap', 'ubnt_unifi-ap']), 'FW_USAGE_BOARD'],
  ['no root', () => plan(['ubnt_unifi-ap'], {}, 'name: x\ndate: 1\nkernel: k\n'), 'FW_PROFILE_ROOT'],
  ['no kernel', () => plan(['ubnt_unifi-ap'], {}, 'name: x\ndate: 1\nrootfs: [r]\n'), 'FW_PROFILE_KERNEL'],
  [
    'a file for a partition that is not there',
    () => plan(['ubnt_unifi-ap'], {}, `${recipeText}boards: { ubnt_unifi-ap: { flash: { none: a } } }\n`),
    'FW_PROFILE_FLASH_FILE',
  ],
  [
    'a file for firmware',
    () => plan(['ubnt_unifi-ap'], {}, `${recipeText}boards: { ubnt_unifi-ap: { flash: { firmware: a } } }\n`),
    'FW_PROFILE_FLASH_FILE',
  ],
])('%s is refused by its code', (_, make, code) => {
  expect(make).toThrow(expect.objectContaining({ code }) as Error);
});

test.each(['netgear_wndr4300', 'ubnt_edgerouter-x', 'linksys_ea8300', 'netgear_r6220'])(
  '%s has NAND flash and is refused by name',
  (board) => {
    expect(() => plan([board])).toThrow(`board ${board} has NAND flash`);
  },
);

test('the chip takes the firmware recipe of boards whose upgrade file is wrapped', () => {
  const [board] = plan(['ubnt_nanostation-2']).boards;
  expect(board?.flashImage?.firmwareSteps.map(({ text }) => text)).toEqual([
    'append-kernel',
    'pad-to 64k',
    'append-rootfs',
    'pad-rootfs',
  ]);
});

test('a file goes to the only step that takes one, or to the one named, for one board or all', () => {
  const files = (boards: readonly string[], ...loaders: PlanOptions['loaders'] & object): unknown =>
    plan(boards, { loaders }).boards.map(({ stepFiles }) => stepFiles);
  expect(files(['xiaomi_mi-router-4a-gigabit', 'ubnt_unifi-ap'], { path: '/l' })).toEqual([
    { 'loader-kernel': '/l' },
    {},
  ]);
  const two = 'dlink_dir-860l-b1';
  expect(
    files([two], { step: 'loader-kernel', path: '/l' }, { board: two, step: 'relocate-kernel', path: '/r' }),
  ).toEqual([{ 'loader-kernel': '/l', 'relocate-kernel': '/r' }]);
  const refused = (...loaders: PlanOptions['loaders'] & object): unknown => {
    try {
      return plan([two, 'ubnt_unifi-ap'], { loaders });
    } catch (error) {
      return error;
    }
  };
  expect(refused({ path: '/l' })).toMatchObject({ code: 'FW_USAGE_LOADER', exitCode: 2 });
  expect(refused({ board: 'ubnt_unifi-ap', path: '/l' })).toMatchObject({ code: 'FW_USAGE_LOADER' });
  expect(refused({ board: two, step: 'append-uboot', path: '/l' })).toMatchObject({ code: 'FW_USAGE_LOADER' });
});

test('loaders stand in the recipe too, and those of the command line win', () => {
  const text = `${recipeText}boards: { xiaomi_mi-router-4a-gigabit: { loader: l.bin }, dlink_dir-860l-b1: { loader: { loader-kernel: k.bin, relocate-kernel: r.bin } } }\n`;
  const { boards } = plan(['xiaomi_mi-router-4a-gigabit', 'dlink_dir-860l-b1'], {
    loaders: [{ board: 'dlink_dir-860l-b1', step: 'relocate-kernel', path: '/own' }],
  }, text);
  expect(boards.map(({ stepFiles }) => stepFiles)).toEqual([
    { 'loader-kernel': '/r/l.bin' },
    { 'loader-kernel': '/r/k.bin', 'relocate-kernel': '/own' },
  ]);
});

test('an artefact whose step has no file is left out, the others are made', () => {
  const [without] = plan(['avm_fritzbox-4040']).boards;
  expect(without?.artefacts.map(({ name }) => name)).toEqual(['sysupgrade.bin']);
  expect(without?.leftOut).toMatchObject([{ name: 'eva.bin', step: 'append-uboot' }]);
  const [complete] = plan(['avm_fritzbox-4040'], { loaders: [{ path: '/u-boot.bin' }] }).boards;
  expect(complete?.artefacts.map(({ name }) => name)).toEqual(['sysupgrade.bin', 'eva.bin']);
});
