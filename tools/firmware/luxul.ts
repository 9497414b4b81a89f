/**
 * Luxul LXL: a small header that names the board in front of the image; no checksum.
 *
 * @see SPEC.md "Luxul LXL"; OpenWrt firmware-utils src/lxlfw.c
 */
import { FormatError } from '../core/index.js';
import { concatBytes } from './bytes.js';
import { fieldTable, raw, text, u32le } from './fields.js';

/** What every version has. */
const lxlTable = fieldTable('LXL header', 12, {
  magic: text(0, 4),
  version: u32le(4),
  length: u32le(8),
});

/** What version 1 and later add. */
const lxlBoardTable = fieldTable('LXL board', 20, { flags: u32le(0), board: text(4, 16) });

/** What version 2 and later add. */
const lxlReleaseTable = fieldTable('LXL release', 4, { release: raw(0, 4) });

const lengths = [12, 32, 36, 44] as const;
const magic = 'LXL#';

/** Puts a version 1 header in front of an image. */
export function buildLxl(board: string, image: Uint8Array): Uint8Array {
  return concatBytes(
    lxlTable.write({ magic, version: 1, length: lengths[1] }),
    lxlBoardTable.write({ flags: 0, board }),
    image,
  );
}

/** A header read from bytes. */
export interface LxlReading {
  readonly version: number;
  readonly headerSize: number;
  readonly board?: string;
  readonly isVendorFirmware?: boolean;
  /** Four numbers, most significant first. */
  readonly release?: readonly number[];
}

/**
 * Reads the header that starts at `offset`.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC, FW_FIRMWARE_TRUNCATED, FW_FIRMWARE_FIELD for a length its version cannot have
 */
export function readLxl(bytes: Uint8Array, offset = 0): LxlReading {
  const header = lxlTable.read(bytes, offset);
  if (header.magic !== magic)
    throw new FormatError('FW_FIRMWARE_MAGIC', `no LXL header at 0x${offset.toString(16)}`, {
      data: { structure: 'LXL header', offset, expected: magic, found: header.magic },
    });
  const least = lengths[Math.min(header.version, 3)] ?? lengths[3];
  if (header.length < least || offset + header.length > bytes.length)
    throw new FormatError('FW_FIRMWARE_FIELD', `LXL v${header.version} header length ${header.length}`, {
      data: { structure: 'LXL header', offset, expected: least, found: header.length },
    });
  const base = { version: header.version, headerSize: header.length };
  if (header.version < 1) return base;
  const { flags, board } = lxlBoardTable.read(bytes, offset + lengths[0]);
  const named = { ...base, board, isVendorFirmware: (flags & 1) === 1 };
  if (header.version < 2) return named;
  return { ...named, release: [...lxlReleaseTable.read(bytes, offset + lengths[1]).release] };
}
