/** Extended attributes of a squashfs image. */
import { byteString, FormatError } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { XATTR_SIZE_MAX } from '../vfs/index.js';
import type { SquashfsImage } from './image.js';
import { MetadataCursor } from './metadata-cursor.js';

const prefixes = ['user.', 'trusted.', 'security.'];
const valueElsewhere = 0x100;
const mostXattrs = 65536;

/** Reads the set of xattrs behind an index of an inode. @throws FormatError FW_SQUASHFS_XATTR, FW_SQUASHFS_BLOCK */
export function readXattrs(image: SquashfsImage, index: number): ReadonlyMap<ByteString, Uint8Array> {
  const { xattrTableStart } = image.tables;
  if (xattrTableStart === undefined) throw fault(index, 'an xattr table', 'none');
  const header = image.stored('xattr table', xattrTableStart, 16);
  const headerView = new DataView(header.buffer, header.byteOffset, 16);
  const pairsStart = Number(headerView.getBigUint64(0, true));
  const setCount = headerView.getUint32(8, true);
  if (pairsStart > image.superBlock.bytesUsed) throw fault(index, 'a start inside the image', pairsStart);
  const set = image.tableEntry('xattr table', xattrTableStart + 16, setCount, 16, index);
  const count = set.getUint32(8, true);
  if (count > mostXattrs) throw fault(index, `at most ${mostXattrs} xattrs`, count);
  const cursor = cursorAt(image, pairsStart, set.getBigUint64(0, true));
  const xattrs = new Map<ByteString, Uint8Array>();
  for (let i = 0; i < count; i += 1) {
    const key = cursor.read(4);
    const type = key.getUint16(0, true);
    const prefix = prefixes[type & 0xff];
    const name = byteString(cursor.readBytes(key.getUint16(2, true)));
    const elsewhere = (type & valueElsewhere) !== 0;
    const stored = readValue(cursor, index);
    const value = elsewhere ? readValue(cursorAt(image, pairsStart, pointer(stored, index)), index) : stored;
    // Kernels skip prefixes they do not know.
    if (prefix !== undefined) xattrs.set((prefix + name) as ByteString, value);
  }
  return xattrs;
}

function cursorAt(image: SquashfsImage, pairsStart: number, reference: bigint): MetadataCursor {
  const block = pairsStart + Number(reference >> 16n);
  return new MetadataCursor(
    image,
    'xattr table',
    block,
    Number(reference & 0xffffn),
    image.superBlock.bytesUsed,
  );
}

function readValue(cursor: MetadataCursor, index: number): Uint8Array {
  const size = cursor.read(4).getUint32(0, true);
  if (size > XATTR_SIZE_MAX) throw fault(index, `a value of at most ${XATTR_SIZE_MAX} bytes`, size);
  return cursor.readBytes(size);
}

function pointer(stored: Uint8Array, index: number): bigint {
  if (stored.length !== 8) throw fault(index, 'a reference of 8 bytes', stored.length);
  return new DataView(stored.buffer, stored.byteOffset, 8).getBigUint64(0, true);
}

function fault(index: number, expected: string, found: string | number): FormatError {
  return new FormatError(
    'FW_SQUASHFS_XATTR',
    `squashfs xattr set ${index}: expected ${expected}, found ${found}`,
    {
      data: { structure: 'xattr table', index, expected, found },
    },
  );
}
