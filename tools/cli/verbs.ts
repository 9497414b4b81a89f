/** The verbs, in the order of `--help`. The file of a verb is loaded only when it is called, which keeps `--help` fast. */
import type { Command } from './command.js';

/** One verb of the command line; `usage` starts with its name, in two words for a verb such as `mkfs squashfs`. */
export interface Verb {
  readonly usage: string;
  readonly describe: string;
  readonly load: () => Promise<Command>;
}

/** All verbs. */
export const verbs: readonly Verb[] = [
  {
    usage: 'boards [action] [subject..]',
    describe: 'List, show or check board profiles',
    load: async () => (await import('./commands/boards.js')).boards,
  },
  {
    usage: 'doctor',
    describe: 'Say what is installed, what is missing, and how to install it',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  {
    usage: 'mount <first> [second]',
    describe: 'Put an image, a folder or a union of them on a mount point',
    load: async () => (await import('./commands/mount.js')).mount,
  },
];
