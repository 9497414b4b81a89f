/** Device nodes and extended attributes of the host's files, for tests that read them back. */
import { hostCalls } from '../../tools/addon/index.js';
import { byteStringFromText } from '../../tools/core/index.js';
import { typeBits } from '../../tools/vfs/index.js';
import type { DeviceNumber, FileType } from '../../tools/vfs/index.js';

function expectDone(errno: number, what: string): void {
  if (errno !== 0) throw new Error(`${what}: errno ${errno}`);
}

/** Makes a device (root only), FIFO or socket with the mode 0600. */
export function makeHostNode(
  path: string,
  type: FileType,
  { major, minor }: DeviceNumber = { major: 0, minor: 0 },
): void {
  expectDone(hostCalls().mknod(byteStringFromText(path), typeBits[type] | 0o600, major, minor), path);
}

/** Sets an extended attribute. */
export function setHostXattr(path: string, name: string, value: Uint8Array): void {
  const place = byteStringFromText(path);
  expectDone(hostCalls().setxattr(place, false, byteStringFromText(name), value, 0), path);
}
