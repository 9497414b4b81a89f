/** A squashfs superblock (version 4.0, xz, blocks of 128 KiB) that claims a squashfs of `size` bytes; 96 bytes long. */
export function squashfsSuperBlock(size: number): Uint8Array {
  const bytes = new Uint8Array(96);
  bytes.set(Buffer.from('hsqs'));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, 1, true);
  view.setUint32(12, 0x20000, true);
  view.setUint16(20, 4, true);
  view.setUint16(22, 17, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 4, true);
  view.setBigUint64(40, BigInt(size), true);
  return bytes;
}
