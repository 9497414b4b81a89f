/** Steps that pad, mark the end of the root file system, and check sizes. */
import { z } from 'zod';
import { padded, resized } from '../bytes.js';
import { defaultMarkerAlignments, fakePaddingNode, padJffs2 } from '../padjffs2.js';
import { sizeSchema } from '../vendor-headers.js';
import { requireSize } from './require.js';
import { defineStep } from './step.js';

const positiveSize = sizeSchema.refine((size) => size > 0, 'must be more than zero');

export const paddingSteps = [
  defineStep({
    name: 'pad-to',
    usage: 'pad-to SIZE',
    summary: 'fills up with zeros to the next multiple of SIZE',
    words: { positions: ['size'] },
    parameters: z.strictObject({ size: positiveSize }),
    run: (file, _context, { size }) => padded(file, size),
  }),
  defineStep({
    name: 'pad-extra',
    usage: 'pad-extra SIZE',
    summary: 'appends SIZE zero bytes',
    words: { positions: ['size'] },
    parameters: z.strictObject({ size: sizeSchema }),
    run: (file, _context, { size }) => resized(file, file.length + size, 0),
  }),
  defineStep({
    name: 'pad-offset',
    usage: 'pad-offset SIZE OFFSET',
    summary: 'fills up with zeros so that the length plus OFFSET is a multiple of SIZE',
    words: { positions: ['size', 'offset'] },
    parameters: z.strictObject({ size: positiveSize, offset: sizeSchema }),
    run: (file, _context, { size, offset }) => {
      const length = Math.ceil((file.length + offset) / size) * size - offset;
      return resized(file, length, 0);
    },
  }),
  defineStep({
    name: 'pad-rootfs',
    usage: 'pad-rootfs [-x OFFSET] [-J | -j]',
    summary: 'fills up with 0xFF and writes the end marker at the next boundary of the erase block',
    words: { positions: [], options: { '-x': 'ahead' }, switches: { '-J': 'bigNode', '-j': 'littleNode' } },
    parameters: z.strictObject({
      ahead: sizeSchema.default(0),
      bigNode: z.literal(true).optional(),
      littleNode: z.literal(true).optional(),
    }),
    run: (file, { board }, { ahead, bigNode, littleNode }) => {
      const alignments = board.blockSize === undefined ? defaultMarkerAlignments : [board.blockSize];
      const marker = bigNode ? fakePaddingNode.big : littleNode ? fakePaddingNode.little : undefined;
      return padJffs2(file, alignments, ahead, marker);
    },
  }),
  defineStep({
    name: 'check-size',
    usage: 'check-size [LIMIT]',
    summary: 'refuses an image of more than LIMIT bytes (default: the image size of the profile)',
    words: { positions: ['limit'] },
    parameters: z.strictObject({ limit: sizeSchema.optional() }),
    run: (file, { board }, { limit = board.imageSize }) => {
      if (limit !== undefined) requireSize(file.length, limit, 'image');
      return file;
    },
  }),
];
