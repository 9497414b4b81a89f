/** Steps that build Netgear images. */
import { z } from 'zod';
import { resized } from '../bytes.js';
import { buildChk } from '../netgear-chk.js';
import { buildDni } from '../netgear-dni.js';
import { buildSquashfs3 } from '../squashfs3.js';
import { buildUImage, uImageArchitectures, uImageCompressions, uImageTypes } from '../uimage.js';
import { kernelArchitecture, kernelName, requireHeaders } from './require.js';
import { defineStep, noParameters } from './step.js';

/** Where the kernel stands on the memory-mapped flash of the boards with `netgear-squashfs`. */
const mappedKernel = 0xbf070000;
/** Zeros behind the squashfs, as the original recipe appends them. */
const squashfsTail = 1024;

export const netgearSteps = [
  defineStep({
    name: 'netgear-chk',
    usage: 'netgear-chk',
    summary: 'puts a Netgear CHK header with checksums in front',
    parameters: noParameters,
    run: (file, { board }) => {
      const { board_id: boardId, region } = requireHeaders(board, 'netgear', 'netgear-chk');
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
      const header = requireHeaders(board, 'netgear', 'netgear-dni');
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
    name: 'netgear-squashfs',
    usage: 'netgear-squashfs',
    summary: 'puts the file as image/uImage into a big-endian squashfs 3, and that into a uImage',
    parameters: noParameters,
    run: (file, context) => {
      const squashfs = buildSquashfs3({ folder: 'image', name: 'uImage', content: file }, context.time);
      return buildUImage(resized(squashfs, squashfs.length + squashfsTail, 0), {
        ...(context.board.headers.uimage?.magic === undefined
          ? {}
          : { magic: context.board.headers.uimage.magic }),
        time: context.time,
        load: mappedKernel,
        entry: mappedKernel,
        arch: uImageArchitectures[kernelArchitecture(context.board)],
        type: uImageTypes.filesystem,
        compression: uImageCompressions.none,
        name: kernelName(context),
      });
    },
  }),
];
