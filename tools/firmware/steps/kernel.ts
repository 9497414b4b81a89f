/** Steps of kernel recipes: wrappers in front of a compressed kernel. */
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { lzmaAloneEncode } from '../../addon/index.js';
import { FormatError } from '../../core/index.js';
import { concatBytes, startsWith, wordBe } from '../bytes.js';
import {
  buildFakeUImageHeader,
  buildUImage,
  uImageArchitectures,
  uImageCompressions,
  uImageMagic,
  uImageTypes,
} from '../uimage.js';
import { readLzmaAlone } from '../lzma.js';
import { wordSchema } from '../vendor-headers.js';
import { defineStep, noParameters } from './step.js';
import type { StepBoard, StepContext } from './step.js';

const magicOption = wordSchema.optional();
/** Operating system byte of a gzip header; zlib writes that of the host. */
const unixOs = 3;

const lzmaOptions = z.strictObject({
  dictionary: z.coerce.number().int().min(12).max(27).optional(),
  algorithm: z.enum(['0', '1']).optional(),
});

export const kernelSteps = [
  defineStep({
    name: 'lzma',
    usage: 'lzma [-dBITS] [-a0]',
    summary: 'compresses to an LZMA-alone file with the literal and position bits that OpenWrt uses',
    words: { positions: [], options: { '-d': 'dictionary', '-a': 'algorithm' } },
    parameters: lzmaOptions,
    run: (file, _context, { dictionary = 23, algorithm = '1' }) =>
      lzmaAloneEncode(file, {
        dictSize: 2 ** dictionary,
        lc: 1,
        lp: 2,
        pb: 2,
        mode: algorithm === '0' ? 'fast' : 'normal',
      }),
    recognises: (file) => readLzmaAlone(file) !== undefined,
  }),
  defineStep({
    name: 'lzma-no-dict',
    usage: 'lzma-no-dict',
    summary: 'compresses to an LZMA-alone file with the literal and position bits of the LZMA SDK',
    parameters: noParameters,
    run: (file) => lzmaAloneEncode(file, { dictSize: 2 ** 23, lc: 3, lp: 0, pb: 2 }),
    recognises: (file) => readLzmaAlone(file) !== undefined,
  }),
  defineStep({
    name: 'lzma-d16',
    usage: 'lzma-d16',
    summary: 'compresses to an LZMA-alone file with a dictionary of 64 KiB',
    parameters: noParameters,
    run: (file) => lzmaAloneEncode(file, { dictSize: 2 ** 16, lc: 1, lp: 2, pb: 2 }),
    recognises: (file) => readLzmaAlone(file) !== undefined,
  }),
  defineStep({
    name: 'gzip',
    usage: 'gzip',
    summary: 'compresses with gzip, without name and time',
    parameters: noParameters,
    run: (file) => {
      const packed = Uint8Array.from(gzipSync(file, { level: 9 }));
      packed[9] = unixOs;
      return packed;
    },
    recognises: (file) => startsWith(file, Uint8Array.of(0x1f, 0x8b, 8)),
  }),
  ...(
    [
      ['relocate-kernel', 'puts a stub in front that moves the kernel to its address'],
      ['spi-loader-okli', 'puts the loader that reads the kernel from SPI flash in front'],
      ['loader-okli', 'puts the loader that finds an OKLI kernel in front'],
    ] as const
  ).map(([name, summary]) =>
    defineStep({
      name,
      usage: `${name} [...]`,
      summary,
      words: { positions: ['words...'] },
      parameters: z.strictObject({ words: z.string().optional() }),
      run: (file, context) => concatBytes(requireLoader(context, name), file),
    }),
  ),
  defineStep({
    name: 'uImage',
    usage: 'uImage COMPRESSION [-M MAGIC] [-n NAME]',
    summary: 'puts a uImage header in front',
    words: { positions: ['compression'], options: { '-M': 'magic', '-n': 'name' } },
    parameters: z.strictObject({
      compression: z.enum(['none', 'gzip', 'bzip2', 'lzma', 'lzo', 'lz4', 'zstd']),
      magic: magicOption,
      name: z.string().max(32).optional(),
    }),
    run: (file, context, { compression, magic, name }) => {
      const { uimage } = context.board.headers;
      const load = uimage?.load ?? defaultLoadAddress(context.board);
      return buildUImage(file, {
        magic: magic ?? uimage?.magic ?? uImageMagic,
        time: context.time,
        load,
        entry: uimage?.entry ?? load,
        arch: uImageArchitectures[kernelArchitecture(context.board)],
        type: uImageTypes.kernel,
        compression: uImageCompressions[compression],
        name: name ?? uimage?.name ?? defaultName(context),
      });
    },
    recognises: (file, board, { magic }) =>
      wordBe(file, 0) === (magic ?? board.headers.uimage?.magic ?? uImageMagic),
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
  defineStep({
    name: 'loader-kernel',
    usage: 'loader-kernel',
    summary: 'puts the small loader that unpacks the kernel in front',
    parameters: noParameters,
    run: (file, context) => concatBytes(requireLoader(context, 'loader-kernel'), file),
  }),
];

/** The architecture's name in uImage and FIT headers, from OpenWrt's name such as `mipsel_24kc`. */
export function kernelArchitecture(board: StepBoard): keyof typeof uImageArchitectures {
  const family = board.arch.replace(/_.*$/, '');
  switch (family) {
    case 'mips':
    case 'mipsel':
      return 'mips';
    case 'mips64':
    case 'mips64el':
      return 'mips64';
    case 'powerpc':
      return 'powerpc';
    case 'arm':
      return 'arm';
    case 'aarch64':
      return 'arm64';
    case 'i386':
    case 'x86':
      return 'x86';
    case 'riscv64':
      return 'riscv';
    default:
      throw new FormatError('FW_FIRMWARE_STEP', `no uImage architecture for ${board.arch}`, {
        data: { found: board.arch, expected: Object.keys(uImageArchitectures) },
      });
  }
}

function defaultLoadAddress(board: StepBoard): number {
  return kernelArchitecture(board) === 'mips' ? 0x80060000 : 0;
}

function defaultName({ board, version }: StepContext): string {
  const kernel = version.kernelVersion === undefined ? '' : ` Linux-${version.kernelVersion}`;
  return `${kernelArchitecture(board).toUpperCase()} ${version.dist}${kernel}`.slice(0, 32);
}

/** The loader of the board; FW_FIRMWARE_STEP when none was given. */
export function requireLoader({ loader, board }: StepContext, step: string): Uint8Array {
  if (loader !== undefined) return loader;
  throw new FormatError('FW_FIRMWARE_STEP', `step ${step} of ${board.id} needs the board's kernel loader`, {
    hint: 'give the finished kernel file of the board instead of a raw kernel, or the loader with --loader',
    data: { step },
  });
}
