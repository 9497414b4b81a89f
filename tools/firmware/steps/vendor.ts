/** Steps that wrap a file in the container of a vendor's boot loader. */
import { z } from 'zod';
import { FormatError } from '../../core/index.js';
import { wordBe } from '../bytes.js';
import { buildCombined } from '../combined.js';
import { buildFit } from '../fit.js';
import { buildLxl } from '../luxul.js';
import { buildChk } from '../netgear-chk.js';
import { buildDni } from '../netgear-dni.js';
import { defaultMarkerAlignments, endMarker, padJffs2 } from '../padjffs2.js';
import { buildSafeloaderFactory, buildSafeloaderSysupgrade, safeloaderBoards } from '../safeloader.js';
import { buildSeama, buildSeamaSeal, seamaMagic } from '../seama.js';
import { buildSysupgradeTar } from '../sysupgrade-tar.js';
import { buildTrx } from '../trx.js';
import type { TrxPart } from '../trx.js';
import type { VendorHeaders } from '../vendor-headers.js';
import { defineStep, noParameters } from './step.js';
import { kernelArchitecture, requireLoader } from './kernel.js';
import type { StepBoard, StepContext } from './step.js';

const kib = 1024;
const trxLimit = 32 * kib * kib;

export const vendorSteps = [
  defineStep({
    name: 'seama',
    usage: 'seama',
    summary: 'puts a Seama entity header in front',
    parameters: noParameters,
    run: (file, { board }) => {
      const { mtdblock } = section(board, 'seama', 'seama');
      return buildSeama([`dev=/dev/mtdblock/${mtdblock}`, 'type=firmware'], file);
    },
  }),
  defineStep({
    name: 'seama-seal',
    usage: 'seama-seal',
    summary: 'puts a Seama seal with the signature of the board in front',
    parameters: noParameters,
    run: (file, { board }) => {
      const { signature } = section(board, 'seama', 'seama-seal');
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
    name: 'netgear-chk',
    usage: 'netgear-chk',
    summary: 'puts a Netgear CHK header with checksums in front',
    parameters: noParameters,
    run: (file, { board }) => {
      const { board_id: boardId, region } = section(board, 'netgear', 'netgear-chk');
      return buildChk({ boardId, region: typeof region === 'number' ? region : 1 }, file);
    },
  }),
  defineStep({
    name: 'netgear-dni',
    usage: 'netgear-dni [REGION]',
    summary: 'puts a Netgear DNI text header in front and a checksum byte behind',
    words: { positions: ['region'] },
    parameters: z.strictObject({ region: z.string().max(8).optional() }),
    run: (file, { board, version }, { region }) => {
      const header = section(board, 'netgear', 'netgear-dni');
      return buildDni(
        {
          device: header.board_id,
          version: `V.${version.revision.split('-')[0] ?? ''}`,
          region: region ?? '',
          hardwareId: header.hardware_id,
        },
        file,
      );
    },
  }),
  defineStep({
    name: 'trx',
    usage: 'trx',
    summary: 'builds a TRX of the kernel and, behind it, the root file system',
    parameters: noParameters,
    run: (_file, { kernel, rootfs, board }) =>
      buildTrx([part(kernel), { kind: 'align', unit: 4 }, part(rootfs)], {
        limit: board.imageSize,
        ...(board.headers.trx?.magic === undefined ? {} : { magic: board.headers.trx.magic }),
      }),
  }),
  defineStep({
    name: 'trx-serial',
    usage: 'trx-serial',
    summary: 'builds a TRX of the kernel and the file, with end markers on 64 KiB',
    parameters: noParameters,
    run: (file, { kernel }) => buildTrx([part(kernel), ...markedRoot(file)], { limit: trxLimit }),
  }),
  defineStep({
    name: 'trx-with-loader',
    usage: 'trx-with-loader',
    summary: 'builds a TRX of the loader, the kernel and the file, with end markers on 64 KiB',
    parameters: noParameters,
    run: (file, context) => {
      const loader = requireLoader(context, 'trx-with-loader');
      return buildTrx([part(loader), part(context.kernel), ...markedRoot(file)], { limit: trxLimit });
    },
  }),
  defineStep({
    name: 'trx-without-loader',
    usage: 'trx-without-loader',
    summary: 'builds a TRX of the kernel and the file, with end markers on 64 KiB',
    parameters: noParameters,
    run: (file, { kernel }) => buildTrx([part(kernel), ...markedRoot(file)], { limit: trxLimit }),
  }),
  defineStep({
    name: 'luxul-lxl',
    usage: 'luxul-lxl',
    summary: 'puts a Luxul LXL header in front',
    parameters: noParameters,
    run: (file, { board }) => buildLxl(section(board, 'luxul', 'luxul-lxl').board, file),
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
      const { board: id } = section(context.board, 'safeloader', 'tplink-safeloader');
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
    usage: 'fit COMPRESSION',
    summary: 'builds a FIT image of the kernel and, when given, its device tree',
    words: { positions: ['compression'] },
    parameters: z.strictObject({ compression: z.enum(['none', 'gzip', 'lzma']) }),
    run: (file, context, { compression }) => {
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

const part = (data: Uint8Array): TrxPart => ({ kind: 'file', data });

/** Root file system on 1 KiB, then the markers that make everything behind it erased. */
function markedRoot(rootfs: Uint8Array): TrxPart[] {
  return [
    { kind: 'align', unit: kib },
    part(rootfs),
    { kind: 'align', unit: 64 * kib },
    { kind: 'append', data: markerBlob() },
  ];
}

/** A marker, and then one on every usual erase block boundary. */
export function markerBlob(): Uint8Array {
  return padJffs2(endMarker, defaultMarkerAlignments);
}

function section<Name extends keyof VendorHeaders>(
  board: StepBoard,
  name: Name,
  step: string,
): NonNullable<VendorHeaders[Name]> {
  const found = board.headers[name];
  if (found !== undefined) return found;
  throw new FormatError(
    'FW_FIRMWARE_STEP',
    `step ${step} needs headers.${name} in the profile of ${board.id}`,
    {
      data: { step, expected: `headers.${name}` },
    },
  );
}

/** Steps whose containers this program does not make; a recipe may name them, a build refuses them. */
export const refusedSteps = (
  [
    ['append-ubi', 'appends a UBI image', 'NAND images are not built'],
    ['netgear-squashfs', 'wraps the kernel in a big-endian squashfs 3', 'squashfs 3 is not written'],
    ['linksys-image', 'appends a Linksys trailer', 'NAND images are not built'],
    ['sercom-footer', 'appends a Sercomm footer', 'NAND images are not built'],
    ['sercom-seal', 'puts a Sercomm seal in front', 'NAND images are not built'],
    ['zip', 'packs the file in a zip archive', 'NAND images are not built'],
    ['append-uboot', 'appends the boot loader', 'boot loaders are not part of the project'],
  ] as const
).map(([name, summary, reason]) =>
  defineStep({
    name,
    usage: `${name} [...]`,
    summary,
    words: { positions: ['words...'] },
    parameters: z.strictObject({ words: z.string().optional() }),
    run: (_file, { board }: StepContext) => {
      throw new FormatError(
        'FW_FIRMWARE_STEP_REFUSED',
        `step ${name} of ${board.id} cannot be built: ${reason}`,
        {
          hint: 'leave the artefact out with --artefact, or give a finished file',
          data: { step: name, board: board.id },
        },
      );
    },
  }),
);
