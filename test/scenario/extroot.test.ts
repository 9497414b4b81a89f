/** Overlays on storage besides the flash: when a boot takes them, and what resets and upgrades do to them. */
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeArchive } from '../../tools/archive/index.js';
import { rootUuid } from '../../tools/emulator/boot/extroot.js';
import { chipFromImage, Device, type BranchName, type ScenarioReport } from '../../tools/emulator/index.js';
import { routerTree, smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps } from '../support/scenario-steps.js';

const profile = smallBoard();
const withBlock = { '/sbin/block': 'block-mount' };
let image: Uint8Array;
let plain: Uint8Array;
let newer: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile, routerTree(withBlock), 60_000);
  plain = await sysupgradeImage(profile, undefined, 60_000);
  newer = await sysupgradeImage(profile, routerTree({ ...withBlock, '/usr/bin/new': 'n' }), 60_000);
});

function run(
  steps: string,
  { branch = '22.03', base = image }: { branch?: BranchName; base?: Uint8Array } = {},
): ScenarioReport {
  return runSteps(steps, { profile, image: base, upgrade: newer, branch, read: () => archive });
}

const archive = writeArchive(routerTree({ '/etc/on-stick': 'whole root' }), {
  format: 'pax',
  compression: 'gzip',
});

/** Asks for the stick in the fstab of whatever root is up. */
function fstab(options = "option target '/overlay'", uuid = '5EED0000-0000-4000-8000-000000000001'): string {
  return `  - write:
      path: /etc/config/fstab
      text: |
        config global
        	option delay_root '15'
        config mount
        	${options}
        	option uuid '${uuid}'
        	option enabled '1'
`;
}

/** A device that runs on its stick, with a setting of the flash and one of the stick. */
const onStick = `  - boot
  - write: { path: /etc/config/flash, text: 'flash' }
${fstab()}  - plug: { device: sda1 }
  - reboot
  - expect: { state: extroot }
  - write: { path: /etc/config/stick, text: 'stick' }
`;

