/** Steps that compress the kernel. */
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { lzmaAloneEncode } from '../../addon/index.js';
import { startsWith } from '../bytes.js';
import { readLzmaAlone } from '../lzma.js';
import { defineStep, noParameters } from './step.js';

/** Operating system byte of a gzip header; zlib writes that of the host. */
const unixOs = 3;

const lzmaOptions = z.strictObject({
  dictionary: z.coerce.number().int().min(12).max(27).optional(),
  algorithm: z.enum(['0', '1']).optional(),
});

export const compressSteps = [
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
];
