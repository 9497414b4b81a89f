/** Images in the containers of vendors: every artefact of every board is built, counted and flashed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { findPartition, stepBoard } from '../../tools/boards/index.js';
import type { BoardProfile } from '../../tools/boards/index.js';
import { countBudget, imageParts } from '../../tools/budget/index.js';
import type { FlashBudget } from '../../tools/budget/index.js';
import { boardIds } from '../../tools/cli/board-profiles.js';
import { budgetDocument } from '../../tools/cli/documents/budget.js';
import { checkDocument } from '../../tools/cli/documents/check.js';
import { upgradeDocument, type UpgradeDocument } from '../../tools/cli/documents/preview.js';
import { roundUp } from '../../tools/core/index.js';
import { chipFromImage } from '../../tools/emulator/index.js';
import {
  buildChk,
  buildUbiquiti,
  finishKernel,
  firmwareContent,
  readUbiquiti,
  runRecipe,
  splitFirmware,
} from '../../tools/firmware/index.js';
import { packSquashfs } from '../../tools/squashfs/index.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { noise } from '../support/image-inputs.js';
import { fixture, fixturePath, requires } from '../support/requires.js';
import { profileOf, routerTree } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { stepContext, thrownBy } from '../unit/firmware/vectors.js';

const folder = temporaryFolder();
/** Reaches beyond the place where Seama boards begin to look for a rootfs. */
const usualKernel = 600_000;
/** Reaches beyond the MiB at which Ubiquiti's container is split. */
const longKernel = 1_100_000;

let rootfs: Uint8Array;
beforeAll(async () => {
  ({ bytes: rootfs } = await packSquashfs(routerTree(), { compressor: { kind: 'xz' }, imageTime: 0 }));
});

/** Builds an artefact of a board by its name, or as `firmware` what the build puts into that partition. */
function builder(profile: BoardProfile, kernelSize = usualKernel): (name: string) => Uint8Array {
  const stepFiles = new Map(Object.keys(profile.loaders).map((step) => [step, noise(6000, 2)]));
  const context = { ...stepContext({ rootfs, stepFiles }), board: stepBoard(profile) };
  const kernel = finishKernel(profile.kernelRecipe, noise(kernelSize, 11), context);
  return (name) => {
    const recipe =
      name === 'firmware'
        ? profile.firmwareRecipe.filter((step) => step.name !== 'check-size')
        : profile.artefacts.find((artefact) => artefact.name === name)?.recipe;
    if (!recipe) throw new Error(`${profile.id} has no ${name}`);
    return runRecipe(recipe, { ...context, kernel });
  };
}

/** Where rootfs_data begins: what stands from there on, the device writes. */
function rootfsEnd(content: Uint8Array, profile: BoardProfile): number {
  const { rootfsData } = splitFirmware(
    Buffer.concat([content, Buffer.alloc(0x400000 - (content.length % 0x10000), 0xff)]),
    profile,
  );
  return rootfsData?.offset ?? 0;
}

function budgetOf(image: Uint8Array, profile: BoardProfile): FlashBudget {
  return countBudget({ profile, ...imageParts(image, profile) });
}

/** What the kernel cuts out of `firmware`. */
function splitOf({ partitions, overlay, problem }: FlashBudget): unknown {
  return { problem, overlay, parts: partitions.filter(({ parent }) => parent === 'firmware') };
}

const emulated = boardIds()
  .map(profileOf)
  .filter(({ flash, split }) => flash.kind === 'nor' && split.mode !== 'none');

describe.each(emulated.map((profile) => [profile.id, profile] as const))('%s', (_, profile) => {
  // An image for EVA starts with a boot loader, for another partition: see below.
  const names = profile.artefacts.map(({ name }) => name).filter((name) => name !== 'eva.bin');
  test.each(names)('%s counts as what the build puts into firmware, and is flashed so', (name) => {
    const build = builder(profile);
    const image = build(name);
    const counted = budgetOf(image, profile);
    expect(counted).toMatchObject({ fits: true, problem: undefined });
    // Factory images of SafeLoader give the kernel whole erase blocks, its upgrade images do not: see below.
    if (profile.headers.safeloader === undefined)
      expect(splitOf(counted)).toEqual(splitOf(budgetOf(build('firmware'), profile)));
    const content = firmwareContent(image, profile);
    const { offset = 0 } = findPartition(profile, 'firmware') ?? {};
    const chip = chipFromImage(profile, image).image();
    expect(Buffer.compare(chip.subarray(offset, offset + content.length), content)).toBe(0);
  });
});

