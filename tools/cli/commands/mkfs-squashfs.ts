/** `mkfs squashfs`: the squashfs writer on its own. */
import { formatSize } from '../../core/index.js';
import { branchFilterBits, efforts, packSquashfs, writeSquashfs } from '../../squashfs/index.js';
import type {
  BranchFilter,
  SquashfsCompressor,
  SquashfsOptions,
  SquashfsReport,
} from '../../squashfs/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import { standardStream } from '../input-files.js';
import { outputPlace, writeOutput } from '../output-files.js';
import { withMkfsOptions, writeFromSource } from '../mkfs-source.js';
import { checkJobs, sizeOf } from '../option-values.js';

const filterNames = Object.keys(branchFilterBits) as BranchFilter[];

/** The verb. */
export const mkfsSquashfs = defineCommand(
  (yargs) =>
    withMkfsOptions(yargs, 'time of the image')
      .option('comp', {
        choices: ['xz', 'zstd', 'gzip', 'lz4', 'lzma'] as const,
        default: 'xz' as const,
        describe: 'compressor',
      })
      .option('level', { type: 'number', describe: 'compression level; the strongest when absent' })
      .option('block-size', {
        alias: 'B',
        type: 'string',
        default: '256k',
        describe: '4k to 1m, a power of two',
      })
      .option('lc', { type: 'number', default: 0, describe: 'xz, lzma: literal context bits' })
      .option('lp', { type: 'number', default: 2, describe: 'xz, lzma: literal position bits' })
      .option('pb', { type: 'number', default: 2, describe: 'xz, lzma: position bits' })
      .option('bcj', {
        choices: filterNames,
        array: true,
        default: [] as BranchFilter[],
        describe: 'xz: branch filters to try',
      })
      .option('effort', {
        choices: efforts,
        default: 'normal' as const,
        describe: 'work for a smaller image: more takes about 3 times the CPU, most about 9 times',
      })
      .option('export', { type: 'boolean', default: false, describe: 'with a table for NFS' })
      .option('xattrs', { type: 'boolean', default: true, describe: '--no-xattrs leaves them out' })
      .option('similarity', {
        type: 'boolean',
        default: true,
        describe: '--no-similarity keeps fragments in path order',
      })
      .option('pad-to', { type: 'string', describe: 'pads with zeros to a multiple of this' })
      .option('jobs', {
        alias: 'j',
        type: 'number',
        describe: 'compressor threads; the bytes do not depend on them',
      })
      .example(
        ...example('$0 mkfs squashfs root/ root.squashfs', 'as OpenWrt packs: xz, 256 KiB blocks, root:root'),
      )
      .example(
        ...example('$0 mkfs squashfs root.tar.xz root.squashfs --comp zstd -B 128k', 'from an archive'),
      ),
  (args, session) =>
    writeFromSource(args, session, async (root, epoch) => {
      checkJobs(args.jobs);
      const report = await session.tasks.run(`squashfs ${args.comp}`, (task) =>
        writeImage(root, args.image, session, {
          compressor: compressorOf(args),
          blockSize: sizeOf('--block-size', args.blockSize),
          imageTime: epoch,
          exportTable: args.export,
          xattrs: args.xattrs,
          similarity: args.similarity,
          effort: args.effort,
          signal: session.signal,
          onProgress: ({ bytesDone, bytesTotal }) => {
            task.progress(bytesDone, bytesTotal);
          },
          ...(args.padTo === undefined ? {} : { padTo: sizeOf('--pad-to', args.padTo) }),
          ...(args.jobs === undefined ? {} : { workers: args.jobs }),
        }),
      );
      for (const { code, message } of report.warnings) session.warn(message, code);
      return { figures: figures(report), line: lineOf(report) };
    }),
);

/** Writes to a file, or to what is none: standard output, a pipe, a device. */
async function writeImage(
  root: TreeDirectory,
  path: string,
  session: Session,
  options: SquashfsOptions,
): Promise<SquashfsReport> {
  const place = path === standardStream ? undefined : outputPlace(path);
  if (place?.mode !== undefined) return writeSquashfs(root, place.target, options);
  const { report, bytes } = await packSquashfs(root, options);
  writeOutput(path, bytes, session);
  return report;
}

interface CompressorArguments {
  readonly comp: 'xz' | 'zstd' | 'gzip' | 'lz4' | 'lzma';
  readonly level?: number | undefined;
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
  readonly bcj: readonly BranchFilter[];
}

function compressorOf({ comp, level, lc, lp, pb, bcj }: CompressorArguments): SquashfsCompressor {
  switch (comp) {
    case 'xz':
      return { kind: comp, level: level ?? 9, lc, lp, pb, branchFilters: bcj };
    case 'lzma':
      return { kind: comp, level: level ?? 9, lc, lp, pb };
    case 'gzip':
      return { kind: comp, level: level ?? 9 };
    case 'zstd':
      return { kind: comp, level: level ?? 22 };
    case 'lz4':
      return { kind: comp, highCompression: true };
  }
}

function figures(report: SquashfsReport): Record<string, number> {
  const { size, bytesUsed, inodeCount, fragmentCount, duplicateFiles, duplicateBytes } = report;
  return { size, bytesUsed, inodeCount, fragmentCount, duplicateFiles, duplicateBytes };
}

function lineOf({ size, inodeCount, fragmentCount, duplicateFiles, duplicateBytes }: SquashfsReport): string {
  const saved =
    duplicateFiles === 0
      ? ''
      : `, ${duplicateFiles} duplicate files stored once (${formatSize(duplicateBytes)})`;
  return `${size} bytes, ${inodeCount} inodes, ${fragmentCount} fragment blocks${saved}`;
}
