/** The union over the layers of a device: JFFS2 as the upper, squashfs as the lower; and over a folder of the host. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteStringFromText, steppingClock } from '../../tools/core/index.js';
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import { mountJffs2 } from '../../tools/jffs2/index.js';
import type { Jffs2FileSystem } from '../../tools/jffs2/index.js';
import { openSquashfs, packSquashfs } from '../../tools/squashfs/index.js';
import { policies } from '../../tools/union/index.js';
import { fillFromTree, HostFileSystem, memoryFromTree, newDirectory } from '../../tools/vfs/index.js';
import type { FileSystem, TreeDirectory } from '../../tools/vfs/index.js';
import { fastOptions } from '../support/squashfs-trees.js';
import { unionOf, upperOn } from '../support/unions.js';
import type { Backend, Mounted } from './backend.js';
import { sampleTree } from './reading.js';
import { describeFileSystem } from './suite.js';

const jffs2NameMax = 254;

/** A chip that is mounted again and again. */
function newFlash(): () => Jffs2FileSystem {
  const chip = new NorChip({ geometry: norGeometry(4 << 20, 65_536) });
  const clock = steppingClock(1_700_000_000, 1_000_000_000n);
  return () => mountJffs2(chip, { endian: 'big', clock });
}

/** A union and how it is mounted again. */
function mounted(lower: FileSystem, mountStore: () => FileSystem, policy = policies.overlayfs): Mounted {
  const union = unionOf({ lowers: [lower], store: mountStore(), policy });
  return {
    fileSystem: union,
    remount: () => {
      union.unmount();
      return unionOf({ lowers: [lower], store: mountStore(), policy });
    },
  };
}

const lacks: Backend['lacks'] = ['whiteout', 'directory-link-count'];
const jffs2Lacks: Backend['lacks'] = [
  ...lacks,
  'holes',
  'tmpfile',
  'fallocate',
  'access-time',
  'nanoseconds',
];

describeFileSystem({
  name: 'union on jffs2, all in the upper',
  nameMax: jffs2NameMax,
  // The lower's names are longer (union 24, 172).
  statedNameMax: 255,
  lacks: jffs2Lacks,
  mount: (tree) => {
    const mount = newFlash();
    const flash = mount();
    fillFromTree(flash, upperOn(flash).upper.root, tree);
    return mounted(memoryFromTree(newDirectory()), mount);
  },
});

describeFileSystem({
  name: 'union on jffs2 as OpenWrt mounts it, all in the lower',
  nameMax: jffs2NameMax,
  // The lower's names are longer (union 24, 172).
  statedNameMax: 255,
  lacks: [...jffs2Lacks, 'links-of-the-tree'],
  mount: (tree) => mounted(memoryFromTree(tree), newFlash(), policies.openwrt),
});

/** Images of the trees that the suite asks for; packing is not for a synchronous moment. */
async function images(): Promise<(tree: TreeDirectory) => FileSystem> {
  const pack = async (tree: TreeDirectory): Promise<Uint8Array> =>
    (await packSquashfs(tree, fastOptions)).bytes;
  const [sample, empty] = [await pack(sampleTree(true, jffs2NameMax)), await pack(newDirectory())];
  return (tree) => openSquashfs(tree.entries.size > 0 ? sample : empty);
}

const openImage = await images();

describeFileSystem({
  name: 'union on jffs2 over squashfs',
  nameMax: jffs2NameMax,
  // The lower's names are longer (union 24, 172).
  statedNameMax: 255,
  lacks: jffs2Lacks,
  mount: (tree) => mounted(openImage(tree), newFlash()),
});

describeFileSystem({
  name: 'union on a host folder',
  missing: process.getuid?.() === 0 ? undefined : 'root',
  lacks,
  mount: (tree) => {
    const folder = mkdtempSync(join(tmpdir(), 'firmwright-union-'));
    const open: HostFileSystem[] = [];
    const mount = (): HostFileSystem => {
      const host = new HostFileSystem(byteStringFromText(folder));
      open.push(host);
      return host;
    };
    return {
      ...mounted(memoryFromTree(tree), mount),
      close: () => {
        for (const host of open) host[Symbol.dispose]();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});
