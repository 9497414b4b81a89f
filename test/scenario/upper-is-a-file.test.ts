/** After an upgrade that was cut, the inode of the carried archive may be the one that the old overlay had for `upper`. */
import { expect, test } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { chipFromImage, Device, loadScenario, runScenario } from '../../tools/emulator/index.js';
import { writeJffs2 } from '../../tools/jffs2/index.js';
import { bytesContent, newDirectory } from '../../tools/vfs/index.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';

const profile = smallBoard();

test('a file where the overlay has its upper: the device runs on RAM, says which step failed, and a reset helps', async () => {
  const tree = newDirectory();
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() };
  const content = bytesContent(Buffer.from('settings'));
  tree.entries.set(byteStringFromText('upper'), { type: 'file', ...attributes, content });
  const state = { ...attributes, mode: 0o777, target: byteStringFromText('2') };
  tree.entries.set(byteStringFromText('.fs_state'), { type: 'symlink', ...state });
  const overlay = writeJffs2(tree, {
    endian: 'big',
    eraseSize: profile.flash.eraseSize,
    compression: 'openwrt',
    endMarker: true,
  });
  const [scenario] = loadScenario(
    `name: upper is a file
steps:
  - flash: { partition: rootfs_data, erase: true }
  - flash: { partition: rootfs_data, base64: "${Buffer.from(overlay).toString('base64')}" }
  - boot
  - expect: { state: ram-overlay, findings: [boot-step-failed, ram-overlay-forever] }
  - reboot
  - expect: { state: ram-overlay }
  - factory-reset
  - reboot
  - expect: { state: jffs2-overlay, fsState: ready, treeEqualsBase: true }
`,
    'upper.yaml',
  );
  const image = await sysupgradeImage(profile, undefined, 60_000);
  const device = new Device({ profile, chip: chipFromImage(profile, image) });
  const report = runScenario('upper', scenario?.steps ?? [], device, { image, read: () => image });
  expect(report.steps.flatMap(({ problems }) => problems)).toEqual([]);
});
