/** Leave-one-out: what is predicted for a package is what a build without it gives. */
import { expect, test } from 'vitest';
import { attributeImage, packageSavings } from '../../../tools/budget/index.js';
import { assembleRootTree } from '../../../tools/rootfs/index.js';
import { packSquashfs } from '../../../tools/squashfs/index.js';
import type { SquashfsOptions } from '../../../tools/squashfs/index.js';
import { walkTree } from '../../../tools/vfs/index.js';
import type { TreeDirectory } from '../../../tools/vfs/index.js';
import { noise } from '../../support/image-inputs.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';
import { routerTree } from '../../support/router-image.js';
import { fastOptions } from '../../support/squashfs-trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

/** A router root with three packages of 40, 20 and 0 KB of noise; `small` needs `big`. */
function rootWithPackages(): TreeDirectory {
  const paragraph = (name: string, depends = ''): string =>
    `Package: ${name}\nVersion: 1\n${depends}Status: install user installed\nArchitecture: all\n\n`;
  return routerTree({
    '/usr/lib/opkg/status':
      paragraph('big') + paragraph('small', 'Depends: libc, big\n') + paragraph('empty'),
    '/usr/lib/opkg/info/big.list': '/usr/bin/big\n/usr/share/both\n',
    '/usr/lib/opkg/info/small.list': '/usr/bin/small\n/usr/share/both\n',
    '/usr/lib/opkg/info/empty.list': '',
    '/usr/bin/big': Buffer.from(noise(40_000, 1)).toString('latin1'),
    '/usr/bin/small': Buffer.from(noise(20_000, 2)).toString('latin1'),
    '/usr/share/both': Buffer.from(noise(9000, 3)).toString('latin1'),
  });
}

const paths = (root: TreeDirectory): string[] => [...walkTree(root)].map(({ path }) => path);

test('savings in bytes and erase blocks, who needs what, the tree left as it was', async () => {
  const root = rootWithPackages();
  const before = paths(root);
  const progress: string[] = [];
  const { size, packages } = await packageSavings(root, {
    pack: fastOptions,
    overlayBlocks: (squashfs) => Math.floor((500_000 - squashfs) / 4096),
    onProgress: (done, total) => progress.push(`${done}/${total}`),
  });
  expect(packages.map(({ name }) => name)).toEqual(['big', 'small', 'empty']);
  const [big, small, empty] = packages;
  expect(big?.bytes).toBeGreaterThan(39_900);
  expect(big?.bytes).toBeLessThan(41_000);
  expect(small?.bytes).toBeGreaterThan(19_900);
  // Both list /usr/share/both, so it stays whichever goes.
  expect(small?.bytes).toBeLessThan(21_000);
  expect(Math.abs(empty?.bytes ?? 9999)).toBeLessThan(200);
  expect(big?.neededBy).toEqual(['small']);
  const blocks = (bytes: number): number => Math.floor((500_000 - size + bytes) / 4096);
  expect(big?.eraseBlocks).toBe(blocks(big?.bytes ?? 0) - blocks(0));
  expect(progress).toEqual(['1/3', '2/3', '3/3']);
  expect(paths(root)).toEqual(before);
});

test('named packages only, and a stop on request', async () => {
  const { packages } = await packageSavings(rootWithPackages(), { pack: fastOptions, names: ['small'] });
  expect(packages.map(({ name }) => name)).toEqual(['small']);
  const cancel = new AbortController();
  const run = packageSavings(rootWithPackages(), {
    pack: fastOptions,
    signal: cancel.signal,
    onProgress: () => cancel.abort(new Error('enough')),
  });
  await expect(run).rejects.toThrow('enough');
});

for (const archive of [
  'rootfs-openwrt-15.05-ath25-mips-be.tar.xz',
  'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz',
]) {
  requires(fixture(archive))(
    `${archive}: dropping the costliest package saves what is predicted, within 1 %`,
    async () => {
      const sources = [{ kind: 'archive' as const, path: fixturePath(archive) }];
      const options = { temporaryFolder: folder, sourceDateEpoch: fastOptions.imageTime };
      const pack: SquashfsOptions = {
        compressor: { kind: 'xz', level: 1, lc: 0, lp: 2, pb: 2 },
        imageTime: fastOptions.imageTime,
      };
      using whole = await assembleRootTree(sources, options);
      const image = await packSquashfs(whole.root, pack);
      const [costliest] = attributeImage(image.bytes).packages;
      const name = costliest?.name ?? '';
      const { size, packages } = await packageSavings(whole.root, { pack, names: [name] });
      expect(size).toBe(image.report.size);
      using without = await assembleRootTree(sources, { ...options, dropPackages: [name] });
      expect(without.packages.some((entry) => entry.name === name)).toBe(false);
      const real = image.report.size - (await packSquashfs(without.root, pack)).report.size;
      const predicted = packages[0]?.bytes ?? 0;
      expect(real).toBeGreaterThan(100_000);
      expect(Math.abs(predicted - real)).toBeLessThanOrEqual(real / 100);
    },
  );
}

test('a name that nothing lists is not measured', async () => {
  const { packages } = await packageSavings(rootWithPackages(), { pack: fastOptions, names: ['other'] });
  expect(packages).toEqual([]);
});
