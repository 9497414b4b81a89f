/** The division of an image among names and packages: exact sums, shared blocks, hostile ranges, real roots. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fc } from '@fast-check/vitest';
import { attributeImage } from '../../../tools/budget/index.js';
import { divideExtents } from '../../../tools/budget/attribution.js';
import { packageOwners } from '../../../tools/budget/package-owners.js';
import type { ImageAttribution } from '../../../tools/budget/index.js';
import { byteStringFromText } from '../../../tools/core/index.js';
import { assembleRootTree } from '../../../tools/rootfs/index.js';
import { packSquashfs } from '../../../tools/squashfs/index.js';
import type { ImageExtents, ImageName } from '../../../tools/squashfs/index.js';
import { fixture, fixturePath, requires, tool } from '../../support/requires.js';
import { everyKind, fastOptions } from '../../support/squashfs-trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

const name = (path: string, type: ImageName['type'] = 'file', size = 0): ImageName => ({
  path: byteStringFromText(path),
  type,
  inode: 1,
  size,
});
const names = ['/', '/own', '/one', '/two', '/long', '/short'].map((path) => name(path));
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

/** Every sum that must be the size of the image. */
function sums({ names: costs, kinds, packages, unowned }: ImageAttribution): number[] {
  return [
    sum(costs.map(({ stored }) => stored)),
    sum(costs.flatMap(({ data, tail, metadata }) => [data, tail, metadata])),
    sum(Object.values(kinds)),
    sum(packages.map(({ stored }) => stored)) + unowned.stored,
  ];
}

describe('dividing byte ranges', () => {
  const at = (offset: number, size: number, users: ImageExtents['extents'][number]['users']) =>
    ({ kind: 'data', offset, size, users }) as const;

  test('own blocks count whole, shared ones equally, tails by their bytes, the rest for the root', () => {
    const { names: costs } = divideExtents(
      {
        size: 300,
        names,
        extents: [
          { kind: 'super block', offset: 0, size: 96, users: [] },
          at(96, 60, [{ name: 1, weight: 1 }]),
          at(156, 31, [
            { name: 2, weight: 1 },
            { name: 3, weight: 1 },
          ]),
          {
            kind: 'fragments',
            offset: 187,
            size: 80,
            users: [
              { name: 4, weight: 300 },
              { name: 5, weight: 100 },
            ],
          },
        ],
      },
      [],
    );
    expect(costs.map(({ path, stored }) => [path, stored])).toEqual([
      ['/', 96 + 33],
      ['/own', 60],
      ['/one', 16],
      ['/two', 15],
      ['/long', 60],
      ['/short', 20],
    ]);
    expect(costs[4]).toMatchObject({ data: 0, tail: 60, metadata: 0 });
  });

  test('whatever the ranges, overlapping or beyond the image, the costs add up to it', () => {
    const range = fc.record({
      kind: fc.constantFrom('data', 'fragments', 'inodes', 'tables'),
      offset: fc.nat(6000),
      size: fc.nat(2000),
      users: fc.array(fc.record({ name: fc.nat(5), weight: fc.integer({ min: 1, max: 900 }) })),
    });
    fc.assert(
      fc.property(fc.array(range), fc.integer({ min: 1, max: 7000 }), (extents, size) => {
        const attribution = divideExtents({ size, names, extents: extents.map((e) => ({ ...e })) }, []);
        expect(sums(attribution)).toEqual([size, size, size, size]);
        expect(attribution.names.every(({ stored }) => stored >= 0)).toBe(true);
      }),
    );
  });
});

describe('owners', () => {
  test('listed files, notes of opkg, and folders that one package fills', () => {
    const paths: [string, ImageName['type']][] = [
      ['/', 'directory'],
      ['/a', 'directory'],
      ['/a/one', 'file'],
      ['/a/deep', 'directory'],
      ['/a/deep/two', 'file'],
      ['/b', 'directory'],
      ['/b/one', 'file'],
      ['/b/other', 'file'],
      ['/empty', 'directory'],
      ['/usr/lib/opkg/info/alpha.control', 'file'],
      ['/usr/lib/opkg/info/gone.control', 'file'],
    ];
    const of = (owner: string, files: readonly string[]) => ({
      name: owner,
      version: '1',
      architecture: 'all',
      dependencies: [],
      conffiles: [],
      files: files.map(byteStringFromText),
    });
    const owners = packageOwners(
      paths.map(([path, type]) => name(path, type)),
      [of('alpha', ['/a/one', '/a/deep/two', '/b/one']), of('beta', ['/b/other', '/b/one'])],
    );
    expect(owners).toEqual([
      undefined,
      'alpha',
      'alpha',
      'alpha',
      'alpha',
      undefined,
      'alpha',
      'beta',
      undefined,
      'alpha',
      undefined,
    ]);
  });
});

