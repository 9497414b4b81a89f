/**
 * The 20-byte header of Netgear's Orion boards: a name and a CRC-32 over the whole file with that field zero.
 *
 * @see SPEC.md "Name and checksum"; found and checked on a published WNR854T image
 */
import { crc32, FormatError } from '../core/index.js';
import { concatBytes, startsWith } from './bytes.js';
import { fieldTable, text, u32be } from './fields.js';

/** The header. */
export const namedChecksumTable = fieldTable('name and checksum header', 20, {
  name: text(0, 16),
  crc: u32be(16),
});

/** Puts the header in front of an image. */
export function buildNamedChecksum(name: string, image: Uint8Array): Uint8Array {
  const blank = concatBytes(namedChecksumTable.write({ name, crc: 0 }), image);
  return concatBytes(namedChecksumTable.write({ name, crc: crc32(blank) }), image);
}

/** Says whether such a header starts at `offset`; known names begin with `NG_`. */
export function isNamedChecksum(bytes: Uint8Array, offset = 0): boolean {
  return startsWith(bytes, Buffer.from('NG_'), offset) && offset + namedChecksumTable.size <= bytes.length;
}

/** Reads the header that starts at `offset`; the image runs to the end of the bytes. FW_FIRMWARE_MAGIC otherwise. */
export function readNamedChecksum(
  bytes: Uint8Array,
  offset = 0,
): { readonly name: string; readonly crcOk: boolean } {
  if (!isNamedChecksum(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no NG_ header at 0x${offset.toString(16)}`, {
      data: { structure: 'name and checksum header', offset },
    });
  const { name, crc } = namedChecksumTable.read(bytes, offset);
  const blank = concatBytes(
    namedChecksumTable.write({ name, crc: 0 }),
    bytes.subarray(offset + namedChecksumTable.size),
  );
  return { name, crcOk: crc32(blank) === crc };
}
