/**
 * The super block of squashfs 1 to 4, in both byte orders, and the options block behind that of version 4.
 *
 * The field tables are what SPEC.md "Super block" prints. Reading checks that the bytes are there; whether the
 * fields make sense is checked by those who use them.
 */
import { FormatError } from '../core/index.js';
import { compressorName } from './compressor.js';
import type { CompressorName } from './compressor.js';

/** Bytes of the super block of version 4. */
export const SUPER_BLOCK_SIZE = 96;

/** Longest super block of any version. */
const longestSuperBlock = 119;

type Width = 1 | 2 | 4 | 8;

/** [offset, width] of each field, by version. */
const fieldsOfVersion4 = {
  inodeCount: [4, 4],
  imageTime: [8, 4],
  blockSize: [12, 4],
  fragmentCount: [16, 4],
  compressorId: [20, 2],
  blockLog: [22, 2],
  flags: [24, 2],
  idCount: [26, 2],
  rootReference: [32, 8],
  bytesUsed: [40, 8],
  idTableStart: [48, 8],
  xattrTableStart: [56, 8],
  inodeTableStart: [64, 8],
  directoryTableStart: [72, 8],
  fragmentTableStart: [80, 8],
  exportTableStart: [88, 8],
} as const satisfies Record<string, readonly [number, Width]>;

const fieldsOfVersion3 = {
  inodeCount: [4, 4],
  flags: [36, 1],
  imageTime: [39, 4],
  blockSize: [51, 4],
  fragmentCount: [55, 4],
  bytesUsed: [63, 8],
} as const satisfies Record<string, readonly [number, Width]>;

const fieldsOfVersion2 = {
  inodeCount: [4, 4],
  bytesUsed: [8, 4],
  flags: [36, 1],
  imageTime: [39, 4],
  blockSize: [51, 4],
  fragmentCount: [55, 4],
} as const satisfies Record<string, readonly [number, Width]>;

const fieldsOfVersion1 = {
  inodeCount: [4, 4],
  bytesUsed: [8, 4],
  blockSize: [32, 2],
  flags: [36, 1],
  imageTime: [39, 4],
} as const satisfies Record<string, readonly [number, Width]>;

/** Magic numbers by their bytes; all but the first two belong to vendors. */
const magics: Readonly<Record<string, { readonly endian: 'little' | 'big'; readonly vendor?: string }>> = {
  hsqs: { endian: 'little' },
  sqsh: { endian: 'big' },
  shsq: { endian: 'little', vendor: 'lzma variant' },
  qshs: { endian: 'big', vendor: 'lzma variant' },
  sqlz: { endian: 'big', vendor: 'lzma variant' },
  hsqt: { endian: 'little', vendor: 'DD-WRT variant' },
  tqsh: { endian: 'big', vendor: 'DD-WRT variant' },
};

/** Bits of the flags of version 4, by the words that squashfs uses. */
const flagNames = [
  [0x0001, 'inodes uncompressed'],
  [0x0002, 'data uncompressed'],
  [0x0008, 'fragments uncompressed'],
  [0x0010, 'no fragments'],
  [0x0020, 'always fragments'],
  [0x0040, 'duplicates folded'],
  [0x0080, 'exportable'],
  [0x0100, 'xattrs uncompressed'],
  [0x0200, 'no xattrs'],
  [0x0400, 'compressor options'],
  [0x0800, 'ids uncompressed'],
] as const;

/** Flag bit: an options block follows the super block. */
export const FLAG_COMPRESSOR_OPTIONS = 0x0400;

/** What the super block says, whatever the version. Offsets count from the start of the image. */
export interface SuperBlock {
  readonly magic: string;
  readonly endian: 'little' | 'big';
  /** A vendor's variant of the format, known by its magic. */
  readonly vendor: string | undefined;
  readonly versionMajor: number;
  readonly versionMinor: number;
  readonly inodeCount: number;
  /** Seconds since 1970. */
  readonly imageTime: number;
  readonly blockSize: number;
  readonly fragmentCount: number;
  /** Size of the file system, without padding behind it. */
  readonly bytesUsed: number;
  readonly flags: number;
  /** Version 4 only; undefined before. */
  readonly version4: Version4 | undefined;
}

/** Fields that only version 4 has. A table that is absent has no start. */
export interface Version4 {
  readonly compressorId: number;
  readonly blockLog: number;
  readonly idCount: number;
  readonly rootReference: number;
  readonly idTableStart: number;
  readonly xattrTableStart: number | undefined;
  readonly inodeTableStart: number;
  readonly directoryTableStart: number;
  readonly fragmentTableStart: number | undefined;
  readonly exportTableStart: number | undefined;
}

/** Parameters found in the options block; `bytes` is the block as stored. */
export interface CompressorOptions {
  readonly bytes: Uint8Array;
  /** By name; empty when the block has not the size that mainline squashfs gives it (old OpenWrt builds). */
  readonly values: Readonly<Record<string, number>>;
}

/**
 * Reads a super block of any version and byte order.
 *
 * @param bytes  start of the image; fewer than 119 are enough for version 4
 * @throws FormatError FW_SQUASHFS_MAGIC, FW_SQUASHFS_TRUNCATED, FW_SQUASHFS_SUPER for a field beyond 2^53
 */
