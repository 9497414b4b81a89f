import { openSquashfs, packSquashfs } from '../../tools/squashfs/index.js';
import { describeFileSystem } from './suite.js';
import { sampleTree } from './reading.js';

// Packing waits for its workers, and the suite mounts at once: the only tree that its reading tests ask for is packed first.
const { bytes } = await packSquashfs(sampleTree(true), { compressor: { kind: 'gzip' }, imageTime: 0 });

describeFileSystem({
  name: 'squashfs',
  readOnly: true,
  mount: () => {
    const fileSystem = openSquashfs(bytes);
    return {
      fileSystem,
      close: () => {
        fileSystem[Symbol.dispose]();
      },
    };
  },
});
