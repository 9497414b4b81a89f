/** What squashfs-tools and squashfs-tools-ng write, read by us. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { byteStringFromText } from '../../../tools/core/index.js';
import { openSquashfs, squashfsTree, writeSquashfs } from '../../../tools/squashfs/index.js';
import { path, requires, root, tool } from '../../support/requires.js';
import { describeTree, everyKind, fastOptions } from '../../support/squashfs-trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { describeFolder } from './host-listing.js';
import { mounted } from './loop-mount.js';

const folder = temporaryFolder();
const source = join(folder, 'source.squashfs');
beforeAll(async () => {
  await writeSquashfs(everyKind(), source, fastOptions);
});

const needs = [root(), path('/dev/loop-control'), tool('getfattr')];

for (const [i, parameters] of [
  ['-comp', 'gzip'],
  ['-comp', 'xz', '-Xbcj', 'x86,arm', '-Xdict-size', '8K'],
  ['-comp', 'zstd', '-Xcompression-level', '1'],
  ['-comp', 'lz4', '-Xhc'],
  ['-comp', 'gzip', '-noI', '-noD', '-noF', '-noX', '-noId'],
  ['-comp', 'gzip', '-no-fragments'],
  ['-comp', 'gzip', '-always-use-fragments', '-no-exports', '-no-sparse'],
].entries()) {
  requires(...needs, tool('mksquashfs'))(
    `an image of mksquashfs ${parameters.join(' ')} reads as it is`,
    () => {
      const image = join(folder, `mksquashfs-${i}.squashfs`);
      const seen = mounted(source, join(folder, `mount-${i}`), (mountPoint) => {
        execFileSync(
          'mksquashfs',
          [mountPoint, image, '-noappend', '-no-progress', '-b', '16K', ...parameters],
          {
            stdio: 'pipe',
          },
        );
        return describeFolder(mountPoint);
      });
      expect(describeTree(squashfsTree({ path: image }))).toEqual(seen);
    },
  );
}

for (const [i, parameters] of [
  ['-c', 'gzip'],
  ['-c', 'xz', '-X', 'level=1,x86,dictsize=8192'],
  ['-c', 'zstd', '-X', 'level=1', '--exportable'],
  ['-c', 'lzma', '-X', 'level=1'],
].entries()) {
  requires(...needs, tool('gensquashfs'))(
    `an image of gensquashfs ${parameters.join(' ')} reads as it is`,
    () => {
      const image = join(folder, `gensquashfs-${i}.squashfs`);
      const seen = mounted(source, join(folder, `mount-gen-${i}`), (mountPoint) => {
        execFileSync(
          'gensquashfs',
          ['-D', mountPoint, '-q', '-f', '-k', '-x', '-b', '16384', ...parameters, image],
          {
            stdio: 'pipe',
          },
        );
        return describeFolder(mountPoint);
      });
      // It makes hard links other files, and forgets the root's own attributes and sockets.
      const comparable = (lines: readonly string[]): string[] =>
        lines
          .filter((line) => / (file|symlink|char|block|fifo) /.test(line))
          .map((line) => line.replace(/ = .*/, ''));
      expect(comparable(describeTree(squashfsTree({ path: image })))).toEqual(comparable(seen));
    },
  );
}

requires(tool('mksquashfs'))('an image at an odd offset of a file is read in place', () => {
  const image = join(folder, 'at-offset.squashfs');
  execFileSync('mksquashfs', [folder, image, '-noappend', '-no-progress', '-offset', '12345', '-e', image], {
    stdio: 'pipe',
  });
  using fileSystem = openSquashfs({ path: image, offset: 12_345 });
  expect(fileSystem.lookup(fileSystem.root, byteStringFromText('source.squashfs'))).toBeTypeOf('number');
});
