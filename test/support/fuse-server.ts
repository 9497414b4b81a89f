/**
 * Serves a file system in memory on a mount point, in a process of its own: a test that called its own mount would wait
 * for itself. Arguments: mount point. Ends when it is unmounted, or with its parent.
 */
import { mountFileSystem } from '../../tools/fuse/index.js';
import { MemoryFileSystem } from '../../tools/vfs/index.js';

const [, , mountPoint = ''] = process.argv;
const clock = { nowNs: () => process.hrtime.bigint() + startNs };
const startNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
const fileSystem = new MemoryFileSystem({ clock });
const mount = mountFileSystem(fileSystem, mountPoint, {
  onFault: (error) => {
    console.error(error);
  },
});
process.stdin.on('end', () => {
  void mount.unmount();
});
process.stdin.resume();
process.on('SIGTERM', () => {
  void mount.unmount();
});
console.log('mounted');
await mount.closed;
process.exit(0);
