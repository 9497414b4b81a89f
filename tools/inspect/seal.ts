/**
 * Rewrites the checksums of a container after something inside it was changed.
 *
 * Every part keeps its place and length, so lengths in headers stay right, and only digests follow the content. Inner
 * containers must be sealed before outer ones.
 */
import { createHash } from 'node:crypto';
import { crc32 } from '../core/index.js';
import {
  chkChecksum,
  chkTable,
  combinedTable,
  fwtoolTrailerTable,
  hdr1Table,
  namedChecksumTable,
  readSeama,
  readTrx,
  readUbiquiti,
  safeloaderDigest,
  safeloaderTable,
  sealHdr1,
  sealTrx,
  sealUImageHeader,
  sealWrgg,
  seamaTable,
  tplinkV1Digest,
  tplinkV1Table,
  tplinkV2Digest,
  tplinkV2Table,
  ubiquitiEndTable,
  uImageTable,
} from '../firmware/index.js';
import type { Part } from './part.js';

/** Bytes of the 32-bit checksum behind a Ubiquiti part. */
const checksumSize = 4;

/**
 * Rewrites the checksums of one container in place.
 *
 * @param bytes  the whole file, changed
 * @param part   as found in the file before the change
 * @param end    where the range ends that holds the part (some digests cover everything behind their header)
 * @returns false for a container that has no checksum, or one that cannot be rewritten
 */
export function sealPart(bytes: Uint8Array, part: Part, end: number): boolean {
  const { offset, size } = part;
  const set = (content: Uint8Array, at: number): void => bytes.set(content, at);
  switch (part.kind) {
    case 'uimage': {
      const header = uImageTable.read(bytes, offset);
      const data = bytes.subarray(offset + uImageTable.size, offset + uImageTable.size + header.size);
      set(sealUImageHeader({ ...header, dataCrc: crc32(data) }), offset);
      return true;
    }
    case 'trx':
      set(
        sealTrx(bytes.subarray(offset, end), readTrx(bytes, offset).header.length).subarray(0, size),
        offset,
      );
      return true;
    case 'tplink-v1':
      set(tplinkV1Digest(bytes.subarray(offset, end)), offset + tplinkV1Table.fields.md5.offset);
      return true;
    case 'tplink-v2':
      set(tplinkV2Digest(bytes.subarray(offset, end)), offset + tplinkV2Table.fields.md5.offset);
      return true;
    case 'safeloader':
      set(
        safeloaderDigest(bytes.subarray(offset, offset + size)),
        offset + safeloaderTable.fields.md5.offset,
      );
      return true;
    case 'wrgg':
      set(sealWrgg(bytes.subarray(offset, offset + size)), offset);
      return true;
    case 'seama': {
      const seama = readSeama(bytes, offset);
      if (seama.kind === 'seal') return false;
      const image = bytes.subarray(seama.imageOffset, seama.imageOffset + seama.imageSize);
      set(md5(image), offset + seamaTable.size);
      return true;
    }
    case 'combined':
      set(
        Buffer.from(md5Hex(bytes.subarray(offset + combinedTable.size, offset + size))),
        offset + combinedTable.fields.md5.offset,
      );
      return true;
    case 'dni':
      bytes[offset + size - 1] = 0;
      bytes[offset + size - 1] =
        0xff - bytes.subarray(offset, offset + size).reduce((sum, byte) => (sum + byte) & 0xff, 0);
      return true;
    case 'named-checksum': {
      const { name } = namedChecksumTable.read(bytes, offset);
      set(namedChecksumTable.write({ name, crc: 0 }), offset);
      set(namedChecksumTable.write({ name, crc: crc32(bytes.subarray(offset, offset + size)) }), offset);
      return true;
    }
    case 'hdr1':
      set(sealHdr1(bytes.subarray(offset, offset + size)).subarray(0, hdr1Table.size), offset);
      return true;
    case 'chk':
      sealChk(bytes, offset);
      return true;
    case 'ubiquiti':
      sealUbiquiti(bytes, offset);
      return true;
    default:
      return false;
  }
}

function sealChk(bytes: Uint8Array, offset: number): void {
  const header = chkTable.read(bytes, offset);
  const start = offset + header.headerLength;
  const kernel = bytes.subarray(start, start + header.kernelLength);
  const rootfs = bytes.subarray(
    start + header.kernelLength,
    start + header.kernelLength + header.rootfsLength,
  );
  const sums = {
    ...header,
    kernelChecksum: chkChecksum(kernel),
    rootfsChecksum: rootfs.length > 0 ? chkChecksum(rootfs) : header.rootfsChecksum,
    imageChecksum: chkChecksum(kernel, rootfs),
    headerChecksum: 0,
  };
  bytes.set(chkTable.write(sums), offset);
  bytes.set(chkTable.write({ ...sums, headerChecksum: chkChecksum(bytes.subarray(offset, start)) }), offset);
}

function sealUbiquiti(bytes: Uint8Array, offset: number): void {
  const image = readUbiquiti(bytes, offset);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const part of image.parts) {
    const end = part.offset + part.size;
    view.setUint32(end, crc32(bytes.subarray(part.recordOffset, end)));
  }
  if (image.end === undefined) return;
  const record = { magic: image.end.magic, crc: crc32(bytes.subarray(offset, image.end.offset)), pad: 0 };
  bytes.set(
    ubiquitiEndTable.write(record).subarray(0, ubiquitiEndTable.size - checksumSize),
    image.end.offset,
  );
}

/** Rewrites the checksum of a metadata or signature chunk for the bytes in front of its trailer. */
export function sealChunk(bytes: Uint8Array, chunk: Part): void {
  const at = chunk.offset + chunk.size - fwtoolTrailerTable.size;
  const crc = (crc32(bytes.subarray(0, at)) ^ 0xffffffff) >>> 0;
  bytes.set(fwtoolTrailerTable.write({ ...fwtoolTrailerTable.read(bytes, at), crc }), at);
}

const md5 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('md5').update(bytes).digest());
const md5Hex = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
