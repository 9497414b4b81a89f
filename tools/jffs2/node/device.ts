/** Device numbers as the data of a device's inode node: two bytes for small numbers, four for others. */
import type { DeviceNumber } from '../../vfs/index.js';
import { viewOf } from './layout.js';
import type { Endian } from './layout.js';

/** Encodes a device number: 2 bytes when major and minor are below 256, else 4. */
export function encodeDevice(rdev: DeviceNumber, endian: Endian): Uint8Array {
  const { major, minor } = rdev;
  if (major < 256 && minor < 256) {
    const data = new Uint8Array(2);
    viewOf(data).setUint16(0, (major << 8) | minor, endian === 'little');
    return data;
  }
  const data = new Uint8Array(4);
  const packed = ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
  viewOf(data).setUint32(0, packed, endian === 'little');
  return data;
}

/** Decodes a device number; undefined when the data are neither 2 nor 4 bytes (Linux answers EIO). */
export function decodeDevice(data: Uint8Array, endian: Endian): DeviceNumber | undefined {
  const little = endian === 'little';
  if (data.length === 2) {
    const packed = viewOf(data).getUint16(0, little);
    return { major: packed >> 8, minor: packed & 0xff };
  }
  if (data.length !== 4) return undefined;
  const packed = viewOf(data).getUint32(0, little);
  return { major: (packed & 0xfff00) >> 8, minor: (packed & 0xff) | ((packed >>> 12) & 0xfff00) };
}
