/**
 * The legacy U-Boot image header (uImage), 64 bytes, big-endian.
 *
 * @see SPEC.md "uImage"; U-Boot include/image.h
 */
import { crc32, FormatError } from '../core/index.js';
import { concatBytes, padded, resized } from './bytes.js';
import { fieldTable, text, u32be, u8 } from './fields.js';
import type { FieldValues } from './fields.js';

/** Magic of a plain uImage; vendors put others there. */
export const uImageMagic = 0x27051956;

/** The header as it stands in the file. */
export const uImageTable = fieldTable('uImage header', 64, {
  magic: u32be(0),
  headerCrc: u32be(4),
  time: u32be(8),
  size: u32be(12),
  load: u32be(16),
  entry: u32be(20),
  dataCrc: u32be(24),
  os: u8(28),
  arch: u8(29),
  type: u8(30),
  compression: u8(31),
  name: text(32, 32),
});

/** Every field of a uImage header; sizes in bytes, time in seconds. */
export type UImageHeader = FieldValues<typeof uImageTable.fields>;

/** Architecture numbers by the name that `mkimage -A` takes. */
export const uImageArchitectures = {
  arm: 2,
  x86: 3,
  mips: 5,
  mips64: 6,
  powerpc: 7,
  arm64: 22,
  riscv: 26,
} as const;

/** Type numbers by the name that `mkimage -T` takes. */
export const uImageTypes = {
  standalone: 1,
  kernel: 2,
  ramdisk: 3,
  multi: 4,
  firmware: 5,
  script: 6,
  filesystem: 7,
  flat_dt: 8,
} as const;

/** Compression numbers by the name that `mkimage -C` takes. */
export const uImageCompressions = { none: 0, gzip: 1, bzip2: 2, lzma: 3, lzo: 4, lz4: 5, zstd: 6 } as const;

/** What a caller chooses; the rest of the header follows from the data. */
export type UImageOptions = Omit<UImageHeader, 'headerCrc' | 'dataCrc' | 'size' | 'magic' | 'os'> & {
  readonly magic?: number;
  readonly os?: number;
};

/** Puts a uImage header in front of `data`. */
export function buildUImage(data: Uint8Array, options: UImageOptions): Uint8Array {
  return concatBytes(
    sealUImageHeader({
      magic: uImageMagic,
      os: 5,
      ...options,
      headerCrc: 0,
      size: data.length,
      dataCrc: crc32(data),
    }),
    data,
  );
}

/**
 * Makes the header that some boot loaders want behind a kernel: a uImage of no data.
 *
 * Both checksum fields follow the original tool: the header's is right, the data's is 0.
 */
export function buildFakeUImageHeader(options: UImageOptions): Uint8Array {
  return sealUImageHeader({ magic: uImageMagic, os: 5, ...options, headerCrc: 0, size: 0, dataCrc: 0 });
}

/**
 * Builds a uImage of type multi: a list of the parts' sizes, ended by a zero, then the parts on multiples of four.
 *
 * @see U-Boot include/image.h, image_multi_count
 */
export function buildMultiUImage(
  parts: readonly Uint8Array[],
  options: Omit<UImageOptions, 'type'>,
): Uint8Array {
  const sizes = new Uint8Array(4 * (parts.length + 1));
  const view = new DataView(sizes.buffer);
  for (const [index, part] of parts.entries()) view.setUint32(4 * index, part.length);
  const placed = parts.map((part, index) => (index < parts.length - 1 ? padded(part, 4) : part));
  return buildUImage(concatBytes(sizes, ...placed), { ...options, type: uImageTypes.multi });
}

/** Makes the header of a uImage `size` zero bytes longer; its checksum covers them too, as some boot loaders want. */
export function padUImageHeader(image: Uint8Array, size: number): Uint8Array {
  const header = uImageTable.read(image);
  const data = image.subarray(uImageTable.size);
  const blank = uImageTable.write({ ...header, headerCrc: 0 });
  const headerCrc = crc32(resized(blank, uImageTable.size + size, 0));
  return concatBytes(uImageTable.write({ ...header, headerCrc }), new Uint8Array(size), data);
}

/** Says whether `padUImageHeader` made this header. */
export function isUImageHeaderPadded(image: Uint8Array, size: number): boolean {
  const length = uImageTable.size + size;
  if (image.length < length || size === 0) return false;
  const header = uImageTable.read(image);
  const whole = Uint8Array.from(image.subarray(0, length));
  whole.set(uImageTable.write({ ...header, headerCrc: 0 }));
  return crc32(whole) === header.headerCrc;
}

/** Writes a header with its own checksum computed; `headerCrc` is ignored. */
export function sealUImageHeader(header: UImageHeader): Uint8Array {
  const headerCrc = crc32(uImageTable.write({ ...header, headerCrc: 0 }));
  return uImageTable.write({ ...header, headerCrc });
}

/** A header read from bytes, its checksums verified. */
export interface UImageReading {
  readonly header: UImageHeader;
  readonly headerCrcOk: boolean;
  /** False also when the data runs past the end of the bytes. */
  readonly dataCrcOk: boolean;
}

/**
 * Reads the uImage that starts at `offset`.
 *
 * @param magic  what the header must start with
 * @throws FormatError FW_FIRMWARE_TRUNCATED when 64 bytes are not there, FW_FIRMWARE_MAGIC for another magic
 */
export function readUImage(bytes: Uint8Array, offset = 0, magic = uImageMagic): UImageReading {
  const header = uImageTable.read(bytes, offset);
  if (header.magic !== magic)
    throw new FormatError('FW_FIRMWARE_MAGIC', `no uImage at 0x${offset.toString(16)}`, {
      data: { structure: 'uImage header', offset, expected: magic, found: header.magic },
    });
  const blank = uImageTable.write({ ...header, headerCrc: 0 });
  const data = bytes.subarray(offset + uImageTable.size, offset + uImageTable.size + header.size);
  return {
    header,
    headerCrcOk: crc32(blank) === header.headerCrc,
    dataCrcOk: data.length === header.size && crc32(data) === header.dataCrc,
  };
}
