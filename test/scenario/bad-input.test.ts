/** Bad input of the emulator: each gets one clear error, or one finding that names it. */
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { FormatError } from '../../tools/core/index.js';
import { chipFromImage, type ScenarioReport } from '../../tools/emulator/index.js';
import { appendMetadata, readChunks } from '../../tools/firmware/index.js';
import { noise } from '../support/image-inputs.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps } from '../support/scenario-steps.js';

const profile = smallBoard();
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile, undefined, 60_000);
});

function refusalOf(bytes: Uint8Array): string {
  try {
    chipFromImage(profile, bytes);
    return 'taken';
  } catch (error) {
    if (error instanceof FormatError && error.code === 'FW_EMULATOR_IMAGE') return error.message;
    throw error;
  }
}

/** The image without its metadata. */
function bare(): Uint8Array {
  return image.subarray(0, readChunks(image).at(-1)?.offset);
}

describe('an image is refused by name', () => {
  test('of another board', async () => {
    const other = { ...profile, boardName: 'acme,other', supportedDevices: ['acme,other'] };
    expect(refusalOf(await sysupgradeImage(other, undefined, 60_000))).toBe(
      'the image is for acme,other, not for ubnt,unifi',
    );
  });

  test('of another byte order', () => {
    const bytes = image.slice();
    bytes.set(Buffer.from('sqsh'), Buffer.from(bytes).indexOf('hsqs'));
    expect(refusalOf(bytes)).toMatch(/the squashfs at 0x[0-9a-f]+ is big-endian/);
  });

  test('cut off in its kernel', () => {
    expect(refusalOf(image.subarray(0, 30_000))).toMatch(/^board test_small would not start this image/);
  });

  test('cut off in its root', () => {
    const root = Buffer.from(image).indexOf('hsqs');
    expect(refusalOf(image.subarray(0, root + 20_000))).toMatch(
      /^the image is cut off: its squashfs ends at/,
    );
  });

  test('with a damaged trailer', () => {
    const bytes = image.slice();
    bytes[bytes.length - 12] = (bytes[bytes.length - 12] ?? 0) ^ 1;
    expect(refusalOf(bytes)).toMatch(/^the trailer at 0x[0-9a-f]+ is damaged/);
  });

  test('with metadata that is larger than devices read', () => {
    // A trailer of another tool, with a right checksum and a chunk beyond the limit of fwtool.
    const fitting = appendMetadata(bare(), 'x'.repeat(30_000));
    const trailer = fitting.slice(-16);
    new DataView(trailer.buffer).setUint32(12, 40_000);
    const bytes = new Uint8Array(fitting.length);
    bytes.set(fitting);
    bytes.set(trailer, bytes.length - 16);
    expect(refusalOf(bytes)).toMatch(/chunk of 40.000 bytes is larger than devices read/);
  });

  test('with metadata that is no JSON', () => {
    expect(refusalOf(appendMetadata(bare(), '{ "supported_devices": 7 }'))).toBe(
      'the metadata of the image is not the JSON that sysupgrade reads',
    );
  });

  test('that is empty', () => {
    expect(refusalOf(new Uint8Array())).toContain('the image is empty');
  });

  test('that is a dump of the wrong size', () => {
    expect(refusalOf(new Uint8Array(profile.flash.size + 1))).toBe(
      'image of 2 097 153 bytes: expected a dump of 2 097 152 bytes or at most 1 703 936 bytes for "firmware"',
    );
  });
});

function run(steps: string, files: Readonly<Record<string, Uint8Array>>): ScenarioReport {
  return runSteps(steps, { profile, image, read: (name) => files[name] ?? new Uint8Array() });
}

/** A tar of one file under any name. */
function tarOf(name: string, content: Uint8Array): Uint8Array {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([header, content, padding, Buffer.alloc(1024)]);
}

describe('an archive of settings', () => {
  test.each(['../../etc/evil', '/../evil'])(
    'with the path %s is not unpacked, and the finding says why',
    (name) => {
      const settings = gzipSync(tarOf(name, Buffer.from('evil')));
      const report = run(
        `  - boot
  - sysupgrade: { settings: hostile.tgz }
  - expect:
      state: jffs2-overlay
      findings: [config-unreadable]
      file: [{ path: /etc/evil, absent: true }, { path: /evil, absent: true }]
`,
        { 'hostile.tgz': settings },
      );
      expect(problemsOf(report)).toEqual([]);
      expect(report.findings.find(({ code }) => code === 'config-unreadable')?.where).toContain(name);
    },
  );

  test('that is larger than the room behind the image is cut, and the finding says so', () => {
    const settings = gzipSync(tarOf('etc/big', noise(1_800_000)));
    const report = run(
      `  - boot
  - sysupgrade: { settings: big.tgz }
  - expect: { findings: [config-cut], noFindings: [image-cut] }
`,
      { 'big.tgz': settings },
    );
    expect(problemsOf(report)).toEqual([]);
  });

  test('that is no gzip is refused', () => {
    const report = run('  - boot\n  - sysupgrade: { settings: text, refused: [bad-settings] }\n', {
      text: Buffer.from('no archive'),
    });
    expect(problemsOf(report)).toEqual([]);
  });
});

test('a new image that is damaged gzip is refused, also with force', () => {
  const damaged = gzipSync(image).subarray(0, 5000);
  const report = run(
    `  - boot
  - sysupgrade: { image: damaged, refused: [no-metadata, damaged-gzip] }
  - sysupgrade: { image: damaged, force: true, refused: [no-metadata, damaged-gzip] }
`,
    { damaged },
  );
  expect(problemsOf(report)).toEqual([]);
});

test('an empty new image is refused, also with force', () => {
  const report = run(
    '  - boot\n  - sysupgrade: { image: none, force: true, refused: [no-metadata, empty-image] }\n',
    {},
  );
  expect(problemsOf(report)).toEqual([]);
});

test('a partition that the board does not have, and bytes that do not fit one, are refused by name', () => {
  expect(problemsOf(run('  - flash: { partition: nvram, text: x }\n', {}))).toEqual([
    'board test_small has no partition "nvram"',
  ]);
  expect(problemsOf(run('  - flash: { partition: art, offset: 65530, bytes: 100 }\n', {}))).toEqual([
    'partition art has room for 6 bytes at 65530, 100 are to be written',
  ]);
});
