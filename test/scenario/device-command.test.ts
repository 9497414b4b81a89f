/** The commands of `firmwright shell`. */
import { beforeAll, expect, test } from 'vitest';
import {
  boot,
  chipFromImage,
  Device,
  runDeviceCommand,
  splitCommandLine,
  type BootResult,
} from '../../tools/emulator/index.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';

const profile = smallBoard();
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile, undefined, 60_000);
});

/** Types lines on a fresh device; the text of each. */
function typed(...lines: string[]): readonly string[] {
  const device = new Device({ profile, chip: chipFromImage(profile, image) });
  let last: BootResult | undefined = boot(device);
  return lines.map((line) => {
    try {
      const outcome = runDeviceCommand(device, last, splitCommandLine(line), { image, read: () => image });
      last = outcome.last;
      return outcome.text.trimEnd();
    } catch (error) {
      return error instanceof Error ? error.message : 'no error';
    }
  });
}

test('words are split at blanks, quotes hold them together', () => {
  expect(splitCommandLine(`write  /a 'b  c' "d'e" f''g ''`)).toEqual([
    'write',
    '/a',
    'b  c',
    "d'e",
    'fg',
    '',
  ]);
  expect(() => splitCommandLine("write 'open")).toThrow(/not closed/);
});

test('files are written, read and removed, and a removed file of the base is explained', () => {
  expect(
    typed('write /etc/x "a b"', 'cat /etc/x', 'rm /etc/config/network', 'which /etc/config/network').slice(1),
  ).toEqual([
    'a b',
    '',
    expect.stringMatching(/^none\n[^]*whiteout at \/etc\/config\/network in \/overlay\/upper/),
  ]);
});

test('the upgrade takes the options of the real command', () => {
  expect(typed('sysupgrade -T')).toEqual(['the image would be taken']);
  expect(typed('write /etc/config/a 1', 'sysupgrade -n', 'cat /etc/config/a').at(-1)).toMatch(/^ENOENT/);
  expect(typed('write /etc/unlisted 1', 'sysupgrade', 'cat /etc/unlisted').at(-1)).toMatch(/^ENOENT/);
  expect(typed('write /etc/unlisted 1', 'sysupgrade -c', 'cat /etc/unlisted').at(-1)).toBe('1');
  expect(typed('write /srv/a 1', 'sysupgrade -o', 'cat /srv/a').at(-1)).toBe('1');
  expect(typed('sysupgrade -k', 'ls /etc/backup').at(-1)).toMatch(/installed_packages\.txt$/);
});

test('the reset is the factory reset under both its names', () => {
  for (const name of ['firstboot', 'factory-reset'])
    expect(typed('write /etc/x 1', `${name} -r`, 'cat /etc/x').slice(1)).toEqual([
      'up on jffs2-overlay',
      expect.stringContaining('ENOENT'),
    ]);
});

test('failsafe mounts the overlay by hand', () => {
  expect(
    typed('write /etc/x 1', 'failsafe', 'cat /etc/x', 'mount_root', 'cat /etc/x', 'mount_root').slice(1),
  ).toEqual([
    'up on failsafe',
    expect.stringContaining('ENOENT'),
    'up on jffs2-overlay',
    '1',
    'the root is mounted already',
  ]);
});

test('a power cut turns the device off until the next boot', () => {
  expect(typed('power-cut 2', 'write /etc/x 1', 'ls /', 'reboot').slice(1)).toEqual([
    'power cut',
    'the device is not running',
    'up on jffs2-overlay',
  ]);
});

test('a system that hangs is restarted by its watchdog, now or in the next command', () => {
  expect(
    typed('write /etc/x 1', 'hang', 'cat /etc/x', 'hang 1', 'write /etc/x 2', 'cat /etc/x').slice(1),
  ).toEqual([
    'hangs, and is restarted by its watchdog: up on jffs2-overlay',
    '1',
    'the system hangs at flash operation 1',
    'hangs, and is restarted by its watchdog: up on jffs2-overlay',
    expect.stringMatching(/^(1?)$/),
  ]);
});

test('commands with & between them are in flight together', () => {
  expect(
    typed(
      'write /a 1 & mkdir /b & rm /etc/config/network',
      'cat /a',
      'rm /a & rm /a',
      'ls / & mkdir /c',
    ).slice(1),
  ).toEqual([
    '1',
    expect.stringMatching(/^(done & ENOENT|ENOENT & done)$/),
    'ls: cannot be done together with others',
  ]);
});

test.each([
  ['mkdir', 'mkdir: expected 1 operand, found 0'],
  ['mv /a', 'mv: expected 2 operands, found 1'],
  ['chmod 999 /etc/passwd', 'chmod: expected an octal mode, found 999'],
  ['hang soon', 'hang: expected a count from 1, found soon'],
  ['power-cut soon', 'power-cut: expected a count from 1, found soon'],
  ['button long', 'button: expected seconds, found long'],
  ['frobnicate', 'unknown command frobnicate'],
])('%s is refused by name', (line, message) => {
  expect(typed(line)).toEqual([message]);
});
