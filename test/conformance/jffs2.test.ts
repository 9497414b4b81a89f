import { steppingClock } from '../../tools/core/index.js';
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import { mountJffs2 } from '../../tools/jffs2/index.js';
import type { MountOptions } from '../../tools/jffs2/index.js';
import { fillFromTree } from '../../tools/vfs/index.js';
import { describeFileSystem } from './suite.js';

const kinds: readonly [name: string, eraseSize: number, options: Pick<MountOptions, 'endian' | 'summary'>][] =
  [
    ['little-endian jffs2', 65536, { endian: 'little' }],
    ['big-endian jffs2', 4096, { endian: 'big' }],
    ['obsoleting jffs2', 16384, { endian: 'little', summary: false }],
  ];

for (const [name, eraseSize, options] of kinds) {
  describeFileSystem({
    name,
    nameMax: 254,
    lacks: ['holes', 'tmpfile', 'fallocate', 'directory-link-count', 'access-time', 'nanoseconds'],
    mount: (tree) => {
      const chip = new NorChip({ geometry: norGeometry(4 << 20, eraseSize) });
      const clock = steppingClock(1_700_000_000, 1_000_000_000n);
      const mount = (): ReturnType<typeof mountJffs2> => mountJffs2(chip, { ...options, clock });
      const fileSystem = mount();
      fillFromTree(fileSystem, fileSystem.root, tree);
      return { fileSystem, remount: mount };
    },
  });
}
