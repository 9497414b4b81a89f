import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byteStringFromText } from '../../tools/core/index.js';
import { fillFromTree, HostFileSystem } from '../../tools/vfs/index.js';
import { describeFileSystem } from './suite.js';

describeFileSystem({
  name: 'host folder',
  // Owners and device nodes are root's to give.
  missing: process.getuid?.() === 0 ? undefined : 'root',
  lacks: ['directory-link-count'],
  mount: (tree) => {
    const folder = mkdtempSync(join(tmpdir(), 'firmwright-host-'));
    let fileSystem = new HostFileSystem(byteStringFromText(folder));
    fillFromTree(fileSystem, fileSystem.root, tree);
    fileSystem.setattr(fileSystem.root, { mode: tree.mode });
    return {
      fileSystem,
      remount: () => {
        fileSystem[Symbol.dispose]();
        fileSystem = new HostFileSystem(byteStringFromText(folder));
        return fileSystem;
      },
      close: () => {
        fileSystem[Symbol.dispose]();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});
