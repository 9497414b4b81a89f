/** The verbs, in the order of `--help`. The file of a verb is loaded only when it is called, which keeps `--help` fast. */
import type { Command } from './command.js';

/** One verb of the command line; `usage` starts with its name, in two words for a verb such as `mkfs squashfs`. */
export interface Verb {
  readonly usage: string;
  readonly describe: string;
  readonly load: () => Promise<Command>;
}

/** What the verbs of one first word do together. */
export const groups: Readonly<Record<string, string>> = {
  mkfs: 'Write a squashfs or JFFS2 image from a folder, an archive or another image',
};

/** All verbs. */
export const verbs: readonly Verb[] = [
  {
    usage: 'build <recipe>',
    describe: 'Pack the artefacts of one or many boards',
    load: async () => (await import('./commands/build.js')).build,
  },
  {
    usage: 'budget <subject>',
    describe: 'Count the flash budget of a recipe or an image; exit 10 when it does not fit',
    load: async () => (await import('./commands/budget.js')).budget,
  },
  {
    usage: 'diff <old> <new>',
    describe: 'Say what differs between two images: packages, files, libraries, flash; for a pull request',
    load: async () => (await import('./commands/diff.js')).diff,
  },
  {
    usage: 'tune <subject>',
    describe: 'Find how to pack the smallest root that a board can read',
    load: async () => (await import('./commands/tune.js')).tune,
  },
  {
    usage: 'check <image>',
    describe: 'Prove first boot, factory reset and upgrade on the emulated board',
    load: async () => (await import('./commands/check.js')).check,
  },
  {
    usage: 'emulate <scenario>',
    describe: 'Run a scenario file on the emulated board',
    load: async () => (await import('./commands/emulate.js')).emulate,
  },
  {
    usage: 'shell <image>',
    describe: 'Type commands on the emulated board',
    load: async () => (await import('./commands/shell.js')).shell,
  },
  {
    usage: 'which <image> <path>',
    describe: 'Say which layer a path of the device comes from, and why',
    load: async () => (await import('./commands/which.js')).which,
  },
  {
    usage: 'reset <image>',
    describe: 'Reset the emulated board to factory state, or tell what that would do',
    load: async () => (await import('./commands/reset.js')).reset,
  },
  {
    usage: 'upgrade <image> <new>',
    describe: 'Upgrade the emulated board, or tell what happens to the settings',
    load: async () => (await import('./commands/upgrade.js')).upgrade,
  },
  {
    usage: 'inspect <file>',
    describe: 'Say what is inside a firmware file',
    load: async () => (await import('./commands/inspect.js')).inspect,
  },
  {
    usage: 'unpack <file>',
    describe: 'Take a firmware file apart',
    load: async () => (await import('./commands/unpack.js')).unpack,
  },
  {
    usage: 'repack <folder>',
    describe: 'Put together what unpack took apart',
    load: async () => (await import('./commands/repack.js')).repack,
  },
  {
    usage: 'sign [image]',
    describe: 'Sign an image, verify a signature, or make a key pair',
    load: async () => (await import('./commands/sign.js')).sign,
  },
  {
    usage: 'sbom <image>',
    describe: 'Write the software bill of materials of an image: CycloneDX or SPDX',
    load: async () => (await import('./commands/sbom.js')).sbom,
  },
  {
    usage: 'mount [first] [second]',
    describe: 'Put an image, a folder or a union of them on a mount point',
    load: async () => (await import('./commands/mount.js')).mount,
  },
  {
    usage: 'mkfs squashfs <source> <image>',
    describe: 'Write a squashfs image from a folder, an archive or another image',
    load: async () => (await import('./commands/mkfs-squashfs.js')).mkfsSquashfs,
  },
  {
    usage: 'mkfs jffs2 <source> <image>',
    describe: 'Write a JFFS2 image from a folder, an archive or another image',
    load: async () => (await import('./commands/mkfs-jffs2.js')).mkfsJffs2,
  },
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
];
