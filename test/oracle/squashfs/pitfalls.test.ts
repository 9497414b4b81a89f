/** Pitfalls of libsquashfs that only other readers show; the others are in test/unit/squashfs/pitfalls.test.ts. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { byteStringFromText } from '../../../tools/core/index.js';
import { writeSquashfs } from '../../../tools/squashfs/index.js';
import { newDirectory } from '../../../tools/vfs/index.js';
import type { TreeDirectory } from '../../../tools/vfs/index.js';
import { path, requires, root, tool } from '../../support/requires.js';
import { fastOptions, file } from '../../support/squashfs-trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

/** Everything is root's, so that the table of owners has one entry, which no compressor makes smaller. */
function oneOwner(): TreeDirectory {
  const tree = newDirectory();
  tree.entries.set(byteStringFromText('greeting'), file(Buffer.from('hello, '.repeat(500))));
  return tree;
}

for (const highCompression of [false, true]) {
  requires(tool('unsquashfs'))(
    `pitfall 2: unsquashfs reads an lz4 image with one owner, high compression ${highCompression ? 'on' : 'off'}`,
    async () => {
      const image = join(folder, `lz4-${highCompression}`);
      const out = `${image}.unpacked`;
      await writeSquashfs(oneOwner(), image, {
        ...fastOptions,
        compressor: { kind: 'lz4', highCompression },
      });
      execFileSync('unsquashfs', ['-quiet', '-no-progress', '-no-xattrs', '-dest', out, image], {
        stdio: 'pipe',
      });
      expect(readFileSync(join(out, 'greeting'), 'utf8')).toBe('hello, '.repeat(500));
    },
  );
}

requires(root(), path('/dev/loop-control'))(
  'pitfall 7: an image is mounted as it stands when padded to whole sectors, and refused when the loop device cuts it',
  async () => {
    const mountPoint = join(folder, 'mount');
    mkdirSync(mountPoint);
    const mount = (image: string): void => {
      execFileSync('mount', ['-o', 'loop,ro', '-t', 'squashfs', image, mountPoint], { stdio: 'pipe' });
    };
    const bare = join(folder, 'bare');
    const padded = join(folder, 'padded');
    const { bytesUsed } = await writeSquashfs(oneOwner(), bare, fastOptions);
    await writeSquashfs(oneOwner(), padded, { ...fastOptions, padTo: 4096 });
    expect(statSync(bare).size).toBe(bytesUsed);
    expect(bytesUsed % 512).not.toBe(0);
    expect(() => {
      mount(bare);
    }).toThrow(/superblock/);
    expect(statSync(padded).size % 4096).toBe(0);
    mount(padded);
    try {
      expect(readFileSync(join(mountPoint, 'greeting'), 'utf8')).toBe('hello, '.repeat(500));
    } finally {
      execFileSync('umount', [mountPoint]);
    }
  },
);
