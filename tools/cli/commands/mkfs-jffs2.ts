/** `mkfs jffs2`: the JFFS2 writer on its own. */
import { formatSize, UsageError } from '../../core/index.js';
import {
  applyDeviceTable,
  compatibleCompression,
  parseDeviceTable,
  scanJffs2,
  writeJffs2,
  writeJffs2Compatible,
} from '../../jffs2/index.js';
import type { Endian, ScanReport } from '../../jffs2/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { defineCommand, example } from '../command.js';
import { readText } from '../input-files.js';
import { writeOutput } from '../output-files.js';
import { withMkfsOptions, writeFromSource } from '../mkfs-source.js';
import { sizeOf } from '../option-values.js';

/** The verb. */
export const mkfsJffs2 = defineCommand(
  (yargs) =>
    withMkfsOptions(yargs, 'latest time of a file')
      .option('endian', {
        choices: ['little', 'big'] as const,
        demandOption: true,
        describe: 'byte order of the CPU that mounts it',
      })
      .option('erase-size', {
        alias: 'e',
        type: 'string',
        default: '64k',
        describe: 'erase block of the flash; when in doubt the smaller one',
      })
      .option('target', {
        choices: ['linux', 'openwrt', 'cfe'] as const,
        default: 'linux' as const,
        describe: 'what reads it: zlib and rtime, lzma and rtime, or nothing compressed',
      })
      .option('cleanmarkers', { type: 'boolean', default: true, describe: '--no-cleanmarkers for NAND' })
      .option('page-size', {
        alias: 's',
        type: 'string',
        default: '4k',
        describe: 'most content of one node',
      })
      .option('summaries', {
        type: 'boolean',
        default: false,
        describe: 'erase-block summaries: quick mounts',
      })
      .option('pad', { type: 'boolean', default: true, describe: '--no-pad ends behind the last node' })
      .option('end-marker', {
        type: 'boolean',
        default: false,
        describe: 'OpenWrt erases what follows at the first mount',
      })
      .option('device-table', { alias: 'D', type: 'string', describe: 'owners, modes and nodes to add' })
      .option('compatible', {
        type: 'boolean',
        default: false,
        describe: 'the very bytes of mkfs.jffs2 2.1.5',
      })
      .example(
        ...example('$0 mkfs jffs2 overlay/ data.jffs2 --endian big --target openwrt', 'for an ath79 board'),
      )
      .example(
        ...example('$0 mkfs jffs2 root.tar root.jffs2 --endian little -e 128k --no-cleanmarkers', 'for NAND'),
      ),
  (args, session) =>
    writeFromSource(args, session, async (root, epoch) => {
      const image = await session.tasks.run('jffs2', () => Promise.resolve(write(root, args, epoch)));
      writeOutput(args.image, image, session);
      const { report } = scanJffs2(image, { eraseSize: sizeOf('--erase-size', args.eraseSize) });
      return { figures: figures(image, report), line: lineOf(image, report) };
    }),
);

interface WriteArguments {
  readonly endian: Endian;
  readonly eraseSize: string;
  readonly pageSize: string;
  readonly target: 'linux' | 'openwrt' | 'cfe';
  readonly cleanmarkers: boolean;
  readonly summaries: boolean;
  readonly pad: boolean;
  readonly endMarker: boolean;
  readonly compatible: boolean;
  readonly deviceTable?: string | undefined;
}

function write(root: TreeDirectory, args: WriteArguments, epoch: number): Uint8Array {
  const { endian, compatible, target, summaries, endMarker } = args;
  const entries =
    args.deviceTable === undefined ? [] : parseDeviceTable(readText(args.deviceTable, 'a device table'));
  const added = applyDeviceTable(root, entries, BigInt(epoch) * 1_000_000_000n);
  const common = {
    endian,
    eraseSize: sizeOf('--erase-size', args.eraseSize),
    pageSize: sizeOf('--page-size', args.pageSize),
    cleanmarkerSize: args.cleanmarkers ? 12 : 0,
  };
  if (!compatible) {
    const pad = args.pad ? 'block' : 'none';
    return writeJffs2(root, { ...common, compression: target, summaries, pad, endMarker, maxTime: epoch });
  }
  if (summaries || endMarker || target === 'openwrt') {
    throw new UsageError('FW_USAGE_ARGUMENT', '--compatible has no summaries, end marker or lzma');
  }
  const compression = target === 'cfe' ? { mode: 'none' as const, compressors: [] } : compatibleCompression;
  return writeJffs2Compatible(root, {
    ...common,
    compression,
    added,
    ...(args.pad ? { pad: 'block' as const } : {}),
  });
}

function figures(image: Uint8Array, report: ScanReport): Record<string, unknown> {
  const { endian, eraseSize, nodes, compression, liveBytes } = report;
  return {
    size: image.length,
    endian,
    eraseSize,
    blockCount: report.blocks.length,
    liveBytes,
    nodes,
    compression,
  };
}

function lineOf(image: Uint8Array, { nodes, blocks, eraseSize, endian }: ScanReport): string {
  const shape = `${endian}-endian, erase size ${formatSize(eraseSize)}, ${blocks.length} in use`;
  return `${image.length} bytes, ${shape}, ${nodes.dirent} names, ${nodes.inode} inode nodes`;
}
