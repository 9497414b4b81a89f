/** Listings of squashfs directories. */
import { byteString, FormatError, textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { FileType } from '../vfs/index.js';
import type { SquashfsImage } from './image.js';
import { typeOfNumber } from './inode.js';
import type { InodeListing } from './inode.js';
import { MetadataCursor } from './metadata-cursor.js';

/** Above this a listing is taken for an attack: some two million names. */
const longestListing = 64 * 1024 * 1024;

/** One name of a directory, with the number and the reference of its inode. */
export interface ListedName {
  readonly name: ByteString;
  readonly type: FileType;
  readonly number: number;
  readonly reference: number;
}

/**
 * Reads a whole listing, in stored order.
 *
 * @throws FormatError FW_SQUASHFS_DIRECTORY for a name that cannot be (a slash, a zero byte, `..`, a duplicate), an
 *   impossible count or type; FW_SQUASHFS_BLOCK
 */
export function readListing(image: SquashfsImage, listing: InodeListing): readonly ListedName[] {
  const start = image.tables.directoryTableStart + listing.block;
  if (listing.length > longestListing) throw fault(start, `at most ${longestListing} bytes`, listing.length);
  const cursor = new MetadataCursor(
    image,
    'directory table',
    start,
    listing.offset,
    image.superBlock.bytesUsed,
  );
  const names: ListedName[] = [];
  const seen = new Set<ByteString>();
  for (let rest = listing.length; rest > 0;) {
    const header = cursor.read(12);
    const count = header.getUint32(0, true) + 1;
    const block = header.getUint32(4, true);
    const firstNumber = header.getUint32(8, true);
    rest -= 12;
    if (count > 256) throw fault(start, 'at most 256 names behind a header', count);
    for (let i = 0; i < count; i += 1) {
      const entry = cursor.read(8);
      const reference = block * 65536 + entry.getUint16(0, true);
      const number = firstNumber + entry.getInt16(2, true);
      const type = typeOfNumber(entry.getUint16(4, true));
      const name = byteString(cursor.readBytes(entry.getUint16(6, true) + 1));
      rest -= 8 + name.length;
      if (rest < 0) throw fault(start, `${listing.length} bytes of names`, 'more');
      if (type === undefined || number <= 0) throw fault(start, 'a type and a number', `number ${number}`);
      if (name.length > 255 || name === '.' || name === '..' || /[/\0]/.test(name) || seen.has(name)) {
        throw fault(start, 'a name that can be, once', JSON.stringify(textOf(name)));
      }
      seen.add(name);
      names.push({ name, type, number, reference });
    }
  }
  return names;
}

function fault(offset: number, expected: string, found: string | number): FormatError {
  return new FormatError(
    'FW_SQUASHFS_DIRECTORY',
    `squashfs directory listing at offset ${offset}: expected ${expected}, found ${found}`,
    { data: { structure: 'directory table', offset, expected, found } },
  );
}
