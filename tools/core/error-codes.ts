/**
 * Every error and warning code, with one sentence each. A code never changes meaning.
 *
 * One block a module, alphabetical inside; `test/architecture/error-codes.test.ts` fails when a code is used but
 * not listed, or listed but not used.
 */
export const errorCodes = {
  // core
  FW_INTERNAL: 'an invariant of the program is broken: a bug',

  // addon
  FW_ENV_ADDON_MISSING: 'a native addon is not built, or a shared library that it links is missing',
  FW_NATIVE_ARGUMENT: 'the addon was handed an argument that TypeScript should have refused',
  FW_NATIVE_CANCELLED: 'an operation of the addon was cancelled',
  FW_NATIVE_LIBRARY: 'a library that the addon calls answered an error',
  FW_NATIVE_SYSTEM: 'a system call of the addon failed',

  // archive

  // boards

  // budget

  // build

  // cli

  // emulator

  // firmware

  // flash
  FW_FLASH_ALIGNMENT: 'an erase does not begin on an erase block',
  FW_FLASH_ERASE: 'the chip failed to erase a block',
  FW_FLASH_GEOMETRY: 'a chip cannot have these sizes, or content is larger than the chip',
  FW_FLASH_PROGRAM: 'the chip failed to program',
  FW_FLASH_PROGRAM_SETS_BITS: 'a program would have to set bits, which only an erase can',
  FW_FLASH_RANGE: 'a flash operation or partition lies outside its device',
  FW_FLASH_READ: 'the chip failed to read a block',
  FW_FLASH_READONLY: 'a write to a read-only partition',
  FW_FLASH_TRACE: 'a recorded flash trace is damaged',

  // fuse

  // jffs2

  // rootfs

  // squashfs

  // union

  // vfs
} as const satisfies Record<string, string>;

/** One of the listed codes. */
export type ErrorCode = keyof typeof errorCodes;
