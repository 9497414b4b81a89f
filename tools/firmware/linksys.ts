/**
 * The 32-byte `W54G` header that Linksys boot loaders want in front of a TRX; no checksum.
 *
 * @see SPEC.md "Linksys W54G"; OpenWrt firmware-utils src/addpattern.c
 */
import { FormatError } from '../core/index.js';
import { fieldTable, raw, text } from './fields.js';
import type { FieldValues } from './fields.js';

/** The header. */
export const linksysTable = fieldTable('Linksys header', 32, {
  pattern: text(0, 4),
  zero: raw(4, 4),
  date: raw(8, 3),
  version: raw(11, 3),
  identity: text(14, 4),
  rest: raw(18, 14),
});

/** Every field of the header. */
export type LinksysHeader = FieldValues<typeof linksysTable.fields>;

/** Says whether the header starts at `offset`: its identity stands at a fixed place. */
export function isLinksys(bytes: Uint8Array, offset = 0): boolean {
  if (offset < 0 || offset + linksysTable.size > bytes.length) return false;
  return linksysTable.read(bytes, offset).identity === 'U2ND';
}

/** Reads the header that starts at `offset`; FW_FIRMWARE_MAGIC when none does. */
export function readLinksys(bytes: Uint8Array, offset = 0): LinksysHeader {
  const header = linksysTable.read(bytes, offset);
  if (isLinksys(bytes, offset)) return header;
  throw new FormatError('FW_FIRMWARE_MAGIC', `no Linksys header at 0x${offset.toString(16)}`, {
    data: { structure: 'Linksys header', offset, expected: 'U2ND', found: header.identity },
  });
}
