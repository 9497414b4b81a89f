/** What steps ask of the board: a section of its vendor headers, a file of its own, a size limit that holds. */
import { BudgetError, FormatError, groupDigits, ProfileError } from '../../core/index.js';
import { uImageArchitectures } from '../uimage.js';
import type { VendorHeaders } from '../vendor-headers.js';
import type { StepBoard, StepContext } from './step.js';

/** The identifiers that a step writes; FW_FIRMWARE_STEP when the profile does not give them. */
export function requireHeaders<Name extends keyof VendorHeaders>(
  board: StepBoard,
  name: Name,
  step: string,
): NonNullable<VendorHeaders[Name]> {
  const found = board.headers[name];
  if (found !== undefined) return found;
  throw new FormatError(
    'FW_FIRMWARE_STEP',
    `step ${step} needs headers.${name} in the profile of ${board.id}`,
    { data: { step, expected: `headers.${name}` } },
  );
}

/** Steps of the kernel; a kernel that is already finished does without them. */
const kernelSteps: ReadonlySet<string> = new Set([
  'loader-kernel',
  'relocate-kernel',
  'spi-loader-okli',
  'loader-okli',
]);

/** The file that a step takes besides; ProfileError FW_PROFILE_STEP_FILE when none was given, with the ways out. */
export function requireStepFile({ stepFiles, board }: StepContext, step: string): Uint8Array {
  const file = stepFiles?.get(step);
  if (file !== undefined) return file;
  const what = board.loaders[step];
  throw new ProfileError(
    'FW_PROFILE_STEP_FILE',
    `step ${step} of ${board.id} needs a file${what === undefined ? '' : `: ${what}`}`,
    [],
    {
      hint:
        `give it with --loader ${step}=FILE` +
        (kernelSteps.has(step)
          ? `, or give --kernel a finished kernel: ${board.id}-kernel.bin of the ImageBuilder, or a sysupgrade image of the board`
          : ''),
      data: { step, board: board.id },
    },
  );
}

/** First bytes of a compiled device tree. @see Devicetree Specification 0.4, 5.2 */
const deviceTreeMagic = Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed);

/** Refuses what is no compiled device tree. @throws FormatError FW_FIRMWARE_DEVICE_TREE */
export function requireDeviceTree(file: Uint8Array): void {
  const start = Buffer.from(file.subarray(0, deviceTreeMagic.length));
  if (start.equals(deviceTreeMagic)) return;
  throw new FormatError(
    'FW_FIRMWARE_DEVICE_TREE',
    `the device tree begins with ${start.toString('hex')}, expected d00dfeed of a compiled one`,
    {
      hint: 'dtc -I dts -O dtb -o BOARD.dtb BOARD.dts',
      data: { offset: 0, expected: 'd00dfeed', found: start.toString('hex') },
    },
  );
}

/**
 * Refuses a length over its limit; exactly the limit is accepted.
 *
 * @throws BudgetError FW_BUDGET_CHECK_SIZE with limit, use and overBy
 */
export function requireSize(length: number, limit: number, what: string): void {
  if (length <= limit) return;
  throw new BudgetError(
    'FW_BUDGET_CHECK_SIZE',
    `${what} does not fit: ${groupDigits(length)} of ${groupDigits(limit)} bytes, ${groupDigits(length - limit)} over`,
    {
      hint: 'firmwright budget shows what takes the space',
      data: { what, limit, use: length, overBy: length - limit },
    },
  );
}

/** The architecture's name in uImage and FIT headers, from OpenWrt's name such as `mipsel_24kc`. */
export function kernelArchitecture(board: StepBoard): keyof typeof uImageArchitectures {
  const family = board.arch.replace(/_.*$/, '');
  switch (family) {
    case 'mips':
    case 'mipsel':
      return 'mips';
    case 'mips64':
    case 'mips64el':
      return 'mips64';
    case 'powerpc':
      return 'powerpc';
    case 'arm':
      return 'arm';
    case 'aarch64':
      return 'arm64';
    case 'i386':
    case 'x86':
      return 'x86';
    case 'riscv64':
      return 'riscv';
    default:
      throw new FormatError('FW_FIRMWARE_STEP', `no uImage architecture for ${board.arch}`, {
        data: { found: board.arch, expected: Object.keys(uImageArchitectures) },
      });
  }
}

/** Name in a uImage header as OpenWrt writes it: `MIPS OpenWrt Linux-6.6.93`, cut to the field. */
export function kernelName({ board, version }: StepContext): string {
  const kernel = version.kernelVersion === undefined ? '' : ` Linux-${version.kernelVersion}`;
  return `${kernelArchitecture(board).toUpperCase()} ${version.dist}${kernel}`.slice(0, 32);
}
