import { callAddon } from '../addon/index.js';
import { FormatError } from '../core/index.js';
import { compressorName } from './compressor.js';
import type { CompressorName } from './compressor.js';
import { openSource, readSuperBlock, unreadable } from './image.js';
import type { ImageSource } from './image.js';
import { FLAG_COMPRESSOR_OPTIONS, flagsOf, parseCompressorOptions, SUPER_BLOCK_SIZE } from './super-block.js';
import type { CompressorOptions, SuperBlock } from './super-block.js';

const longestOptions = 256;

/** What an image says of itself. */
export interface SquashfsInfo {
  readonly superBlock: SuperBlock;
  /** Undefined before version 4, and for a number that nobody has defined. */
  readonly compressor: CompressorName | undefined;
  /** Absent when the image has no options block. */
  readonly compressorOptions: CompressorOptions | undefined;
  /** The flags that are set, in words. */
  readonly flags: readonly string[];
  /** Bytes of the source; padding and other data may follow the file system. */
  readonly sourceSize: number;
  /** Why `openSquashfs` would refuse it; undefined when the super block is one that it takes. */
  readonly refusal: FormatError | undefined;
}

/**
 * Reads the super block of an image of any version, byte order and vendor that is known, without opening it.
 *
 * @throws FormatError FW_SQUASHFS_MAGIC, FW_SQUASHFS_TRUNCATED, FW_SQUASHFS_VERSION for a version above 4,
 *   FW_SQUASHFS_SUPER
 * @throws EnvironmentError FW_ENV_FILE
 */
export function squashfsInfo(source: ImageSource): SquashfsInfo {
  const reader = openSource(source);
  try {
    const superBlock = readSuperBlock(reader);
    const compressorId = superBlock.version4?.compressorId;
    let compressorOptions: CompressorOptions | undefined;
    const little = superBlock.endian === 'little';
    if (compressorId !== undefined && little && (superBlock.flags & FLAG_COMPRESSOR_OPTIONS) !== 0) {
      const room = reader.size() - SUPER_BLOCK_SIZE;
      const bytes = callAddon(() =>
        reader.read(SUPER_BLOCK_SIZE, Math.max(Math.min(room, longestOptions + 2), 0)),
      );
      const length = ((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)) & 0x7fff;
      if (length > longestOptions || length + 2 > bytes.length) {
        throw new FormatError(
          'FW_SQUASHFS_SUPER',
          `squashfs compressor options of ${length} bytes are not there`,
          {
            data: { structure: 'compressor options', offset: SUPER_BLOCK_SIZE, found: length },
          },
        );
      }
      compressorOptions = parseCompressorOptions(bytes.slice(2, 2 + length), compressorId);
    }
    return {
      superBlock,
      compressor: compressorId === undefined ? undefined : compressorName(compressorId),
      compressorOptions,
      flags: flagsOf(superBlock),
      sourceSize: reader.size(),
      refusal: unreadable(superBlock),
    };
  } finally {
    reader.close();
  }
}
