/** Steps that put a loader and the kernel together. The loader is a file of the board: this project ships none. */
import { z } from 'zod';
import { concatBytes, padded } from '../bytes.js';
import { sizeSchema } from '../vendor-headers.js';
import { requireStepFile } from './require.js';
import { defineStep, noParameters } from './step.js';

/** The stub of `relocate-kernel` finds the kernel's size and the kernel behind its own end, rounded up to this. */
const stubUnit = 32;

const loaderWords = { positions: ['name', 'offset'] } as const;
const loaderParameters = z.strictObject({ name: z.string().optional(), offset: sizeSchema.optional() });

export const loaderSteps = [
  defineStep({
    name: 'loader-kernel',
    usage: 'loader-kernel',
    summary: 'puts the loader that unpacks the kernel behind it in front',
    takesFile: true,
    parameters: noParameters,
    run: (file, context) => concatBytes(requireStepFile(context, 'loader-kernel'), file),
  }),
  defineStep({
    name: 'relocate-kernel',
    usage: 'relocate-kernel [ADDRESS]',
    summary: 'puts the stub that moves the kernel to its address in front, and the size of the kernel',
    takesFile: true,
    words: { positions: ['address'] },
    parameters: z.strictObject({ address: z.string().optional() }),
    run: (file, context) => {
      const stub = padded(requireStepFile(context, 'relocate-kernel'), stubUnit);
      const size = new Uint8Array(4);
      new DataView(size.buffer).setUint32(0, file.length, context.board.endianness === 'little');
      return concatBytes(stub, size, file);
    },
  }),
  defineStep({
    name: 'spi-loader-okli',
    usage: 'spi-loader-okli [NAME]',
    summary: 'puts the loader that reads an OKLI kernel from SPI flash in front',
    takesFile: true,
    words: { positions: ['name'] },
    parameters: z.strictObject({ name: z.string().optional() }),
    run: (file, context) => concatBytes(requireStepFile(context, 'spi-loader-okli'), file),
  }),
  defineStep({
    name: 'loader-okli',
    usage: 'loader-okli NAME OFFSET',
    summary: 'puts the loader that finds an OKLI kernel in front, filled up with zeros to OFFSET',
    takesFile: true,
    words: loaderWords,
    parameters: loaderParameters,
    run: (file, context, { offset }) => {
      const loader = requireStepFile(context, 'loader-okli');
      return concatBytes(offset === undefined || offset === 0 ? loader : padded(loader, offset), file);
    },
  }),
  defineStep({
    name: 'append-loader-okli',
    usage: 'append-loader-okli NAME',
    summary: 'appends the loader that finds an OKLI kernel',
    takesFile: true,
    words: loaderWords,
    parameters: loaderParameters,
    run: (file, context) => concatBytes(file, requireStepFile(context, 'append-loader-okli')),
  }),
  defineStep({
    name: 'append-uboot',
    usage: 'append-uboot',
    summary: 'appends the boot loader of the board',
    takesFile: true,
    parameters: noParameters,
    run: (file, context) => concatBytes(file, requireStepFile(context, 'append-uboot')),
  }),
];
