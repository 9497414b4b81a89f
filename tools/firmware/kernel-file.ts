/**
 * Refuses files that are given as a kernel and are something else: an image of another board, a whole image out of
 * which no kernel can be taken, a kernel for another CPU. A recipe would wrap them all, into an image that never boots.
 */
import { FormatError, textOf, byteString } from '../core/index.js';
import { startsWith, wordBe, wordLe } from './bytes.js';
import { deviceTreeMagic } from './device-tree.js';
import { readFit } from './fit.js';
import { deviceNames } from './image-metadata.js';
import { isSafeloader } from './safeloader.js';
import { kernelArchitecture } from './steps/require.js';
import type { StepBoard } from './steps/step.js';
import { isUbiquiti } from './ubiquiti.js';
import { uImageArchitectures, uImageMagic, uImageTable } from './uimage.js';

const squashfsMagic = Buffer.from('hsqs');
const squashfsHeaderSize = 96;
const elfMagic = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);
/** Numbers of machines in ELF files. @see System V ABI, "ELF header" */
const elfMachines = { arm: 40, x86: 3, mips: 8, mips64: 8, powerpc: 20, arm64: 183, riscv: 243 } as const;

/**
 * Refuses a file that names other devices than those of the board, before a kernel is taken out of it.
 *
 * @throws FormatError FW_FIRMWARE_KERNEL
 */
export function refuseImageOfOtherBoard(file: Uint8Array, board: StepBoard): void {
  const devices = deviceNames(file);
  if (devices === undefined || devices.some((device) => board.supportedDevices.includes(device))) return;
  refuse(board, `a kernel or an image for ${board.supportedDevices[0] ?? board.id}`, {
    found: `an image for ${devices[0] ?? 'no device'}`,
    hint: 'give the kernel of this board, or an image of it',
  });
}

/**
 * Refuses a file that is no kernel for the board, whatever its recipe would make of it.
 *
 * @param file  a kernel, half-made or finished; no image out of which the kernel was taken already
 * @throws FormatError FW_FIRMWARE_KERNEL; what `readFit` throws for a damaged FIT
 */
export function refuseForeignKernel(file: Uint8Array, board: StepBoard): void {
  const image = imageIn(file);
  if (image !== undefined)
    refuse(board, 'a kernel', {
      found: image,
      hint: 'firmwright unpack FILE -C DIR takes the kernel out of an image',
    });
  const architecture = kernelArchitecture(board);
  if (wordBe(file, 0) === uImageMagic && file.length > uImageTable.size) {
    const { arch } = uImageTable.read(file);
    if (arch !== uImageArchitectures[architecture])
      refuse(board, `a kernel for ${architecture}`, {
        found: `a uImage for ${uImageArchitectureName(arch)}`,
      });
  }
  if (wordBe(file, 0) === deviceTreeMagic) refuseForeignFit(file, board);
  if (startsWith(file, elfMagic) && file.length > squashfsHeaderSize) {
    const [endianness, machine] =
      file[5] === 1 ? ['little', (wordLe(file, 16) ?? 0) >>> 16] : ['big', (wordBe(file, 16) ?? 0) & 0xffff];
    if (machine !== elfMachines[architecture] || endianness !== board.endianness)
      refuse(board, `a kernel for ${architecture}, ${board.endianness}-endian`, {
        found: `an ELF file for machine ${machine}, ${endianness}-endian`,
      });
  }
}

/** A FIT says of its kernel for which CPU it is. */
function refuseForeignFit(file: Uint8Array, board: StepBoard): void {
  const architecture = kernelArchitecture(board);
  const kernel = readFit(file).images.find(({ type }) => type === 'kernel');
  if (kernel === undefined)
    refuse(board, `a kernel for ${architecture}`, { found: 'a device tree without a kernel' });
  if (kernel.arch !== architecture)
    refuse(board, `a kernel for ${architecture}`, { found: `a FIT for ${kernel.arch || 'no architecture'}` });
}

function refuse(
  board: StepBoard,
  expected: string,
  { found, hint }: { readonly found: string; readonly hint?: string },
): never {
  throw new FormatError('FW_FIRMWARE_KERNEL', `the kernel file is ${found}, expected ${expected}`, {
    data: { structure: 'kernel file', offset: 0, board: board.id, expected, found },
    hint: hint ?? `give the kernel of ${board.id}`,
  });
}

/** Says which image a file is; undefined for what may be a kernel. */
function imageIn(file: Uint8Array): string | undefined {
  const devices = deviceNames(file);
  if (devices !== undefined) return `an image for ${devices[0] ?? 'no device'}`;
  if (isUbiquiti(file)) return 'a factory image of Ubiquiti';
  if (isSafeloader(file)) return 'a factory image of TP-Link (SafeLoader)';
  if (startsWith(file, Buffer.from('ustar'), 257))
    return `a tar archive that begins with ${textOf(byteString(file.subarray(0, file.indexOf(0))))}`;
  const offset = squashfsOffset(file);
  return offset === undefined ? undefined : `an image with a squashfs at 0x${offset.toString(16)}`;
}

/** Where a squashfs begins that the file holds whole. */
function squashfsOffset(file: Uint8Array): number | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  let at = bytes.indexOf(squashfsMagic);
  for (; at >= 0; at = bytes.indexOf(squashfsMagic, at + 1)) {
    if (at + squashfsHeaderSize > bytes.length) return undefined;
    const blockSize = bytes.readUInt32LE(at + 12);
    const isVersion4 = bytes.readUInt32LE(at + 28) === 4;
    const isWhole = bytes.readBigUInt64LE(at + 40) <= BigInt(bytes.length - at);
    if (isVersion4 && isWhole && blockSize === 2 ** bytes.readUInt16LE(at + 22)) return at;
  }
  return undefined;
}

function uImageArchitectureName(number: number): string {
  const known = Object.entries(uImageArchitectures).find(([, value]) => value === number);
  return known?.[0] ?? `architecture ${number}`;
}