describe('a boot with an extroot', () => {
  test('runs on the stick, copies nothing to it, and goes back to the flash without it', () => {
    const report = run(`${onStick}  - expect:
      state: extroot
      findings: [extroot-fresh]
      file:
        - { path: /etc/config/flash, absent: true }
        - { path: /etc/config/stick, layer: upper }
        - { path: /upper/etc/config/stick, on: sda1, text: 'stick' }
        - { path: /.fs_state, on: sda1 }
        - { path: /etc/.extroot-uuid, on: sda1 }
  - unplug: { device: sda1 }
  - reboot
  - expect:
      state: jffs2-overlay
      findings: [extroot-missing]
      file: [{ path: /etc/config/flash, text: 'flash' }, { path: /etc/config/stick, absent: true }]
  - plug: { device: sda1 }
  - reboot
  - expect: { state: extroot, file: [{ path: /etc/config/stick, text: 'stick' }] }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('shows the settings of the flash once its user has copied them', () => {
    const report = run(`  - boot
  - write: { path: /etc/config/flash, text: 'flash' }
${fstab()}  - plug: { device: sda1 }
  - copy-overlay: { to: sda1 }
  - reboot
  - expect:
      state: extroot
      noFindings: [extroot-fresh]
      file: [{ path: /etc/config/flash, text: 'flash', layer: upper }]
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('waits once for a stick that comes late', () => {
    const late = (seconds: number, state: string): string => `  - boot
${fstab()}  - plug: { device: sda1, readyAfter: ${seconds} }
  - reboot
  - expect: { state: ${state} }
`;
    expect(problemsOf(run(late(14, 'extroot')))).toEqual([]);
    expect(problemsOf(run(late(120, 'jffs2-overlay')))).toEqual([]);
  });

  test('does not take a file system that it does not know', () => {
    const report = run(`  - boot
${fstab()}  - plug: { device: sda1, type: vfat }
  - reboot
  - expect: { state: jffs2-overlay, findings: [extroot-unsupported] }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('needs the program of block-mount, on the base or in the overlay', () => {
    const steps = `  - boot
${fstab()}  - plug: { device: sda1 }
  - reboot
  - expect: { state: jffs2-overlay, findings: [extroot-no-program] }
  - write: { path: /sbin/block, text: 'installed', mode: '0755' }
  - reboot
  - expect: { state: extroot }
`;
    expect(problemsOf(run(steps, { base: plain }))).toEqual([]);
  });

  test('that the base asks for leaves the flash alone', async () => {
    const base = await sysupgradeImage(
      profile,
      routerTree({
        ...withBlock,
        '/etc/config/fstab': "config mount\n\toption target '/overlay'\n\toption device '/dev/sda1'\n",
      }),
      60_000,
    );
    const steps = `  - plug: { device: sda1 }
  - boot
  - expect: { state: extroot, volume: end-marker }
  - write: { path: /etc/config/a, text: 'a' }
  - reboot
  - expect: { state: extroot, volume: end-marker, file: [{ path: /etc/config/a, text: 'a' }] }
`;
    expect(problemsOf(run(steps, { base }))).toEqual([]);
  });

  test('for / puts the whole root on the stick', () => {
    const report = run(`  - boot
${fstab("option target '/'")}  - plug: { device: sda1, tar: root.tar.gz }
  - reboot
  - expect: { state: extroot, file: [{ path: /etc/on-stick, text: 'whole root' }] }
  - write: { path: /etc/config/more, text: 'more' }
  - reboot
  - expect: { file: [{ path: /etc/config/more, on: sda1, text: 'more' }, { path: /etc/config/more }] }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('meets operations in flight and power cuts as the flash does', () => {
    const report = run(`${onStick}  - together:
      explore: 10
      operations: [{ write: { path: /etc/config/a, text: a } }, { mkdir: { path: /etc/b } }]
      expect: { state: extroot, file: [{ path: /etc/config/a, text: a }, { path: /etc/b }] }
  - power-off
  - boot
  - expect: { state: extroot, file: [{ path: /etc/config/a, text: a }] }
`);
    expect(problemsOf(report)).toEqual([]);
  });
});

describe('a factory reset on an extroot', () => {
  test.each([
    ['factory-reset', 'reboot'],
    ['button: { seconds: 6 }', 'sync'],
  ])('by %s clears the flash and leaves the stick', (reset, then) => {
    const report = run(`${onStick}  - ${reset}
  - ${then}
  - expect:
      state: jffs2-overlay
      treeEqualsBase: true
      findings: [extroot-kept]
      file: [{ path: /upper/etc/config/stick, on: sda1, text: 'stick' }]
${fstab()}  - reboot
  - expect: { state: extroot, file: [{ path: /etc/config/stick, text: 'stick' }] }
`);
    expect(problemsOf(report)).toEqual([]);
  });
});

describe('an upgrade on an extroot', () => {
  const upgraded = `${onStick}${fstab()}  - write: { path: /etc/sysupgrade.conf, text: "/etc/config/\\n" }
  - sysupgrade: { image: upgrade }
  - expect:
      state: jffs2-overlay
      file: [{ path: /etc/config/stick, text: 'stick' }, { path: /usr/bin/new }]
  - reboot
`;

  test('carries the settings to the flash; the stick belongs to the old firmware', () => {
    const report = run(`${upgraded}  - expect: { state: jffs2-overlay, findings: [extroot-other-root] }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('is not noticed since 24.10: the old overlay shows over the new firmware', () => {
    const report = run(
      `${onStick.replace('  - write: { path: /etc/config/stick', "  - write: { path: /etc/config/flash, text: 'old' }\n  - write: { path: /etc/config/stick")}${fstab()}  - write: { path: /etc/sysupgrade.conf, text: "/etc/config/\\n" }
  - sysupgrade: { image: upgrade }
  - write: { path: /etc/config/flash, text: 'new' }
  - expect: { state: jffs2-overlay }
  - reboot
  - expect: { state: extroot, noFindings: [extroot-other-root], file: [{ path: /etc/config/flash, text: 'old' }] }
`,
      { branch: '25.12' },
    );
    expect(problemsOf(report)).toEqual([]);
  });
});

describe('the firmware that a stick names', () => {
  const stick = (marker: boolean): string => `  - boot
  - write: { path: /stick, text: '' }
${fstab()}  - plug: { device: sda1, tar: ${marker ? 'marked' : 'unmarked'} }
  - reboot
`;
  const runWith = (steps: string, branch: BranchName): ScenarioReport => {
    const read = (name: string): Uint8Array =>
      writeArchive(
        routerTree({
          '/etc/.extroot-uuid': 'of-another',
          ...(name === 'marked' ? { '/etc/.extroot-default': '' } : {}),
        }),
        { format: 'pax' },
      );
    return runSteps(steps, { profile, image, branch, read });
  };

  test.each([
    ['22.03', false, 'jffs2-overlay', 'extroot-other-root'],
    ['23.05', true, 'jffs2-overlay', 'extroot-other-root'],
    ['24.10', false, 'extroot', 'extroot-unchecked'],
    ['25.12', true, 'jffs2-overlay', 'extroot-other-root'],
  ] as const)('is compared on %s (etc/.extroot-default there: %s): %s', (branch, marker, state, finding) => {
    const steps = `${stick(marker)}  - expect: { state: ${state}, findings: [${finding}] }\n`;
    expect(problemsOf(runWith(steps, branch))).toEqual([]);
  });
});

test('a squashfs is known by the digest of its superblock, in the words of the processor', () => {
  const root = Buffer.from(image).indexOf('hsqs');
  const digest = createHash('md5')
    .update(image.subarray(root, root + 96))
    .digest('hex');
  const words = digest.match(/.{8}/g) ?? [];
  const device = new Device({ profile, chip: chipFromImage(profile, image) });
  expect(profile.endianness).toBe('big');
  expect(rootUuid(device, root)).toBe([...words].reverse().join('-'));
});

test('storage that was never plugged in is named', () => {
  expect(problemsOf(run('  - unplug: { device: sdb1 }\n'))).toEqual(['no storage sdb1 was plugged in']);
});
