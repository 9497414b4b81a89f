/**
 * TP-Link SafeLoader images: MD5 over the salted file, a text table of parts, then the parts.
 *
 * @see SPEC.md "SafeLoader"; OpenWrt firmware-utils src/tplink-safeloader.c; checked against a published image
 */
import { createHash } from 'node:crypto';
import { BudgetError, FormatError, groupDigits, roundUp } from '../core/index.js';
import { concatBytes, resized, sameBytes } from './bytes.js';
import { fieldTable, raw, text, u32be } from './fields.js';
import { endMarker } from './padjffs2.js';

const headSize = 0x1014;
const tableSize = 0x800;

/** Head of a factory image. */
export const safeloaderTable = fieldTable(
  'SafeLoader header',
  headSize,
  { size: u32be(0), md5: raw(4, 16), vendorLength: u32be(0x14), vendor: text(0x18, headSize - 0x18, 0xff) },
  0xff,
);

const salt = Uint8Array.from(Buffer.from('7a2b15ed9b98596de504ab44ac2a9f4e', 'hex'));
const block = 0x10000;

/** A partition of the vendor's table. */
export interface SafeloaderPartition {
  readonly name: string;
  readonly base: number;
  readonly size: number;
}

/** A board as the vendor's boot loader knows it. */
export interface SafeloaderBoard {
  readonly supportList: string;
  /** `soft_ver:7.0.0\n`, or the three numbers of the numeric form. */
  readonly softVersion: string | readonly [number, number, number];
  readonly extraPara?: Uint8Array | undefined;
  /** Byte behind small parts; undefined: none. */
  readonly trailingByte: number | undefined;
  readonly partitions: readonly SafeloaderPartition[];
  readonly firstUpgraded: string;
  readonly lastUpgraded: string;
}

/** Boards by the id that profiles use. */
export const safeloaderBoards: Readonly<Record<string, SafeloaderBoard>> = {
  'ARCHER-C7-V5': {
    supportList: `SupportList:\n${[
      '00000000',
      '45550000',
      '55530000',
      '43410000',
      '4A500000',
      '54570000',
      '52550000',
      '4B520000',
    ]
      .map((id) => `{product_name:Archer C7,product_ver:5.0.0,special_id:${id}}\n`)
      .join('')}`,
    softVersion: 'soft_ver:7.0.0\n',
    extraPara: Uint8Array.of(0x01, 0x00),
    trailingByte: 0x00,
    partitions: [
      { name: 'factory-boot', base: 0x00000, size: 0x20000 },
      { name: 'fs-uboot', base: 0x20000, size: 0x20000 },
      { name: 'partition-table', base: 0x40000, size: 0x10000 },
      { name: 'radio', base: 0x50000, size: 0x10000 },
      { name: 'default-mac', base: 0x60000, size: 0x200 },
      { name: 'pin', base: 0x60200, size: 0x200 },
      { name: 'device-id', base: 0x60400, size: 0x100 },
      { name: 'product-info', base: 0x60500, size: 0xfb00 },
      { name: 'soft-version', base: 0x70000, size: 0x1000 },
      { name: 'extra-para', base: 0x71000, size: 0x1000 },
      { name: 'support-list', base: 0x72000, size: 0xa000 },
      { name: 'profile', base: 0x7c000, size: 0x4000 },
      { name: 'user-config', base: 0x80000, size: 0x40000 },
      { name: 'firmware', base: 0xc0000, size: 0xf00000 },
      { name: 'log', base: 0xfc0000, size: 0x20000 },
      { name: 'certificate', base: 0xfe0000, size: 0x10000 },
      { name: 'default-config', base: 0xff0000, size: 0x10000 },
    ],
    firstUpgraded: 'os-image',
    lastUpgraded: 'file-system',
  },
};

/** What a build puts into the image. */
export interface SafeloaderParts {
  readonly kernel: Uint8Array;
  readonly rootfs: Uint8Array;
  /** Build clock, seconds. */
  readonly time: number;
  /** Number of the revision for the numeric soft-version. */
  readonly revision?: number;
}

