/**
 * Writes a tree as a JFFS2 image: our own form, which loses nothing and is as small as the target's kernel can read.
 */
import { FormatError } from '../../core/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { END_MARKER_BYTES } from '../blank.js';
import { compressionProfiles } from '../compression/compression.js';
import type { Compression, CompressionProfile } from '../compression/compression.js';
import { CPU_PAGE_SIZE, HEADER_SIZE } from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { checkEraseSize } from '../scan/scan.js';
import { withPages } from './content.js';
import { writeSteps } from './nodes.js';
import { BlockOutput } from './output.js';
import { PackedPages } from './pages.js';
import { planImage } from './plan.js';

/** How to write an image. */
export interface WriterOptions {
  readonly endian: Endian;
  /** Bytes; when in doubt the smaller one, since an image for a larger size loses files. */
  readonly eraseSize: number;
  /** Bytes of the cleanmarker in each block: 12 (default) on NOR, 0 on NAND, where it stands in the OOB area. */
  readonly cleanmarkerSize?: number;
  /** What the target reads; `linux` when absent. */
  readonly compression?: CompressionProfile | Compression;
  /** Most content of one node, a divisor of 4096 (default): data never crosses such a border. */
  readonly pageSize?: number;
  /** Whether zeros may be left out of files (default: unless nothing may be compressed). */
  readonly holes?: boolean;
  /** Whether full blocks end with a summary, so that a mount need not scan them. */
  readonly summaries?: boolean;
  /** `block` (default) pads with FF to the end of the last block, `none` ends behind the last node. */
  readonly pad?: 'block' | 'none';
  /** Whether OpenWrt's end marker follows the padded image: the rest of the partition is then erased at first mount. */
  readonly endMarker?: boolean;
  /** Later times are set to this, in seconds: SOURCE_DATE_EPOCH. */
  readonly maxTime?: number;
}

/**
 * Writes a tree as a JFFS2 image.
 *
 * The root keeps its attributes, directories their times; hard links, device numbers of 12 and 20 bits, attributes and
 * ACLs are kept; zero pages take no space. Same tree and options, same bytes.
 *
 * @param tree not modified
 * @throws FormatError FW_JFFS2_LIMIT for what JFFS2 cannot hold (names above 254 bytes, ids above 65535, files of
 *   4 GiB, ...); FW_JFFS2_ERASE_SIZE; FW_JFFS2_OPTIONS for other impossible options
 * @throws EnvironmentError FW_JFFS2_CHANGED when a file shrinks meanwhile
 * @see SPEC.md "Images"
 */
export function writeJffs2(tree: TreeDirectory, options: WriterOptions): Uint8Array {
  const { endian, eraseSize, pageSize = CPU_PAGE_SIZE, cleanmarkerSize = HEADER_SIZE } = options;
  checkOptions(eraseSize, pageSize, cleanmarkerSize);
  const named = options.compression ?? 'linux';
  const compression = typeof named === 'string' ? compressionProfiles[named] : named;
  const summaries = options.summaries ?? false;
  const output = new BlockOutput({ endian, eraseSize, cleanmarkerSize, summaries });
  const holes = options.holes ?? compression.mode !== 'none';
  const steps = planImage(tree, { endian, maxTime: options.maxTime });
  const pages = new PackedPages(output, endian, compression, holes);
  writeSteps(withPages(steps, pageSize, compression), output, endian, pages);
  output.closeIfFull();
  if (options.pad !== 'none' || options.endMarker) output.closePadded();
  if (options.endMarker) output.appendRaw(END_MARKER_BYTES);
  return output.finish();
}

function checkOptions(eraseSize: number, pageSize: number, cleanmarkerSize: number): void {
  checkEraseSize(eraseSize);
  const refuse = (what: string, expected: string, found: number): never => {
    throw new FormatError('FW_JFFS2_OPTIONS', `${what} ${found}: expected ${expected}`, {
      data: { structure: what, expected, found },
    });
  };
  if (!(pageSize >= 512) || CPU_PAGE_SIZE % pageSize !== 0)
    refuse('page size', '512, 1024, 2048 or 4096', pageSize);
  const isMarker =
    cleanmarkerSize === 0 || (cleanmarkerSize >= HEADER_SIZE && cleanmarkerSize <= eraseSize / 2);
  if (!isMarker || cleanmarkerSize % 4 !== 0) {
    refuse('cleanmarker size', `0, or a multiple of 4 from ${HEADER_SIZE}`, cleanmarkerSize);
  }
}
