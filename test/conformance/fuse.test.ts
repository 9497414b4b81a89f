import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { fillFromTree, HostFileSystem } from '../../tools/vfs/index.js';
import { missingForFuse, serveMemory } from '../support/fuse-mount.js';
import type { ServedMount } from '../support/fuse-mount.js';
import { describeFileSystem } from './suite.js';

const missing = missingForFuse();
let served: ServedMount | undefined;
let folders = 0;

if (missing === undefined) {
  beforeAll(async () => {
    served = await serveMemory();
  });
  afterAll(async () => {
    await served?.stop();
  });
}

// Memory behind FUSE behind the kernel, asked through the system calls of the host.
describeFileSystem({
  name: 'mounted memory',
  missing,
  lacks: ['directory-link-count'],
  mount: (tree) => {
    const folder = join(served?.mountPoint ?? '', String(folders++));
    mkdirSync(folder);
    const fileSystem = new HostFileSystem(byteStringFromText(folder));
    fillFromTree(fileSystem, fileSystem.root, tree);
    fileSystem.setattr(fileSystem.root, { mode: tree.mode });
    return {
      fileSystem,
      close: () => {
        fileSystem[Symbol.dispose]();
      },
    };
  },
});
