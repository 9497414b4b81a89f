/** One letter a kind of object, as `find -printf %y` has them. */
export const typeLetters = {
  file: 'f',
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
} as const;