describe('written images', () => {
  test.each([4096, 16_384])(
    'every kind of object, hard links, duplicates, xattrs, blocks of %i bytes',
    async (blockSize) => {
      const { bytes, report } = await packSquashfs(everyKind(), {
        ...fastOptions,
        blockSize,
        exportTable: true,
        padTo: 4096,
      });
      const attribution = attributeImage(bytes);
      expect(attribution.size).toBe(report.size);
      expect(sums(attribution)).toEqual(sums(attribution).map(() => report.size));
      expect(attribution.kinds).toMatchObject({ gaps: 0, padding: report.size - report.bytesUsed });
      expect(attribution.kinds.xattrs).toBeGreaterThan(0);
    },
  );
});

for (const [archive, label] of [
  ['rootfs-openwrt-15.05-ath25-mips-be.tar.xz', 'OpenWrt 15.05'],
  ['rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz', 'OpenWrt 19.07'],
] as const) {
  requires(fixture(archive))(
    `${label}: the costs of all names add up to the image, and so do packages`,
    async () => {
      using tree = await assembleRootTree([{ kind: 'archive', path: fixturePath(archive) }], {
        temporaryFolder: folder,
        sourceDateEpoch: fastOptions.imageTime,
      });
      const { bytes } = await packSquashfs(tree.root, {
        compressor: { kind: 'xz', level: 3, lc: 0, lp: 2, pb: 2 },
        imageTime: fastOptions.imageTime,
        uniformTime: fastOptions.imageTime,
      });
      const attribution = attributeImage(bytes);
      expect(attribution.size).toBe(bytes.length);
      expect(new Set(sums(attribution))).toEqual(new Set([bytes.length]));
      expect(attribution.kinds).toMatchObject({ gaps: 0, padding: 0 });
      expect(attribution.packages.map(({ name: owner }) => owner).sort()).toEqual(
        tree.packages.map(({ name: owner }) => owner).sort(),
      );
      // What no package lists is what was laid over the packages, and the list of packages itself.
      expect(attribution.unowned.stored).toBeLessThan(bytes.length / 50);
      expect(attributeImage(bytes)).toEqual(attribution);
    },
  );
}

requires(fixture('fw-ath25-root.squashfs'))('an image as published, with its padding', () => {
  const bytes = new Uint8Array(readFileSync(fixturePath('fw-ath25-root.squashfs')));
  const attribution = attributeImage(bytes);
  expect(new Set(sums(attribution))).toEqual(new Set([bytes.length]));
  expect(attribution.kinds).toMatchObject({ gaps: 0, padding: 2_228_224 - 1_914_846 });
  expect(attribution.packages).toHaveLength(66);
});

requires(tool('mksquashfs'))('an image of mksquashfs has no byte that is not understood', () => {
  const source = join(folder, 'source');
  mkdirSync(join(source, 'some/folder'), { recursive: true });
  for (let i = 0; i < 600; i += 1) {
    writeFileSync(join(source, `some/folder/file-${i}`), `file ${i}\n`.repeat(i));
  }
  const image = join(folder, 'foreign.squashfs');
  execFileSync(
    'mksquashfs',
    [source, image, '-quiet', '-no-progress', '-comp', 'gzip', '-Xcompression-level', '3'],
    {
      stdio: 'pipe',
    },
  );
  const bytes = new Uint8Array(readFileSync(image));
  const attribution = attributeImage(bytes);
  expect(new Set(sums(attribution))).toEqual(new Set([bytes.length]));
  expect(attribution.kinds.gaps).toBe(0);
  expect(attribution.names).toHaveLength(603);
});
