/** `sbom` of an image file: one document on stdout, the same for the same image. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { firmwright, jsonOf } from '../support/cli.js';
import { noise } from '../support/image-inputs.js';
import { profileOf, routerTree, sysupgradeImage } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

test('the board comes from the metadata; time, hash and version from the image', async () => {
  const image = join(folder, 'image.bin');
  writeFileSync(image, await sysupgradeImage(profileOf('ubnt_unifi-ap'), routerTree()));
  const result = await firmwright(['sbom', image]);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(jsonOf(result)).toMatchObject({
    bomFormat: 'CycloneDX',
    metadata: {
      timestamp: '2023-11-14T22:13:20.000Z',
      component: { name: 'image.bin', version: 'OpenWrt SNAPSHOT r0' },
    },
  });
  expect(await firmwright(['sbom', image])).toEqual(result);
  expect(jsonOf(await firmwright(['sbom', image, '--format', 'spdx']))).toMatchObject({
    spdxVersion: 'SPDX-2.3',
    creationInfo: { created: '2023-11-14T22:13:20Z' },
  });
});

test('an image with a damaged squashfs is one error', async () => {
  const image = join(folder, 'damaged.bin');
  const bytes = await sysupgradeImage(profileOf('ubnt_unifi-ap'), routerTree());
  const squashfs = Buffer.from(bytes).indexOf('hsqs');
  const inodeTable = Number(new DataView(bytes.buffer).getBigUint64(bytes.byteOffset + squashfs + 64, true));
  bytes.set(noise(300, 4), squashfs + inodeTable + 2);
  writeFileSync(image, bytes);
  const result = await firmwright(['sbom', image, '--board', 'ubnt_unifi-ap']);
  expect(result).toMatchObject({ exitCode: 4, stdout: '' });
  expect(result.stderr).toContain('FW_SQUASHFS_');
});
