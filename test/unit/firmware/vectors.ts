/** Inputs of the reference vectors, and a step context to run recipes in. */
import { createHash } from 'node:crypto';
import type { StepContext } from '../../../tools/firmware/index.js';

/** Seven bytes. */
export const tinyInput = Buffer.from('abcdefg');
/** 6000 bytes that stand for a kernel. */
export const kernelInput = Buffer.from('KERNEL'.repeat(1000));
/** 10000 bytes that start like a squashfs. */
export const rootfsInput = Buffer.concat([
  Buffer.from('hsqs'),
  Buffer.from(Array.from({ length: 9996 }, (_, index) => (7 * index + 3) % 256)),
]);

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A context whose parts a test may replace. */
export function stepContext(
  change: Partial<StepContext> = {},
  board: Partial<StepContext['board']> = {},
): StepContext {
  return {
    kernel: kernelInput,
    rootfs: rootfsInput,
    time: 1700000000,
    version: { dist: 'OpenWrt', version: 'SNAPSHOT', revision: 'r0', kernelVersion: '6.12.1' },
    board: {
      id: 'acme_board-1',
      boardName: 'acme,board-1',
      supportedDevices: ['acme,board-1'],
      compatVersion: '1.0',
      target: 'ath79/generic',
      arch: 'mips_24kc',
      endianness: 'big',
      headers: {},
      loaders: {},
      ...board,
    },
    ...change,
  };
}

/** What a call throws, to compare with `toMatchObject`; undefined when it returns. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}