export function parseSuperBlock(bytes: Uint8Array): SuperBlock {
  const magic = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  const known = Object.hasOwn(magics, magic) ? magics[magic] : undefined;
  if (!known) {
    throw new FormatError(
      'FW_SQUASHFS_MAGIC',
      `no squashfs at offset 0: magic ${hex(bytes.subarray(0, 4))}`,
      {
        data: { structure: 'super block', offset: 0, expected: 'hsqs', found: hex(bytes.subarray(0, 4)) },
      },
    );
  }
  if (bytes.length < SUPER_BLOCK_SIZE) throw truncated('super block', SUPER_BLOCK_SIZE, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = known.endian === 'little';
  const versionMajor = view.getUint16(28, little);
  const common = {
    magic,
    endian: known.endian,
    vendor: known.vendor,
    versionMajor,
    versionMinor: view.getUint16(30, little),
  };
  const read = <K extends string>(fields: Readonly<Record<K, readonly [number, Width]>>): Record<K, number> =>
    readFields(view, little, fields);
  if (versionMajor === 4) {
    const fields = read(fieldsOfVersion4);
    const table = (start: number): number | undefined => (start === absent ? undefined : start);
    return {
      ...common,
      ...fields,
      version4: {
        ...fields,
        xattrTableStart: table(fields.xattrTableStart),
        fragmentTableStart: table(fields.fragmentTableStart),
        exportTableStart: table(fields.exportTableStart),
      },
    };
  }
  if (versionMajor === 3) {
    if (bytes.length < longestSuperBlock) throw truncated('super block', longestSuperBlock, bytes.length);
    return { ...common, ...read(fieldsOfVersion3), version4: undefined };
  }
  if (versionMajor === 2) return { ...common, ...read(fieldsOfVersion2), version4: undefined };
  if (versionMajor === 1)
    return { ...common, ...read(fieldsOfVersion1), fragmentCount: 0, version4: undefined };
  throw new FormatError(
    'FW_SQUASHFS_VERSION',
    `squashfs version ${versionMajor} is not known, expected 1 to 4`,
    {
      data: { structure: 'super block', offset: 28, expected: '1 to 4', found: versionMajor },
    },
  );
}

/** Longest prefix of an image that `parseSuperBlock` looks at. */
export const SUPER_BLOCK_READ_SIZE = longestSuperBlock;

/** Names the flags that are set. */
export function flagsOf(superBlock: SuperBlock): readonly string[] {
  if (!superBlock.version4) return [];
  return flagNames.filter(([bit]) => (superBlock.flags & bit) !== 0).map(([, name]) => name);
}

/** Layout of the options block of mainline squashfs, by compressor; the names are ours. */
const optionFields: Readonly<Record<CompressorName, Readonly<Record<string, readonly [number, Width]>>>> = {
  gzip: { level: [0, 4], windowSize: [4, 2], strategies: [6, 2] },
  lzma: {},
  lzo: { algorithm: [0, 4], level: [4, 4] },
  xz: { dictionarySize: [0, 4], branchFilters: [4, 4] },
  lz4: { version: [0, 4], flags: [4, 4] },
  zstd: { level: [0, 4] },
};

/** Reads an options block; one of another size is kept as bytes, because readers do not need it. */
export function parseCompressorOptions(bytes: Uint8Array, compressorId: number): CompressorOptions {
  const name = compressorName(compressorId);
  const fields = name === undefined ? {} : optionFields[name];
  const size = Object.values(fields).reduce((sum, [, width]) => sum + width, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes, values: bytes.length === size ? readFields(view, true, fields) : {} };
}

const absent = -1;

function readFields<K extends string>(
  view: DataView,
  little: boolean,
  fields: Readonly<Record<K, readonly [number, Width]>>,
): Record<K, number> {
  const result: Partial<Record<K, number>> = {};
  for (const name in fields) {
    const [offset, width] = fields[name];
    result[name] = readField(view, little, name, offset, width);
  }
  return result as Record<K, number>;
}

function readField(view: DataView, little: boolean, name: string, offset: number, width: Width): number {
  if (width === 1) return view.getUint8(offset);
  if (width === 2) return view.getUint16(offset, little);
  if (width === 4) return view.getUint32(offset, little);
  const value = view.getBigUint64(offset, little);
  if (value === 0xffff_ffff_ffff_ffffn) return absent;
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new FormatError(
      'FW_SQUASHFS_SUPER',
      `super block: ${name} at offset ${offset} is 0x${value.toString(16)}`,
      {
        data: { structure: 'super block', offset, expected: 'below 2^53', found: `0x${value.toString(16)}` },
      },
    );
  }
  return Number(value);
}

/** Makes the error for an image that ends inside a structure. */
export function truncated(structure: string, expected: number, found: number): FormatError {
  return new FormatError(
    'FW_SQUASHFS_TRUNCATED',
    `squashfs image ends inside the ${structure}: ${found} of ${expected} bytes`,
    { data: { structure, expected, found } },
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex') || 'missing';
}
