/**
 * Netgear DNI: a text header of 128 bytes in front, one checksum byte behind.
 *
 * @see SPEC.md "Netgear DNI"; OpenWrt firmware-utils src/mkdniimg.c
 */
import { FormatError } from '../core/index.js';
import { concatBytes, startsWith } from './bytes.js';

/** Bytes of the text header. */
export const dniHeaderSize = 128;

/** The lines of the header; absent ones are left out. */
export interface DniHeader {
  readonly device: string;
  readonly version: string;
  readonly region: string;
  readonly hardwareId?: string | undefined;
}

/** Wraps an image. */
export function buildDni(header: DniHeader, image: Uint8Array): Uint8Array {
  const lines = [
    `device:${header.device}`,
    `version:${header.version}`,
    `region:${header.region}`,
    ...(header.hardwareId === undefined ? [] : [`hd_id:${header.hardwareId}`]),
  ];
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
  if (text.length > dniHeaderSize)
    throw new FormatError('FW_FIRMWARE_FIELD', `DNI header of ${text.length} bytes, limit ${dniHeaderSize}`, {
      data: { structure: 'DNI header', expected: dniHeaderSize, found: text.length },
    });
  return appendDniChecksum(concatBytes(text, new Uint8Array(dniHeaderSize - text.length), image));
}

/** Appends the byte that brings the sum of all bytes to 0xFF. */
function appendDniChecksum(file: Uint8Array): Uint8Array {
  return concatBytes(file, Uint8Array.of(0xff - byteSum(file)));
}

function byteSum(bytes: Uint8Array): number {
  let sum = 0;
  // By index: an iterator over megabytes takes several times as long.
  for (let at = 0; at < bytes.length; at += 1) sum = (sum + (bytes[at] ?? 0)) & 0xff;
  return sum;
}

/** Says whether a DNI header starts at `offset`. */
export function isDni(bytes: Uint8Array, offset = 0): boolean {
  return startsWith(bytes, Buffer.from('device:'), offset) && offset + dniHeaderSize < bytes.length;
}

/**
 * Reads a DNI file that starts at `offset` and runs to the end of the bytes.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC when no DNI header stands there
 */
export function readDni(
  bytes: Uint8Array,
  offset = 0,
): { readonly header: DniHeader; readonly checksumOk: boolean; readonly rest: Uint8Array } {
  if (!isDni(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no DNI header at 0x${offset.toString(16)}`, {
      data: { structure: 'DNI header', offset },
    });
  const text = Buffer.from(bytes.subarray(offset, offset + dniHeaderSize)).toString('latin1');
  const line = (key: string): string | undefined => new RegExp(`^${key}:([^\\n\\0]*)`, 'm').exec(text)?.[1];
  const hardwareId = line('hd_id');
  return {
    header: {
      device: line('device') ?? '',
      version: line('version') ?? '',
      region: line('region') ?? '',
      ...(hardwareId === undefined ? {} : { hardwareId }),
    },
    checksumOk: byteSum(bytes.subarray(offset)) === 0xff,
    rest: bytes.slice(offset, offset + dniHeaderSize),
  };
}
