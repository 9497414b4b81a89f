/**
 * Takes the finished kernel file out of an image: users who have no build tree have the published image of their board.
 *
 * What is found is what the board's kernel recipe makes, without the padding that an image puts behind it.
 */
import { lzmaAloneDecode } from '../addon/index.js';
import { NativeError } from '../core/index.js';
import { wordBe } from './bytes.js';
import { elfSize } from './elf.js';
import { readLzmaAlone } from './lzma.js';
import { splitFirmware } from './split.js';
import type { SplitBoard } from './split.js';
import { tplinkV1Table } from './tplink-v1.js';
import { tplinkV2Table } from './tplink-v2.js';
import { seamaTable } from './seama.js';
import { uImageTable } from './uimage.js';

/** Bytes of the header in front of a Seama image: the fixed part and the digest. */
const seamaDigestSize = 16;
/** A kernel unpacks to no more than this. */
const kernelLimit = 128 * 1024 ** 2;

/**
 * Finds the finished kernel in an image that the board could boot.
 *
 * @returns the kernel file; undefined when the bytes are no such image, or when its kernel cannot be told from what
 *   stands behind it
 */
export function kernelOfImage(image: Uint8Array, board: SplitBoard): Uint8Array | undefined {
  const { kernel, squashfsSize } = splitFirmware(image, board);
  if (kernel === undefined || squashfsSize === undefined) return undefined;
  const part = image.subarray(kernel.offset, kernel.offset + kernel.size);
  switch (board.split.parser) {
    case 'uimage': {
      const { size, type } = uImageTable.read(part);
      // A uImage of another type wraps the kernel once more.
      return type === kernelType ? part.slice(0, uImageTable.size + size) : undefined;
    }
    case 'tplink': {
      const isV1 = part[0] === 1;
      const length = isV1 ? tplinkV1Table.read(part).kernelLength : tplinkV2Table.read(part).kernelLength;
      return part.slice(tplinkV1Table.size, tplinkV1Table.size + length);
    }
    case 'seama': {
      const { metaSize } = seamaTable.read(image);
      return unpadded(image.subarray(seamaTable.size + seamaDigestSize + metaSize));
    }
    case 'fit':
      return part.slice(0, wordBe(part, 4) ?? 0);
    case 'trx':
    case 'mainline-trx':
    case 'lzma':
      return unpadded(part);
    case 'elf': {
      const size = elfSize(part);
      return size === undefined ? undefined : part.slice(0, size);
    }
    case 'wrgg':
    case undefined:
      return undefined;
  }
}

const kernelType = 2;

/** Cuts off what stands behind a uImage or an LZMA stream; only the stream itself tells its end. */
function unpadded(bytes: Uint8Array): Uint8Array | undefined {
  if (wordBe(bytes, 0) === 0x27051956 && bytes.length > uImageTable.size)
    return bytes.slice(0, uImageTable.size + uImageTable.read(bytes).size);
  if (readLzmaAlone(bytes) === undefined) return undefined;
  try {
    return bytes.slice(0, lzmaAloneDecode(bytes.slice(), kernelLimit).consumed);
  } catch (error) {
    if (error instanceof NativeError) return undefined;
    throw error;
  }
}
