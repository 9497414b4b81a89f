import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteStringFromText } from '../../tools/core/index.js';
import { fillFromTree, HostFileSystem } from '../../tools/vfs/index.js';
import { describeFileSystem } from './suite.js';

for (const unshared of [false, true]) {
  describeFileSystem({
    name: unshared ? 'host folder of its own' : 'host folder',
    // Owners and device nodes are root's to give.
    missing: process.getuid?.() === 0 ? undefined : 'root',
    lacks: ['directory-link-count'],
    mount: (tree) => {
      const folder = mkdtempSync(join(tmpdir(), 'firmwright-host-'));
      let fileSystem = new HostFileSystem(byteStringFromText(folder), { unshared });
      fillFromTree(fileSystem, fileSystem.root, tree);
      fileSystem.setattr(fileSystem.root, { mode: tree.mode });
      return {
        fileSystem,
        remount: () => {
          fileSystem[Symbol.dispose]();
          fileSystem = new HostFileSystem(byteStringFromText(folder), { unshared });
          return fileSystem;
        },
        close: () => {
          fileSystem[Symbol.dispose]();
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  });
}
