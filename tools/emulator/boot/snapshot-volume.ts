/**
 * The snapshot form of rootfs_data: archives that a boot unpacks into a RAM overlay, instead of a file system.
 *
 * Records stand on erase blocks. Those of data are numbered from block 0 on; the configuration follows them, with a copy
 * at the end of the partition.
 *
 * @see openwrt fstools libfstools/snapshot.c
 */
import { createHash } from 'node:crypto';
import type { Flash } from '../../flash/index.js';

const headerSize = 32;
const magic = 0x4f575254;
const kinds: Readonly<Record<number, SnapshotRecord['kind']>> = { 0x44415441: 'data', 0x434f4e46: 'config' };
/** Longest archive, as the program has it. */
const lengthLimit = 8 * 1024 * 1204;

/** One archive of a snapshot volume. */
export interface SnapshotRecord {
  readonly kind: 'data' | 'config';
  readonly sequence: number;
  /** A tar.gz. */
  readonly archive: Uint8Array;
}

/** Reads the records in order; the first that is damaged or out of order ends the list. */
export function readSnapshot(volume: Flash): readonly SnapshotRecord[] {
  const { eraseSize, size } = volume.geometry;
  const records: SnapshotRecord[] = [];
  for (let offset = 0; offset + headerSize <= size;) {
    const record = readRecord(volume, offset);
    if (!record || (record.kind === 'data' && record.sequence !== records.length)) break;
    records.push(record);
    if (record.kind === 'config') break;
    offset += Math.ceil((headerSize + record.archive.length) / eraseSize) * eraseSize;
  }
  return records;
}

function readRecord(volume: Flash, offset: number): SnapshotRecord | undefined {
  const bytes = volume.read(offset, headerSize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerSize);
  const kind = kinds[view.getUint32(4)];
  const length = view.getUint32(12);
  const fits = length <= lengthLimit && offset + headerSize + length <= volume.geometry.size;
  if (view.getUint32(0) !== magic || !kind || !fits) return undefined;
  const archive = volume.read(offset + headerSize, length);
  const digest = createHash('md5').update(archive).digest();
  return digest.equals(bytes.subarray(16, 32)) ? { kind, sequence: view.getUint32(8), archive } : undefined;
}
