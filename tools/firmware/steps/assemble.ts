/** Steps that append the parts of an image. */
import { z } from 'zod';
import { concatBytes } from '../bytes.js';
import { requireDeviceTree } from './require.js';
import { defineStep, noParameters } from './step.js';

export const assembleSteps = [
  defineStep({
    name: 'kernel-bin',
    usage: 'kernel-bin',
    summary: 'starts from the raw kernel image',
    parameters: noParameters,
    run: (file) => file,
  }),
  defineStep({
    name: 'append-kernel',
    usage: 'append-kernel',
    summary: 'appends the finished kernel file',
    parameters: noParameters,
    run: (file, { kernel }) => concatBytes(file, kernel),
  }),
  defineStep({
    name: 'append-rootfs',
    usage: 'append-rootfs',
    summary: 'appends the root file system',
    parameters: noParameters,
    run: (file, { rootfs }) => concatBytes(file, rootfs),
  }),
  defineStep({
    name: 'append-dtb',
    usage: 'append-dtb',
    summary: 'appends the compiled device tree; a kernel without one is taken to have it inside',
    parameters: noParameters,
    run: (file, { deviceTree }) => {
      if (deviceTree === undefined) return file;
      requireDeviceTree(deviceTree);
      return concatBytes(file, deviceTree);
    },
  }),
  defineStep({
    name: 'append-string',
    usage: 'append-string TEXT',
    summary: 'appends the text, without a newline',
    words: { positions: ['text'] },
    parameters: z.strictObject({ text: z.string() }),
    run: (file, _context, { text }) => concatBytes(file, Buffer.from(text, 'utf8')),
  }),
];
