/** Steps that wrap a file in the container of a vendor's boot loader. */
import { z } from 'zod';
import { FormatError } from '../../core/index.js';
import { wordBe } from '../bytes.js';
import { buildCombined } from '../combined.js';
import { buildFit } from '../fit.js';
import { buildLxl } from '../luxul.js';
import { buildSafeloaderFactory, buildSafeloaderSysupgrade, safeloaderBoards } from '../safeloader.js';
import { buildSeama, buildSeamaSeal, seamaMagic } from '../seama.js';
import { buildSysupgradeTar } from '../sysupgrade-tar.js';
import { kernelArchitecture, requireHeaders } from './require.js';
import { defineStep, noParameters } from './step.js';

export const vendorSteps = [
  defineStep({
    name: 'seama',
    usage: 'seama',
    summary: 'puts a Seama entity header in front',
    parameters: noParameters,
    run: (file, { board }) => {
      const { mtdblock } = requireHeaders(board, 'seama', 'seama');
      return buildSeama([`dev=/dev/mtdblock/${mtdblock}`, 'type=firmware'], file);
    },
  }),
  defineStep({
    name: 'seama-seal',
    usage: 'seama-seal',
    summary: 'puts a Seama seal with the signature of the board in front',
    parameters: noParameters,
    run: (file, { board }) => {
      const { signature } = requireHeaders(board, 'seama', 'seama-seal');
      if (wordBe(file, 0) !== seamaMagic)
        throw new FormatError(
          'FW_FIRMWARE_STEP',
          `step seama-seal of ${board.id} needs a Seama entity to seal`,
          {
            hint: 'put the step seama before it',
            data: { step: 'seama-seal' },
          },
        );
      return buildSeamaSeal([`signature=${signature}`], file);
    },
  }),
  defineStep({
    name: 'luxul-lxl',
    usage: 'luxul-lxl',
    summary: 'puts a Luxul LXL header in front',
    parameters: noParameters,
    run: (file, { board }) => buildLxl(requireHeaders(board, 'luxul', 'luxul-lxl').board, file),
  }),
  defineStep({
    name: 'combined-image',
    usage: 'combined-image',
    summary: 'builds a combined image of the kernel and the file, for RedBoot boards',
    parameters: noParameters,
    run: (file, { kernel }) => buildCombined(kernel, file),
  }),
  defineStep({
    name: 'tplink-safeloader',
    usage: 'tplink-safeloader sysupgrade|factory',
    summary: 'builds a TP-Link SafeLoader image of the kernel and the file',
    words: { positions: ['form'] },
    parameters: z.strictObject({ form: z.enum(['sysupgrade', 'factory']) }),
    run: (file, context, { form }) => {
      const { board: id } = requireHeaders(context.board, 'safeloader', 'tplink-safeloader');
      const board = safeloaderBoards[id];
      if (board === undefined)
        throw new FormatError('FW_FIRMWARE_STEP', `unknown SafeLoader board ${id}`, {
          hint: `known boards: ${Object.keys(safeloaderBoards).join(', ')}`,
          data: { expected: Object.keys(safeloaderBoards), found: id },
        });
      const parts = { kernel: context.kernel, rootfs: file, time: context.time };
      return form === 'factory'
        ? buildSafeloaderFactory(board, parts)
        : buildSafeloaderSysupgrade(board, parts);
    },
  }),
  defineStep({
    name: 'fit',
    usage: 'fit COMPRESSION [external [static]]',
    summary: 'builds a FIT image of the kernel and, when given, its device tree',
    words: { positions: ['compression'], switches: { external: 'external', static: 'fixed' } },
    parameters: z.strictObject({
      compression: z.enum(['none', 'gzip', 'lzma']),
      external: z.literal(true).optional(),
      fixed: z.literal(true).optional(),
    }),
    run: (file, context, { compression, external, fixed }) => {
      const { board, version, deviceTree, time } = context;
      const load = board.headers.uimage?.load ?? 0;
      return buildFit({
        description: `${version.dist} ${board.id}`,
        time,
        arch: kernelArchitecture(board),
        compression,
        load,
        entry: board.headers.uimage?.entry ?? load,
        kernel: file,
        deviceTree,
        configuration: board.headers.fit?.config ?? 'config-1',
        data: external ? (fixed ? 'external-fixed' : 'external') : 'inside',
      });
    },
    recognises: (file) => wordBe(file, 0) === 0xd00dfeed,
  }),
  defineStep({
    name: 'sysupgrade-tar',
    usage: 'sysupgrade-tar',
    summary: 'builds the tar of kernel and root file system that NAND boards upgrade from',
    parameters: noParameters,
    run: (_file, { kernel, rootfs, board, time }) =>
      buildSysupgradeTar({ board: board.id, time, kernel, rootfs }),
  }),
  defineStep({
    name: 'xor-image',
    usage: 'xor-image [-p PATTERN] [-x]',
    summary: 'combines every byte with a repeating pattern by exclusive or',
    words: { positions: [], options: { '-p': 'pattern' }, switches: { '-x': 'hexadecimal' } },
    parameters: z
      .strictObject({
        pattern: z.string().min(1).default('12345678'),
        hexadecimal: z.literal(true).optional(),
      })
      .refine(({ pattern, hexadecimal }) => !hexadecimal || /^([0-9a-fA-F]{2})+$/.test(pattern), {
        message: 'must be whole bytes in hexadecimal',
      }),
    run: (file, _context, { pattern, hexadecimal }) => {
      const key = Buffer.from(pattern, hexadecimal ? 'hex' : 'latin1');
      return file.map((byte, index) => byte ^ (key[index % key.length] ?? 0));
    },
  }),
];
