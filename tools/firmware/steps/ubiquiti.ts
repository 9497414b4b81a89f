/** Steps that build Ubiquiti containers. */
import { z } from 'zod';
import { buildUbiquiti } from '../ubiquiti.js';
import { requireHeaders } from './require.js';
import { defineStep, noParameters } from './step.js';

/** Where the factory web page of the boards splits the file into kernel and root. */
const splitOffset = 0x100000;

export const ubiquitiSteps = [
  defineStep({
    name: 'mkubntimage-split',
    usage: 'mkubntimage-split',
    summary: 'wraps the file in a Ubiquiti container: the first MiB as kernel, the rest as rootfs',
    parameters: noParameters,
    run: (file, { board, version }) => {
      const header = requireHeaders(board, 'ubiquiti', 'mkubntimage-split');
      const numbers = [header.type, header.chip, `v${header.version}`, `${version.dist}-${version.revision}`];
      return buildUbiquiti({
        magic: header.magic ?? 'UBNT',
        version: numbers.filter((text) => text !== undefined).join('.'),
        board: header.board,
        kernel: file.subarray(0, splitOffset),
        rootfs: file.subarray(splitOffset),
      });
    },
  }),
  defineStep({
    name: 'mkfwimage',
    usage: 'mkfwimage BOARD -v VERSION',
    summary: 'builds a Ubiquiti container of the kernel, and the file as rootfs',
    words: { positions: ['board'], options: { '-v': 'version' } },
    parameters: z.strictObject({ board: z.string(), version: z.string() }),
    run: (file, { kernel, version }, { board, version: prefix }) =>
      buildUbiquiti({
        magic: 'OPEN',
        version: `${prefix}.${version.dist}.${version.revision}`,
        board,
        kernel,
        rootfs: file,
      }),
  }),
];
