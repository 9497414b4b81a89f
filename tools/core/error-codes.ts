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

  // archive

  // boards

  // budget

  // build

  // cli

  // emulator

  // firmware

  // flash

  // fuse

  // jffs2

  // rootfs

  // squashfs

  // union

  // vfs
} as const satisfies Record<string, string>;

/** One of the listed codes. */
export type ErrorCode = keyof typeof errorCodes;
