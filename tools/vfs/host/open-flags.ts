import { constants } from 'node:fs';

/** Flag of open(2), which Node does not name: a descriptor that only stands for its file. @see Linux include/uapi/asm-generic/fcntl.h */
export const O_PATH = 0o10000000;
/** Flag of open(2): a file without a name. */
export const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Flags of open(2) whose value differs between architectures. */
export const { O_RDONLY, O_RDWR, O_NOFOLLOW, O_NOATIME } = constants;