/** Builds the factory image: header, table, small parts, kernel, root file system with its end marker. */
export function buildSafeloaderFactory(board: SafeloaderBoard, parts: SafeloaderParts): Uint8Array {
  const partitions = splitFirmwareEntry(board.partitions, parts.kernel.length, true);
  const content: [string, Uint8Array][] = [
    ['partition-table', partitionTablePart(partitions)],
    ['soft-version', smallPart(softVersionBytes(board.softVersion, parts), board.trailingByte)],
    ['support-list', smallPart(Buffer.from(board.supportList, 'latin1'), board.trailingByte)],
    ['os-image', parts.kernel],
    ['file-system', markedRootfs(find(partitions, 'file-system'), parts.rootfs)],
    ...(board.extraPara
      ? [['extra-para', smallPart(board.extraPara, board.trailingByte)] satisfies [string, Uint8Array]]
      : []),
  ];
  for (const [name, data] of content) requireRoom(find(partitions, name), data.length);
  let base = tableSize;
  const lines = content.map(([name, data]) => {
    const line = `fwup-ptn ${name} base 0x${number(base)} size 0x${number(data.length)}\t\r\n`;
    base += data.length;
    return line;
  });
  const table = resized(Buffer.from(`${lines.join('')}\0`, 'latin1'), tableSize, 0xff);
  const body = concatBytes(table, ...content.map(([, data]) => data));
  const header = {
    size: headSize + body.length,
    md5: new Uint8Array(16),
    vendorLength: 0xffffffff,
    vendor: '',
  };
  const image = concatBytes(safeloaderTable.write(header), body);
  image.set(safeloaderDigest(image), safeloaderTable.fields.md5.offset);
  return image;
}

/** Builds the upgrade image: the bytes of the flash from the first to the last upgraded partition. */
export function buildSafeloaderSysupgrade(board: SafeloaderBoard, parts: SafeloaderParts): Uint8Array {
  const partitions = splitFirmwareEntry(board.partitions, parts.kernel.length, false);
  const first = find(partitions, board.firstUpgraded);
  const last = find(partitions, board.lastUpgraded);
  const rootfs = markedRootfs(last, parts.rootfs);
  requireRoom(first, parts.kernel.length);
  requireRoom(last, rootfs.length);
  const image = new Uint8Array(last.base - first.base + rootfs.length).fill(0xff);
  image.set(parts.kernel);
  image.set(rootfs, last.base - first.base);
  return image;
}

/** A table with one entry `firmware` is split where the kernel ends; factory images align the split. */
function splitFirmwareEntry(
  partitions: readonly SafeloaderPartition[],
  kernelLength: number,
  isFactory: boolean,
): SafeloaderPartition[] {
  return partitions.flatMap((partition) => {
    if (partition.name !== 'firmware') return [partition];
    const room = isFactory ? roundUp(kernelLength, block) : kernelLength;
    return [
      { name: 'os-image', base: partition.base, size: room },
      { name: 'file-system', base: partition.base + room, size: partition.size - room },
    ];
  });
}

function find(partitions: readonly SafeloaderPartition[], name: string): SafeloaderPartition {
  const found = partitions.find((partition) => partition.name === name);
  if (found) return found;
  throw new FormatError('FW_FIRMWARE_STEP', `the SafeLoader table has no partition ${name}`, {
    data: { expected: name, found: partitions.map((partition) => partition.name) },
  });
}

function requireRoom(partition: SafeloaderPartition, length: number): void {
  if (length <= partition.size) return;
  throw new BudgetError(
    'FW_BUDGET_CHECK_SIZE',
    `${partition.name} does not fit: ${groupDigits(length)} of ${groupDigits(partition.size)} bytes`,
    { data: { what: partition.name, limit: partition.size, use: length, overBy: length - partition.size } },
  );
}

const number = (value: number): string => value.toString(16).padStart(5, '0');

function partitionTablePart(partitions: readonly SafeloaderPartition[]): Uint8Array {
  const lines = partitions.map(
    ({ name, base, size }) => `partition ${name} base 0x${number(base)} size 0x${number(size)}\n`,
  );
  const table = concatBytes(Uint8Array.of(0, 4, 0, 0), Buffer.from(`${lines.join('')}\0`, 'latin1'));
  return resized(table, tableSize, 0xff);
}

function smallPart(data: Uint8Array, trailingByte: number | undefined): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, data.length);
  return concatBytes(
    head,
    data,
    trailingByte === undefined ? new Uint8Array(0) : Uint8Array.of(trailingByte),
  );
}

function softVersionBytes(version: SafeloaderBoard['softVersion'], parts: SafeloaderParts): Uint8Array {
  if (typeof version === 'string') return Buffer.from(version, 'latin1');
  const date = new Date(parts.time * 1000);
  const bcd = (value: number): number => Math.floor(value / 10) * 16 + (value % 10);
  const year = date.getUTCFullYear();
  const bytes = new Uint8Array(12);
  bytes.set([
    0xff,
    ...version,
    bcd(Math.floor(year / 100)),
    bcd(year % 100),
    bcd(date.getUTCMonth() + 1),
    bcd(date.getUTCDate()),
  ]);
  new DataView(bytes.buffer).setUint32(8, parts.revision ?? 0);
  return bytes;
}

