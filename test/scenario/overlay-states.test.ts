/** What a boot makes of the overlay that it finds, by its `.fs_state`. */
import { beforeAll, expect, test } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { boot, chipFromImage, Device, type RunningSystem } from '../../tools/emulator/index.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runStepsOn } from '../support/scenario-steps.js';

const profile = smallBoard();
const fsState = byteStringFromText('.fs_state');
const link = { mode: 0o777, uid: 0, gid: 0 };
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile, undefined, 60_000);
});

function running(device: Device): RunningSystem {
  const result = boot(device);
  if (result.kind !== 'running') throw new Error(result.reason);
  return result.system;
}

test.each([
  ['is not there', undefined, 'emptied'],
  ['says 0', '0', 'emptied'],
  ['says 1: a reset, or a first boot that was cut', '1', 'emptied'],
  ['says 2', '2', 'kept'],
  ['says 7', '7', 'emptied'],
  ['is a file', 'file', 'emptied'],
])('an overlay whose state %s', (_, target, fate) => {
  const device = new Device({ profile, chip: chipFromImage(profile, image) });
  const settle = `  - boot\n  - write: { path: /etc/config/a, text: '1' }\n  - reboot\n`;
  expect(problemsOf(runStepsOn(device, settle, { image, read: () => image }))).toEqual([]);
  const { jffs2 } = running(device);
  if (!jffs2) throw new Error('no overlay');
  jffs2.unlink(jffs2.root, fsState);
  if (target === 'file') jffs2.mknod(jffs2.root, fsState, { type: 'file', mode: 0o644, uid: 0, gid: 0 });
  else if (target !== undefined) jffs2.symlink(jffs2.root, fsState, byteStringFromText(target), link);
  jffs2.unmount();

  const steps = `  - boot
  - expect: { state: jffs2-overlay, fsState: ready, file: [{ path: /etc/config/a, ${fate === 'kept' ? "text: '1'" : 'absent: true'} }] }
`;
  const report = runStepsOn(device, steps, { image, read: () => image });
  expect(problemsOf(report)).toEqual([]);
  // A reset says that it is one; what else empties an overlay, its user should hear of.
  const wiped = report.findings.some(({ code }) => code === 'overlay-wiped');
  expect(wiped).toBe(fate === 'emptied' && target !== '1');
});
