/**
 * Reads an image or a dump of a JFFS2 area into a tree, and reports what was there.
 *
 * The scan follows the mount of Linux, so that the tree is what a device would show. Damage is reported, not thrown:
 * what is whole is given.
 */
import { FormatError } from '../../core/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { MINIMUM_BLOCKS } from '../mount/first-mount.js';
import { NODE_ALIGNMENT, viewOf } from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import { emptyBlock, isEndMarker, scanBlock } from './block.js';
import type { BlockScan, ScanArea } from './block.js';
import { detectEndian, detectEraseSize } from './detect.js';
import { ProblemList } from './report.js';
import type { BlockReport, ScanReport } from './report.js';
import { buildTree } from './tree.js';
import type { BuiltTree } from './tree.js';

/** How to read an area; what is absent is found out. */
export interface ScanOptions {
  readonly endian?: Endian;
  /** Bytes; a multiple of 4, at least 4096. */
  readonly eraseSize?: number;
  /** Whether DE AD C0 DE ends the file system, as on OpenWrt (default), or is foreign data as to plain Linux. */
  readonly endMarker?: boolean;
}

/** What a scan gives. File contents keep a view of the scanned bytes. */
export interface Jffs2Scan {
  readonly tree: TreeDirectory;
  readonly report: ScanReport;
}

/** Smallest erase size that Linux drives. */
export const ERASE_SIZE_MIN = 4096;

/**
 * Scans a JFFS2 image or dump.
 *
 * @param bytes the area, from its first erase block; not modified, and kept by the contents of the tree
 * @returns the tree as a device would show it, and the report; an erased area gives an empty tree
 * @throws FormatError FW_JFFS2_NOT_FOUND when there is data but no node; FW_JFFS2_ENDIAN when `endian` is given and
 *   the nodes are in the other order; FW_JFFS2_ERASE_SIZE when `eraseSize` is not possible
 * @see SPEC.md "Mount scan"; Linux 6.6 fs/jffs2/scan.c, build.c, readinode.c
 */
export function scanJffs2(bytes: Uint8Array, options: ScanOptions = {}): Jffs2Scan {
  const endian = endianOf(bytes, options.endian);
  const { eraseSize, source } =
    options.eraseSize === undefined
      ? detectEraseSize(bytes, endian)
      : { eraseSize: checkEraseSize(options.eraseSize), source: 'given' as const };
  const problems = new ProblemList();
  const endMarker = options.endMarker ?? true;
  const area: ScanArea = { bytes, view: viewOf(bytes), endian, eraseSize, endMarker, problems };
  const blocks = scanBlocks(area);
  const built = buildTree(
    area,
    blocks.flatMap((block) => block.nodes),
  );
  const reports = blocks.map((block) => block.report);
  const cleanmarkerSize = reports.find((block) => block.cleanmarkerSize > 0)?.cleanmarkerSize ?? 0;
  const marker = reports.find((block) => block.state === 'end-marker');
  const refusal = refusalOf(area, blocks);
  const report: ScanReport = {
    ...{ endian, eraseSize, eraseSizeSource: source, cleanmarkerSize, size: bytes.length, blocks: reports },
    ...(marker ? { endMarkerOffset: marker.offset } : {}),
    nodes: countNodes(blocks),
    ...figures(built, reports),
    mountable: refusal === undefined,
    ...(refusal === undefined ? {} : { refusal }),
    mkfsFlags: mkfsFlags(area, cleanmarkerSize, built),
    problems: problems.kept,
    problemCount: problems.count,
  };
  return { tree: built.tree, report };
}

function endianOf(bytes: Uint8Array, given: Endian | undefined): Endian {
  const found = detectEndian(bytes);
  if (found === undefined) {
    if (bytes.every((byte) => byte === 0xff) || isEndMarker(viewOf(bytes), 0)) return given ?? 'little';
    throw new FormatError('FW_JFFS2_NOT_FOUND', `no JFFS2 node in ${bytes.length} bytes`, {
      data: { structure: 'node', expected: 'magic 0x1985', size: bytes.length },
    });
  }
  if (given !== undefined && found !== given) {
    throw new FormatError('FW_JFFS2_ENDIAN', `JFFS2 is ${found}-endian, expected ${given}-endian`, {
      hint: `a ${given}-endian kernel does not mount it; read it as ${found}-endian`,
      data: { expected: given, found },
    });
  }
  return found;
}

