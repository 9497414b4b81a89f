/** Each known flaw of the real flows is met where it has to be, and not where it must not. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { writeArchive } from '../../tools/archive/index.js';
import { findingTexts, type BranchName, type FindingCode } from '../../tools/emulator/index.js';
import { appendMetadata, endMarker, readChunks } from '../../tools/firmware/index.js';
import { routerTree, smallBoard, sysupgradeImage } from '../support/router-image.js';
import { runSteps } from '../support/scenario-steps.js';

const profile = smallBoard();
const images = new Map<string, Uint8Array>();
beforeAll(async () => {
  const image = await sysupgradeImage(profile, undefined, 60_000);
  images.set('image', image);
  const accounts = { '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nsvc:*:80:80:svc:/var:/bin/false\n' };
  images.set('accounts', await sysupgradeImage(profile, routerTree(accounts), 60_000));
  const [metadata] = readChunks(image).filter(({ type }) => type === 'metadata');
  const unmarked = Buffer.from(image.subarray(0, metadata?.offset));
  for (let at = 0; (at = unmarked.indexOf(endMarker, at)) >= 0;) unmarked.fill(0xff, at, at + 4);
  images.set('unmarked', appendMetadata(unmarked, Buffer.from(metadata?.payload ?? []).toString()));
});

function image(name: string): Uint8Array {
  return images.get(name) ?? new Uint8Array();
}

/** Findings of a run whose steps do what they say. */
function findingsOf(steps: string, branch: BranchName = '25.12'): readonly FindingCode[] {
  const report = runSteps(steps, { profile, image: image('image'), branch, read: image });
  expect(report.steps.flatMap(({ problems }) => problems)).toEqual([]);
  return report.findings.map(({ code }) => code);
}

const settled = "  - boot\n  - write: { path: /etc/config/a, text: '1' }\n";

test('accounts-not-merged: an old release restores passwd over the accounts of the new image', () => {
  const steps = `${settled}  - append: { path: /etc/passwd, text: "me:x:1000:1000::/:/bin/ash\\n" }
  - sysupgrade: { image: accounts }
`;
  expect(findingsOf(steps, '21.02')).toContain('accounts-not-merged');
  expect(findingsOf(steps, '22.03')).not.toContain('accounts-not-merged');
});

test('config-not-carried: an image without an end marker at an erase block drops the settings', () => {
  expect(findingsOf(`${settled}  - sysupgrade: { image: unmarked }\n`)).toContain('config-not-carried');
  expect(findingsOf(`${settled}  - sysupgrade\n`)).not.toContain('config-not-carried');
});

test('no-backup-on-ram: the settings of a root on RAM cannot be saved', () => {
  expect(findingsOf(`  - boot: { stop: preinit }\n  - sysupgrade\n`)).toContain('no-backup-on-ram');
});

test('reset-r-ignored: the reset of an overlay that is not mounted does not reboot', () => {
  expect(findingsOf(`${settled}  - factory-reset: { via: failsafe, reboot: true }\n`)).toContain(
    'reset-r-ignored',
  );
  expect(findingsOf(`${settled}  - factory-reset: { reboot: true }\n`)).not.toContain('reset-r-ignored');
});

test('block0-blank: a cut between erase and program of the marker lets old files return', () => {
  const steps = (cut: string): string => `${settled}  - power-off
  - boot: { failsafe: true }
${cut}  - factory-reset
  - boot
`;
  expect(findingsOf(steps('  - power-cut: { operation: 2, tear: before }\n'))).toContain('block0-blank');
  expect(findingsOf(steps(''))).not.toContain('block0-blank');
});

test('restore-twice: an archive beside an overlay that is READY is unpacked once more', () => {
  const archive = gzipSync(writeArchive(routerTree({ '/etc/config/a': 'old' }), { format: 'pax' }));
  const steps = `${settled}  - write: { path: /sysupgrade.tgz, base64: "${archive.toString('base64')}" }
  - reboot
  - expect: { file: [{ path: /etc/config/a, text: old }, { path: /sysupgrade.tgz, absent: true }] }
`;
  expect(findingsOf(steps)).toContain('restore-twice');
  expect(findingsOf(`${settled}  - sysupgrade\n`)).not.toContain('restore-twice');
});

test('stale-blocks-behind: an upgrade leaves the blocks behind its image as they were', () => {
  expect(findingsOf(`${settled}  - sysupgrade\n`)).toContain('stale-blocks-behind');
});

test('sysupgrade-tgz-kept: said after a reset that keeps the archive, not after an upgrade', () => {
  const kept = `${settled}  - write: { path: /srv/sysupgrade.tgz, text: x }
  - factory-reset: { keepSettings: true }
`;
  expect(findingsOf(kept)).toContain('sysupgrade-tgz-kept');
  expect(findingsOf(`${settled}  - sysupgrade\n`)).not.toContain('sysupgrade-tgz-kept');
});

test('every finding is looked for in a test or a scenario', () => {
  const folders = ['./', '../../images/demo/scenarios/'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const texts = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(ts|yaml)$/.test(name))
      .map((name) => readFileSync(folder + name, 'utf8')),
  );
  for (const code of Object.keys(findingTexts))
    expect(
      texts.some((text) => text.includes(code)),
      code,
    ).toBe(true);
});
