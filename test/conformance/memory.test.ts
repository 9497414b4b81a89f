import { steppingClock } from '../../tools/core/index.js';
import { memoryFromTree } from '../../tools/vfs/index.js';
import { describeFileSystem } from './suite.js';

describeFileSystem({
  name: 'memory',
  mount: (tree) => {
    const fileSystem = memoryFromTree(tree, { clock: steppingClock(1_700_000_000, 1n) });
    return { fileSystem, remount: () => fileSystem.clone() };
  },
});

describeFileSystem({
  name: 'read-only memory',
  readOnly: true,
  mount: (tree) => {
    const fileSystem = memoryFromTree(tree);
    fileSystem.readOnly = true;
    return { fileSystem };
  },
});
