/** Linux errno numbers (asm-generic/errno-base.h, errno.h) that a file system of ours may answer. */
export const errnoNumbers = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  ERANGE: 34,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOLCK: 37,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENODATA: 61,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  ECONNREFUSED: 111,
  ESTALE: 116,
  EDQUOT: 122,
} as const;

/** Name of an errno. */
export type Errno = keyof typeof errnoNumbers;

/**
 * What a kernel would answer: an errno, with the call and the place that met it.
 *
 * It carries no stack trace: answering an errno is normal operation and must be cheap.
 */
export class FsError extends Error {
  readonly code: Errno;
  readonly errno: number;
  readonly syscall: string;
  readonly path: string | undefined;

  constructor(code: Errno, syscall: string, path?: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(path === undefined ? `${code}: ${syscall}` : `${code}: ${syscall} '${path}'`);
    Error.stackTraceLimit = limit;
    this.name = 'FsError';
    this.code = code;
    this.errno = errnoNumbers[code];
    this.syscall = syscall;
    this.path = path;
  }
}