test('the factory image of SafeLoader puts the rootfs at the next erase block, its upgrade image right behind the kernel', () => {
  const profile = profileOf('tplink_archer-c7-v5');
  const build = builder(profile);
  const [upgrade, factory] = ['sysupgrade.bin', 'factory.bin'].map((name) => budgetOf(build(name), profile));
  const rootfsOf = (budget: FlashBudget | undefined): { offset: number; used: number } => {
    const { offset = 0, used = 0 } = budget?.partitions.find(({ label }) => label === 'rootfs') ?? {};
    return { offset, used };
  };
  const { offset, used } = rootfsOf(upgrade);
  expect(offset % profile.flash.eraseSize).not.toBe(0);
  expect(rootfsOf(factory)).toEqual({ offset: roundUp(offset, profile.flash.eraseSize), used });
});

test('an image for EVA is refused by name, by every verb that takes images, and the one to use is named', async () => {
  const profile = profileOf('avm_fritzbox-4040');
  const build = builder(profile);
  const [eva, upgrade] = ['eva.bin', 'sysupgrade.bin'].map((name) => {
    const path = join(folder, `fritz-${name}`);
    writeFileSync(path, build(name));
    return path;
  });
  for (const words of [
    ['check', eva],
    ['budget', eva],
    ['reset', eva],
    ['upgrade', upgrade, eva],
    ['which', eva, '/etc/passwd'],
  ]) {
    const { exitCode, stderr } = await firmwright([...words.map(String), '--board', profile.id, '--quiet']);
    expect(exitCode, words[0]).toBe(4);
    expect(stderr, words[0]).toMatch(
      /an image for the EVA boot loader.* 0x80000 \[FW_FIRMWARE_OTHER_WAY\]\nhint: use the sysupgrade.bin/,
    );
  }
});