/** The marker stands at the next erase block of the flash, not of the file. */
function markedRootfs(partition: SafeloaderPartition, rootfs: Uint8Array): Uint8Array {
  const length = roundUp(partition.base + rootfs.length, block) - partition.base;
  return concatBytes(resized(rootfs, length, 0xff), endMarker);
}

/** Computes the MD5 of a factory image: over the salt, then everything behind the field. */
export function safeloaderDigest(image: Uint8Array): Uint8Array {
  const hash = createHash('md5')
    .update(salt)
    .update(image.subarray(safeloaderTable.fields.md5.offset + 16));
  return new Uint8Array(hash.digest());
}

/** One part of a factory image; `offset` counts from the start of the file. */
export interface SafeloaderPart {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** A factory image read from bytes. */
export interface SafeloaderReading {
  readonly size: number;
  readonly vendor: string;
  readonly digestOk: boolean;
  readonly parts: readonly SafeloaderPart[];
  /** The vendor's partition table, as the part of that name lists it. */
  readonly partitions: readonly SafeloaderPartition[];
}

/** Says whether a SafeLoader image starts at `offset`: its table of parts stands at a fixed place. */
export function isSafeloader(bytes: Uint8Array, offset = 0): boolean {
  const at = offset + headSize;
  return (
    at + tableSize <= bytes.length &&
    Buffer.from(bytes.subarray(at, at + 9)).toString('latin1') === 'fwup-ptn '
  );
}

/**
 * Reads the factory image that starts at `offset`.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC when none does
 */
export function readSafeloader(bytes: Uint8Array, offset = 0): SafeloaderReading {
  if (!isSafeloader(bytes, offset))
    throw new FormatError('FW_FIRMWARE_MAGIC', `no SafeLoader image at 0x${offset.toString(16)}`, {
      data: { structure: 'SafeLoader header', offset },
    });
  const header = safeloaderTable.read(bytes, offset);
  const image = bytes.subarray(offset, offset + header.size);
  const parts = readLines(
    bytes,
    offset + headSize,
    /^fwup-ptn (\S+) base 0x([0-9a-f]+) size 0x([0-9a-f]+)\t\r$/,
  ).map(({ name, base, size }) => ({ name, offset: offset + headSize + base, size }));
  const table = parts.find(({ name }) => name === 'partition-table');
  return {
    size: header.size,
    vendor: header.vendorLength < 4092 ? header.vendor.slice(0, header.vendorLength) : '',
    digestOk: image.length === header.size && sameBytes(safeloaderDigest(image), header.md5),
    parts,
    partitions: table
      ? readLines(bytes, table.offset + 4, /^partition (\S+) base 0x([0-9a-f]+) size 0x([0-9a-f]+)$/)
      : [],
  };
}

/**
 * Corrects the lengths of an image one part of which became longer, in place; the digest is not touched.
 *
 * @param at  offset of the file before, at which bytes were put in: the end of the part that grows
 * @returns false when the part would not fit its flash partition, or the table its place
 */
export function growSafeloader(bytes: Uint8Array, offset: number, at: number, growth: number): boolean {
  const { size, parts, partitions } = readSafeloader(bytes, offset);
  const grown = parts.find((part) => part.offset < at && part.offset + part.size >= at);
  const room = partitions.find(({ name }) => name === grown?.name)?.size;
  if (grown === undefined || (room !== undefined && grown.size + growth > room)) return false;
  const start = offset + headSize;
  const lines = parts.map((part) => {
    const base = part.offset - start + (part.offset >= at ? growth : 0);
    const length = part.size + (part === grown ? growth : 0);
    return `fwup-ptn ${part.name} base 0x${number(base)} size 0x${number(length)}\t\r\n`;
  });
  const table = Buffer.from(`${lines.join('')}\0`, 'latin1');
  if (table.length > tableSize) return false;
  bytes.set(resized(table, tableSize, 0xff), start);
  safeloaderTable.fields.size.write(bytes.subarray(offset), size + growth);
  return true;
}

function readLines(bytes: Uint8Array, offset: number, pattern: RegExp): SafeloaderPartition[] {
  const textOf =
    Buffer.from(bytes.subarray(offset, offset + tableSize))
      .toString('latin1')
      .split('\0')[0] ?? '';
  return textOf.split('\n').flatMap((line) => {
    const match = pattern.exec(line);
    return match?.[1] !== undefined
      ? [{ name: match[1], base: parseInt(match[2] ?? '', 16), size: parseInt(match[3] ?? '', 16) }]
      : [];
  });
}
