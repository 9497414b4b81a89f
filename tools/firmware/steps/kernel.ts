/** Steps of kernel recipes: wrappers in front of a compressed kernel. */
import { z } from 'zod';
import { FormatError } from '../../core/index.js';
import { concatBytes, wordBe } from '../bytes.js';
import {
  buildFakeUImageHeader,
  buildMultiUImage,
  buildUImage,
  isUImageHeaderPadded,
  padUImageHeader,
  uImageArchitectures,
  uImageCompressions,
  uImageMagic,
  uImageTable,
  uImageTypes,
} from '../uimage.js';
import type { UImageOptions } from '../uimage.js';
import { sizeSchema, wordSchema } from '../vendor-headers.js';
import { kernelArchitecture, kernelName } from './require.js';
import { defineStep } from './step.js';
import type { StepBoard, StepContext } from './step.js';

const magicOption = wordSchema.optional();
const compressionNames = ['none', 'gzip', 'bzip2', 'lzma', 'lzo', 'lz4', 'zstd'] as const;
/** Bytes that the header of `uimage-padhdr` is longer than usual. */
const usualHeaderPadding = 32;

export const kernelSteps = [
  defineStep({
    name: 'uImage',
    usage: 'uImage COMPRESSION [-M MAGIC] [-n NAME]',
    summary: 'puts a uImage header in front',
    words: { positions: ['compression'], options: { '-M': 'magic', '-n': 'name' } },
    parameters: z.strictObject({
      compression: z.enum(compressionNames),
      magic: magicOption,
      name: z.string().max(32).optional(),
    }),
    run: (file, context, { compression, magic, name }) =>
      buildUImage(file, {
        ...kernelHeader(context, compression, magic, name),
        type: uImageTypes.kernel,
      }),
    recognises: (file, board, { magic }) =>
      wordBe(file, 0) === (magic ?? board.headers.uimage?.magic ?? uImageMagic),
  }),
  defineStep({
    name: 'multiImage',
    usage: 'multiImage COMPRESSION PART...',
    summary: 'builds a uImage of several parts: the file, then device-tree, rootfs or empty (32 zeros)',
    words: { positions: ['compression', 'parts...'] },
    parameters: z.strictObject({
      compression: z.enum(compressionNames),
      parts: z
        .string()
        .transform((text) => text.split(' '))
        .pipe(z.array(z.enum(['device-tree', 'rootfs', 'empty']))),
    }),
    run: (file, context, { compression, parts }) =>
      buildMultiUImage(
        [file, ...parts.map((part) => multiPart(part, context))],
        kernelHeader(context, compression),
      ),
    recognises: (file, board) => isMultiUImage(file, board),
  }),
  defineStep({
    name: 'uimage-padhdr',
    usage: 'uimage-padhdr [SIZE]',
    summary: 'makes the uImage header SIZE bytes longer (default 32), and its checksum cover them',
    words: { positions: ['size'] },
    parameters: z.strictObject({ size: sizeSchema.default(usualHeaderPadding) }),
    run: (file, _context, { size }) => padUImageHeader(file, size),
    recognises: (file, _board, { size }) => isUImageHeaderPadded(file, size),
  }),
  defineStep({
    name: 'append-uImage-fakehdr',
    usage: 'append-uImage-fakehdr TYPE [MAGIC]',
    summary: 'appends a uImage header of no data',
    words: { positions: ['type', 'magic'] },
    parameters: z.strictObject({
      type: z.enum([
        'standalone',
        'kernel',
        'ramdisk',
        'multi',
        'firmware',
        'script',
        'filesystem',
        'flat_dt',
      ]),
      magic: magicOption,
    }),
    run: (file, context, { type, magic }) =>
      concatBytes(
        file,
        buildFakeUImageHeader({
          magic: magic ?? uImageMagic,
          time: context.time,
          load: 0,
          entry: 0,
          arch: uImageArchitectures[kernelArchitecture(context.board)],
          type: uImageTypes[type],
          compression: uImageCompressions.none,
          name: `${context.version.dist} fake ${type}`.slice(0, 32),
        }),
      ),
  }),
];

function kernelHeader(
  context: StepContext,
  compression: (typeof compressionNames)[number],
  magic?: number,
  name?: string,
): Omit<UImageOptions, 'type'> {
  const { uimage } = context.board.headers;
  const load = uimage?.load ?? defaultLoadAddress(context.board);
  return {
    magic: magic ?? uimage?.magic ?? uImageMagic,
    time: context.time,
    load,
    entry: uimage?.entry ?? load,
    arch: uImageArchitectures[kernelArchitecture(context.board)],
    compression: uImageCompressions[compression],
    name: name ?? uimage?.name ?? kernelName(context),
  };
}

function multiPart(part: 'device-tree' | 'rootfs' | 'empty', context: StepContext): Uint8Array {
  if (part === 'rootfs') return context.rootfs;
  if (part === 'empty') return new Uint8Array(32);
  if (context.deviceTree !== undefined) return context.deviceTree;
  throw new FormatError('FW_FIRMWARE_STEP', `step multiImage of ${context.board.id} needs the device tree`, {
    hint: 'name it in the recipe: boards: ID: device_tree: FILE',
    data: { step: 'multiImage' },
  });
}

function isMultiUImage(file: Uint8Array, board: StepBoard): boolean {
  return (
    wordBe(file, 0) === (board.headers.uimage?.magic ?? uImageMagic) &&
    file[uImageTable.fields.type.offset] === uImageTypes.multi
  );
}

function defaultLoadAddress(board: StepBoard): number {
  return kernelArchitecture(board) === 'mips' ? 0x80060000 : 0;
}
