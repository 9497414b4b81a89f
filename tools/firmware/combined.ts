/**
 * The combined image of RedBoot boards (ath25): a 64 KiB text header, then kernel and root file system.
 *
 * @see SPEC.md "Combined image"; OpenWrt scripts/combined-image.sh
 */
import { createHash } from 'node:crypto';
import { FormatError } from '../core/index.js';
import { concatBytes, padded, startsWith } from './bytes.js';
import { fieldTable, text } from './fields.js';

const block = 0x10000;

/** The header: numbers and digest are hexadecimal text, lower case. */
export const combinedTable = fieldTable('combined header', block, {
  magic: text(0, 2),
  kernelLength: text(2, 8),
  rootfsLength: text(10, 8),
  md5: text(18, 32),
});

const magic = 'CI';
const number = (value: number): string => value.toString(16).padStart(8, '0');

/** Builds a combined image; both parts are filled up with zeros to 64 KiB first. */
export function buildCombined(kernel: Uint8Array, rootfs: Uint8Array): Uint8Array {
  const [first, second] = [padded(kernel, block), padded(rootfs, block)];
  const header = combinedTable.write({
    magic,
    kernelLength: number(first.length),
    rootfsLength: number(second.length),
    md5: createHash('md5').update(first).update(second).digest('hex'),
  });
  return concatBytes(header, first, second);
}

/** Says whether a combined header starts at `offset`. */
export function isCombined(bytes: Uint8Array, offset = 0): boolean {
  if (!startsWith(bytes, Buffer.from(magic), offset) || offset + block > bytes.length) return false;
  const digits = Buffer.from(bytes.subarray(offset + 2, offset + 50)).toString('latin1');
  return /^[0-9a-f]{48}$/.test(digits);
}

/**
 * Reads a combined image that starts at `offset`.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC when none starts there
 */
export function readCombined(
  bytes: Uint8Array,
  offset = 0,
): {
  readonly kernel: { readonly offset: number; readonly size: number };
  readonly rootfs: { readonly offset: number; readonly size: number };
  readonly digestOk: boolean;
} {
  if (!isCombined(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no combined image at 0x${offset.toString(16)}`, {
      data: { structure: 'combined header', offset, expected: magic },
    });
  const header = combinedTable.read(bytes, offset);
  const kernelSize = parseInt(header.kernelLength, 16);
  const rootfsSize = parseInt(header.rootfsLength, 16);
  const start = offset + block;
  const payload = bytes.subarray(start, start + kernelSize + rootfsSize);
  return {
    kernel: { offset: start, size: kernelSize },
    rootfs: { offset: start + kernelSize, size: rootfsSize },
    digestOk:
      payload.length === kernelSize + rootfsSize &&
      createHash('md5').update(payload).digest('hex') === header.md5,
  };
}
