/** What we write, read by the kernel, squashfs-tools and squashfs-tools-ng. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { squashfsTree, writeSquashfs } from '../../../tools/squashfs/index.js';
import type { SquashfsCompressor } from '../../../tools/squashfs/index.js';
import { fixture, fixturePath, path, requires, root, tool } from '../../support/requires.js';
import { describeTree, everyKind, fastOptions } from '../../support/squashfs-trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { describeFolder } from './host-listing.js';
import { mounted } from './loop-mount.js';

const folder = temporaryFolder();

const compressors: readonly SquashfsCompressor[] = [
  { kind: 'gzip', level: 1 },
  { kind: 'xz', level: 1, lc: 0, lp: 2, pb: 2 },
  { kind: 'xz', level: 1, dictionarySize: 8192 },
  { kind: 'zstd', level: 1 },
  { kind: 'lz4' },
];

for (const [i, compressor] of compressors.entries()) {
  const options = { ...fastOptions, compressor, blockSize: 16_384, exportTable: i % 2 === 0 };
  const name = `${compressor.kind}-${i}`;

  requires(
    root(),
    path('/dev/loop-control'),
    tool('getfattr'),
  )(`the kernel mounts our ${name} image and sees every object as it was`, async () => {
    const image = join(folder, `kernel-${name}.squashfs`);
    await writeSquashfs(everyKind(), image, options);
    const seen = mounted(image, join(folder, `mount-${name}`), describeFolder);
    expect(seen).toEqual(describeTree(everyKind()));
  });

  requires(
    root(),
    tool('unsquashfs'),
    tool('getfattr'),
  )(`unsquashfs unpacks our ${name} image`, async () => {
    const image = join(folder, `unsquashfs-${name}.squashfs`);
    const out = join(folder, `unsquashfs-${name}`);
    await writeSquashfs(everyKind(), image, options);
    execFileSync('unsquashfs', ['-quiet', '-no-progress', '-dest', out, image], { stdio: 'pipe' });
    expect(describeFolder(out)).toEqual(describeTree(everyKind()));
  });

  requires(root(), tool('rdsquashfs'))(`rdsquashfs unpacks our ${name} image`, async () => {
    const image = join(folder, `rdsquashfs-${name}.squashfs`);
    const out = join(folder, `rdsquashfs-${name}`);
    await writeSquashfs(everyKind(), image, options);
    mkdirSync(out);
    execFileSync('rdsquashfs', ['-q', '-C', '-O', '-T', '-X', '-u', '/', '-p', out, image], {
      stdio: 'pipe',
    });
    // It copies hard links, changes owners after it has set capabilities, and fills folders it has set times of.
    const plain = (lines: readonly string[]): string[] =>
      lines
        .filter((line) => line.includes(' file '))
        .map((line) => line.replace(/ = .*/, '').replace(/security\.capability=\w+ /, ''));
    expect(plain(describeFolder(out))).toEqual(plain(describeTree(everyKind())));
  });
}

for (const name of ['fw-ath25-root.squashfs', 'flash-yi-1080-rootfs.squashfs']) {
  requires(
    fixture(name),
    root(),
    path('/dev/loop-control'),
    tool('getfattr'),
  )(`the root tree of ${name}, packed again, is mounted by the kernel and equal entry by entry`, async () => {
    const tree = squashfsTree({ path: fixturePath(name) });
    const image = join(folder, name);
    await writeSquashfs(tree, image, {
      compressor: { kind: 'xz', level: 1, lc: 0, lp: 2, pb: 2 },
      imageTime: fastOptions.imageTime,
    });
    const seen = mounted(image, join(folder, `mount-${name}`), describeFolder);
    expect(seen).toEqual(describeTree(tree));
  });
}

for (const effort of ['more', 'most'] as const) {
  requires(
    fixture('fw-ath25-root.squashfs'),
    root(),
    path('/dev/loop-control'),
    tool('getfattr'),
  )(`the kernel reads a real root packed with ${effort} effort, blocks of many parameters`, async () => {
    const tree = squashfsTree({ path: fixturePath('fw-ath25-root.squashfs') });
    const image = join(folder, `effort-${effort}`);
    await writeSquashfs(tree, image, {
      compressor: { kind: 'xz', level: 1, lc: 0, lp: 2, pb: 2 },
      imageTime: fastOptions.imageTime,
      effort,
    });
    const seen = mounted(image, join(folder, `mount-${effort}`), describeFolder);
    expect(seen).toEqual(describeTree(tree));
  });
}
