/** `mount`: the device of an image, a folder, a file system or a union on a mount point, served in the background. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { checkoutPath, UsageError } from '../../core/index.js';
import { splitLayerList } from '../../union/index.js';
import { defineCommand, example } from '../command.js';
import { isBackground, runInBackground } from '../mount/background.js';
import { deviceLayers } from '../mount/device-layer.js';
import { helperPath, helperScript } from '../mount/helper.js';
import { readMountWords, splitWords } from '../mount/options.js';
import { serve } from '../mount/serve.js';
import { Sources } from '../mount/sources.js';
import { layersAsSource, openUnion } from '../mount/union-of-layers.js';
import { boardOption } from '../device-options.js';

/** The verb. */
export const mount = defineCommand(
  (yargs) =>
    yargs
      .positional('first', {
        type: 'string',
        describe: 'image, dump or folder; with layers: any word, or the mount point',
      })
      .positional('second', { type: 'string', describe: 'mount point' })
      .option('board', boardOption)
      .option('layer', {
        choices: deviceLayers,
        describe: 'what of the device is shown: its root, the squashfs, or the whole JFFS2',
      })
      .option('write', { type: 'boolean', describe: 'changes go into the dump; otherwise they are dropped' })
      .option('save', {
        type: 'string',
        requiresArg: true,
        describe: 'changes go into a new dump of this name',
      })
      // Not `array`: that would take the words that follow for more values.
      .option('lower', {
        type: 'string',
        requiresArg: true,
        coerce: repeated,
        describe: 'read-only layers, top first, separated by colons',
      })
      .option('upper', {
        type: 'string',
        requiresArg: true,
        describe: 'folder or JFFS2 image that takes the changes',
      })
      .option('work', {
        type: 'string',
        requiresArg: true,
        describe: 'empty folder beside the upper, on the same file system',
      })
      .option('o', {
        type: 'string',
        requiresArg: true,
        coerce: repeated,
        describe: 'mount options, as mount(8) and overlayfs name them',
      })
      .option('foreground', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'stay, and print faults',
      })
      .option('helper', {
        type: 'boolean',
        default: false,
        describe: `print the helper of mount(8), to be installed as ${helperPath}`,
      })
      .example(...example('$0 mount sysupgrade.bin /mnt', 'the root of the device after its first boot'))
      .example(
        ...example('$0 mount dump.bin /mnt --board ubnt_unifi-ap --write', 'the root in a dump, for changes'),
      )
      .example(...example('$0 mount rootfs.squashfs /mnt', 'look into a file system'))
      .example(
        ...example('$0 mount --lower base:more --upper changes --work work /mnt', 'a union of folders'),
      ),
  async (args, session) => {
    if (args.helper) {
      session.write(helperScript([process.execPath, checkoutPath('dist/cli/main.js')]));
      return 0;
    }
    if (args.first === undefined) {
      throw new UsageError('FW_USAGE_MOUNT', 'nothing to mount: name a source and a mount point, or layers');
    }
    if (!args.foreground && !isBackground()) return runInBackground();
    const mountPoint = resolve(args.second ?? args.first);
    const words = readMountWords((args.o ?? []).flatMap(splitWords), mountPointFacts(mountPoint));
    if (args.lower) words.lowers = args.lower.flatMap(splitLayerList);
    if (args.upper !== undefined) words.upper = args.upper;
    if (args.work !== undefined) words.work = args.work;
    const { board = words.device.board, layer = words.device.layer, save = words.device.save } = args;
    const device = { board, layer, save, write: args.write ?? words.device.write };
    const single = words.lowers.length === 0 ? args.first : undefined;
    if (single !== undefined && args.second === undefined) {
      throw new UsageError('FW_USAGE_MOUNT', 'name the mount point behind the source, or layers');
    }
    // Whoever has the kernel ask again each time means that the layers change behind the mount.
    using sources = new Sources({ unshared: words.cacheSeconds !== 0 });
    if (single !== undefined) {
      const fileSystem = sources.openAlone(resolve(single), !words.readOnly, device);
      await serve({ fileSystem, mountPoint, source: single, words, sources }, session);
      return 0;
    }
    const union = openUnion(words, sources, ({ code, message }) => {
      if (!isBackground()) session.warn(message, code);
    });
    const source = args.second === undefined ? layersAsSource(union) : args.first;
    await serve({ fileSystem: union, mountPoint, source, words, sources }, session);
    return 0;
  },
);

/** An option may be given many times. */
function repeated(value: string | string[]): string[] {
  return [value].flat();
}

function mountPointFacts(path: string): { mode: number; uid: number; gid: number } {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts?.isDirectory()) return facts;
  throw new UsageError('FW_USAGE_FILE', `mount point ${path} is not a folder`, { hint: `mkdir -p ${path}` });
}
