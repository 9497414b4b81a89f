/** Devices that hang, panic, and restart by themselves. */
import { beforeAll, describe, expect, test } from 'vitest';
import { chipFromImage, Device, type ScenarioReport } from '../../tools/emulator/index.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps, runStepsOn } from '../support/scenario-steps.js';

const profile = smallBoard();
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile, undefined, 60_000);
});

function run(steps: string): ScenarioReport {
  return runSteps(steps, { profile, image });
}

/** Seconds between two events of the timeline. */
function secondsBetween({ timeline }: ScenarioReport, first: string, second: string): number {
  const at = (text: string): number => timeline.find((event) => event.text === text)?.atMs ?? Number.NaN;
  return (at(second) - at(first)) / 1000;
}

describe('a system that hangs', () => {
  test('is restarted by its watchdog after 30 seconds, with what was written', () => {
    const report = run(`  - boot
  - write: { path: /etc/config/a, text: '1' }
  - hang
  - expect:
      state: jffs2-overlay
      file: [{ path: /etc/config/a, text: '1' }]
      restarts: { asked: 0, watchdog: 1, panic: 0 }
`);
    expect(problemsOf(report)).toEqual([]);
    expect(secondsBetween(report, 'hangs', 'nothing feeds the watchdog: restart')).toBeCloseTo(30, 6);
  });

  test('loses what was on the RAM overlay only', () => {
    const report = run(`  - boot: { stop: preinit }
  - write: { path: /etc/config/a, text: '1' }
  - hang
  - expect: { state: jffs2-overlay, file: [{ path: /etc/config/a, absent: true }], restarts: { watchdog: 1 } }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test.each([1, 2, 3, 5, 8, 13])('at flash operation %i of a reset comes back clean', (operation) => {
    const report = run(`  - boot
  - write: { path: /etc/config/a, text: '1' }
  - hang: { operation: ${operation} }
  - factory-reset
  - expect: { state: jffs2-overlay, fsState: ready, restarts: { watchdog: 1 } }
  - reboot
  - expect: { restarts: { asked: 1, watchdog: 1 } }
`);
    expect(problemsOf(report)).toEqual([]);
    expect(report.steps[3]?.outcome).toBe('hang');
  });

  test('while the kernel is written leaves whole erase blocks, and the boot loader waits', () => {
    const report = run(`  - boot
  - hang: { operation: 1 }
  - sysupgrade
  - expect: { state: no-boot, stage: boot-loader, restarts: { watchdog: 1, panic: 0 }, noFindings: [boot-loop] }
  - recovery-flash
  - boot
  - expect: { state: jffs2-overlay }
`);
    expect(problemsOf(report)).toEqual([]);
  });
});

test('a lock-up never tears a page of a program', () => {
  const device = new Device({ profile, chip: chipFromImage(profile, image) });
  const before = device.chip.image();
  runStepsOn(device, '  - hang: { operation: 2 }\n  - flash: { partition: u-boot-env, bytes: 65536 }\n', {
    image,
    read: () => image,
  });
  const after = device.chip.image().subarray(0x40000, 0x50000);
  const written = after.findLastIndex((byte) => byte !== 0xff) + 1;
  expect(written).toBe(0x8000);
  expect(before.subarray(0x40000, 0x50000).every((byte) => byte === 0xff)).toBe(true);
});

describe('a boot that cannot end', () => {
  test('for want of a root panics again and again, and the finding tells why', () => {
    const report = run(`  - flash: { partition: firmware, offset: 65536, erase: true }
  - boot
  - expect: { state: no-boot, findings: [boot-loop], restarts: { panic: 3, watchdog: 0 } }
`);
    expect(problemsOf(report)).toEqual([]);
    expect(report.findings.find(({ code }) => code === 'boot-loop')?.where).toMatch(/^kernel: no rootfs/);
    expect(report.timeline.at(-1)?.text).toMatch(/^boots again and again: no rootfs/);
  });

  test('with a damaged root panics again and again', () => {
    const root = Buffer.from(image).indexOf('hsqs');
    const report = run(`  - flash: { partition: firmware, offset: ${root + 64}, bytes: 20000 }
  - boot
  - expect: { state: no-boot, stage: rootfs, findings: [boot-loop] }
`);
    expect(problemsOf(report)).toEqual([]);
    expect(report.findings.find(({ code }) => code === 'boot-loop')?.where).toMatch(/^rootfs: /);
  });

  test('because the system hangs in preinit is restarted by the watchdog again and again', () => {
    const report = run(`  - boot: { hangs: kernel }
  - expect: { state: no-boot, stage: preinit, findings: [boot-loop], restarts: { watchdog: 3 } }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('because a script of preinit never ends stays there: init feeds the watchdog', () => {
    const report = run(`  - boot: { hangs: script }
  - expect:
      state: no-boot
      stage: preinit
      findings: [boot-hangs]
      noFindings: [boot-loop]
      restarts: { watchdog: 0, panic: 0 }
`);
    expect(problemsOf(report)).toEqual([]);
  });

  test('does not restart from a boot loader that refuses the kernel', () => {
    const report = run(`  - flash: { partition: firmware, text: 'no kernel' }
  - boot
  - expect: { state: no-boot, stage: boot-loader, noFindings: [boot-loop], restarts: { panic: 0 } }
`);
    expect(problemsOf(report)).toEqual([]);
  });
});