/**
 * Checks an erase size.
 *
 * @throws FormatError FW_JFFS2_ERASE_SIZE
 */
export function checkEraseSize(eraseSize: number): number {
  if (Number.isSafeInteger(eraseSize) && eraseSize >= ERASE_SIZE_MIN && eraseSize % NODE_ALIGNMENT === 0) {
    return eraseSize;
  }
  throw new FormatError(
    'FW_JFFS2_ERASE_SIZE',
    `erase size ${eraseSize}: expected a multiple of ${NODE_ALIGNMENT}, at least ${ERASE_SIZE_MIN}`,
    { data: { structure: 'erase block', expected: ERASE_SIZE_MIN, found: eraseSize } },
  );
}

function scanBlocks(area: ScanArea): BlockScan[] {
  const blocks: BlockScan[] = [];
  let behindMarker = false;
  for (let offset = 0; offset < area.bytes.length; offset += area.eraseSize) {
    const block: BlockScan = behindMarker
      ? emptyBlock(area, offset, 'behind-marker')
      : scanBlock(area, offset);
    behindMarker ||= block.report.state === 'end-marker';
    blocks.push(block);
  }
  return blocks;
}

/** Says why a mount fails; undefined when it does not. */
function refusalOf(area: ScanArea, blocks: readonly BlockScan[]): string | undefined {
  const forbidden = blocks.find((block) => block.refusal !== undefined)?.refusal;
  if (forbidden !== undefined) return forbidden;
  if (area.bytes.length < MINIMUM_BLOCKS * area.eraseSize) {
    return `${blocks.length} erase blocks; Linux needs ${MINIMUM_BLOCKS}`;
  }
  const hasNodes = blocks.some((block) => block.nodes.length > 0);
  const hasDirt = blocks.some((block) => block.report.state === 'all-dirty');
  return !hasNodes && hasDirt ? 'no node, but foreign data: Linux cowardly refuses to erase it' : undefined;
}

function countNodes(blocks: readonly BlockScan[]): ScanReport['nodes'] {
  const count = { dirent: 0, inode: 0, xattr: 0, xref: 0, obsolete: 0 };
  for (const block of blocks) {
    count.obsolete += block.obsoleteNodes;
    for (const node of block.nodes) count[node.kind] += 1;
  }
  return count;
}

function figures(
  built: BuiltTree,
  blocks: readonly BlockReport[],
): Pick<
  ScanReport,
  'liveBytes' | 'supersededBytes' | 'dirtyBytes' | 'freeBytes' | 'deletedNames' | 'orphans' | 'compression'
> {
  const sum = (of: (block: BlockReport) => number): number =>
    blocks.reduce((total, block) => total + of(block), 0);
  const { liveBytes, supersededBytes, deletedNames, orphans, compression } = built;
  return {
    ...{ liveBytes, supersededBytes, deletedNames, orphans, compression },
    dirtyBytes: sum((block) => block.dirtyBytes),
    freeBytes: sum((block) => block.freeBytes),
  };
}

/** Options of mkfs.jffs2 that make an image which this area could have been. */
function mkfsFlags(area: ScanArea, cleanmarkerSize: number, built: BuiltTree): string[] {
  const flags = [area.endian === 'little' ? '-l' : '-b', '-e', String(area.eraseSize)];
  if (cleanmarkerSize === 0) flags.push('-n');
  else if (cleanmarkerSize !== 12) flags.push('-c', String(cleanmarkerSize));
  if (built.largestData > 4096) flags.push('-s', String(2 ** Math.ceil(Math.log2(built.largestData))));
  const used = new Set(Object.keys(built.compression));
  if (!['rtime', 'zlib', 'lzo', 'lzma'].some((name) => used.has(name))) flags.push('-m', 'none');
  else {
    if (!used.has('zlib')) flags.push('-x', 'zlib');
    for (const name of ['lzo', 'lzma']) if (used.has(name)) flags.push('-X', name);
  }
  if (area.bytes.length % area.eraseSize === 0) flags.push('--pad');
  return flags;
}
