/** Steps that build TRX images. */
import { defaultMarkerAlignments, endMarker, padJffs2 } from '../padjffs2.js';
import { buildTrx } from '../trx.js';
import type { TrxPart } from '../trx.js';
import { requireStepFile } from './require.js';
import { defineStep, noParameters } from './step.js';

const kib = 1024;
const trxLimit = 32 * kib * kib;

export const trxSteps = [
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
    takesFile: true,
    summary: 'builds a TRX of the loader, the kernel and the file, with end markers on 64 KiB',
    parameters: noParameters,
    run: (file, context) => {
      const loader = requireStepFile(context, 'trx-with-loader');
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