describe('a factory image on the command line', () => {
  test('is what a device boots from before an upgrade, refuses as new image, and takes by force', async () => {
    const profile = profileOf('ubnt_unifi-ap');
    const build = builder(profile, longKernel);
    const [upgrade = '', factory = ''] = ['sysupgrade.bin', 'factory.bin'].map((name) => {
      const path = join(folder, `upgrade-${name}`);
      writeFileSync(path, build(name));
      return path;
    });
    const dump = join(folder, 'upgrade-dump.bin');
    writeFileSync(dump, chipFromImage(profile, build('factory.bin')).image());
    const before = readFileSync(dump);
    const run = async (words: readonly string[], exitCode: number): Promise<UpgradeDocument> => {
      const result = await firmwright(['upgrade', ...words, '--board', profile.id, '--json']);
      expect(result.exitCode, words.join(' ')).toBe(exitCode);
      return upgradeDocument.parse(jsonOf(result));
    };
    expect(await run([factory, upgrade], 0)).toMatchObject({ preview: true, verdict: 'safe' });
    const refused = await run([dump, factory], 11);
    expect(refused).toMatchObject({ preview: true, verdict: 'refused' });
    expect(refused.reasons).toEqual([
      'image metadata not present',
      'the file is a container or a dump, which `sysupgrade` does not take apart; --force writes what it holds',
    ]);
    expect(readFileSync(dump).equals(before)).toBe(true);
    const forced = await run([dump, factory, '--force'], 0);
    expect(forced).toMatchObject({ preview: false, verdict: 'attention' });
    const { offset = 0 } = findPartition(profile, 'firmware') ?? {};
    const content = firmwareContent(build('factory.bin'), profile);
    const written = readFileSync(dump).subarray(offset, offset + rootfsEnd(content, profile));
    expect(written.equals(content.subarray(0, written.length))).toBe(true);
    const damaged = join(folder, 'upgrade-damaged.bin');
    writeFileSync(damaged, readFileSync(factory).fill(0, 0x20000, 0x20100));
    const result = await firmwright(['upgrade', dump, damaged, '--board', profile.id]);
    expect(result.exitCode).toBe(4);
    expect(result.stderr).toContain('FW_FIRMWARE_CONTAINER');
    const checked = await firmwright([
      'check',
      upgrade,
      '--upgrade',
      factory,
      '--board',
      profile.id,
      '--json',
      '--quiet',
    ]);
    expect(checked.exitCode).toBe(0);
    expect(checkDocument.parse(jsonOf(checked)).proofs.map(({ title }) => title)).toContain(
      'a forced upgrade (-F) to the new image keeps the settings',
    );
  });

  test('is counted and proven as the upgrade image is', async () => {
    const profile = profileOf('ubnt_unifi-ap');
    const build = builder(profile, longKernel);
    const results = [];
    for (const name of ['sysupgrade.bin', 'factory.bin']) {
      const path = join(folder, name);
      writeFileSync(path, build(name));
      const counted = await firmwright(['budget', path, '--board', profile.id, '--json']);
      expect(counted.exitCode).toBe(0);
      const [budget] = budgetDocument.parse(jsonOf(counted)).budgets;
      const checked = await firmwright(['check', path, '--board', profile.id, '--json', '--quiet']);
      expect(checked.exitCode).toBe(0);
      results.push({
        parts: budget?.partitions.filter(({ parent }) => parent === 'firmware'),
        overlay: budget?.overlay,
        proofs: checkDocument.parse(jsonOf(checked)).proofs.map(({ id, problems }) => ({ id, problems })),
      });
    }
    expect(results[1]).toEqual(results[0]);
    const found = await firmwright([
      'which',
      join(folder, 'factory.bin'),
      '/bin/busybox',
      '--board',
      profile.id,
    ]);
    expect(found.stdout).toContain('/bin/busybox: lower');
  });

  test('that does not say where its parts go is refused by its name', async () => {
    const path = join(folder, 'two-parts.chk');
    writeFileSync(path, buildChk({ boardId: 'U12H155T00_NETGEAR', region: 2 }, noise(5000), rootfs));
    for (const verb of ['budget', 'check']) {
      const result = await firmwright([verb, path, '--board', 'netgear_wndr3400-v1']);
      expect(result).toMatchObject({ exitCode: 4 });
      expect(result.stderr).toMatch(
        /a Netgear CHK image, which does not say .* \[FW_FIRMWARE_CONTAINER\]\nhint: .*unpack/,
      );
    }
  });
});

test('a container is refused with one flipped bit in any part, and for a place outside of firmware', () => {
  const unifi = profileOf('ubnt_unifi-ap');
  const image = builder(unifi, longKernel)('factory.bin');
  for (const { offset } of readUbiquiti(image).parts) {
    const damaged = image.slice();
    damaged[offset + 100] = (damaged[offset + 100] ?? 0) ^ 1;
    expect(thrownBy(() => firmwareContent(damaged, unifi))).toMatchObject({ code: 'FW_FIRMWARE_CONTAINER' });
  }
  const other = buildUbiquiti({ magic: 'OPEN', version: 'XS2', board: 'XS2', kernel: noise(70_000), rootfs });
  expect(thrownBy(() => firmwareContent(other, unifi))).toMatchObject({ code: 'FW_FIRMWARE_CONTAINER' });
});

requires(fixture('fw-ath25-ubnt2.bin'), fixture('fw-ath25-combined-redboot.img'))(
  'the two published forms of one ath25 image put the same bytes into firmware',
  () => {
    const profile = profileOf('ubnt_nanostation-2');
    const [container, combined] = ['fw-ath25-ubnt2.bin', 'fw-ath25-combined-redboot.img'].map((name) =>
      firmwareContent(new Uint8Array(readFileSync(fixturePath(name))), profile),
    );
    expect(container?.length).toBe(1_114_112 + 2_228_224);
    expect(Buffer.compare(container ?? Buffer.alloc(0), combined ?? Buffer.alloc(0))).toBe(0);
    expect(budgetOf(container ?? new Uint8Array(0), profile)).toMatchObject({ problem: undefined });
  },
);
