/** `mount`: a folder, an image or a union of them on a mount point, served in the background. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from '../../core/index.js';
import { mountFileSystem } from '../../fuse/index.js';
import { layerAt, mountUnion, splitLayerList } from '../../union/index.js';
import type { FileSystem } from '../../vfs/index.js';
import { defineCommand } from '../command.js';
import type { Session } from '../command.js';
import { isBackground, reportMounted, runInBackground } from '../mount/background.js';
import { readMountWords, splitWords } from '../mount/options.js';
import type { MountWords } from '../mount/options.js';
import { Sources } from '../mount/sources.js';

/** The verb. */
export const mount = defineCommand(
  (yargs) =>
    yargs
      .positional('first', {
        type: 'string',
        demandOption: true,
        describe: 'folder or image; with layers: any word, or the mount point',
      })
      .positional('second', { type: 'string', describe: 'mount point' })
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
      .example('$0 mount rootfs.squashfs /mnt', 'look into an image')
      .example('$0 mount --lower base:more --upper changes --work work /mnt', 'a union of folders')
      .example(
        '$0 mount -o lowerdir=a:b,upperdir=u,workdir=w union /mnt',
        'the same, as mount(8) calls its helpers',
      ),
  async (args, session) => {
    if (!args.foreground && !isBackground()) return runInBackground();
    const mountPoint = resolve(args.second ?? args.first);
    const facts = mountPointFacts(mountPoint);
    const words = readMountWords((args.o ?? []).flatMap(splitWords), facts);
    if (args.lower) words.lowers = args.lower.flatMap(splitLayerList);
    if (args.upper !== undefined) words.upper = args.upper;
    if (args.work !== undefined) words.work = args.work;
    const single = words.lowers.length === 0 ? args.first : undefined;
    if (single !== undefined && args.second === undefined) {
      throw new UsageError('FW_USAGE_MOUNT', 'nothing to mount: name a source and a mount point, or layers');
    }
    // Whoever has the kernel ask again each time means that the layers change behind the mount.
    using sources = new Sources({ unshared: words.cacheSeconds !== 0 });
    const fileSystem =
      single === undefined
        ? openUnion(words, sources, session)
        : sources.openAlone(resolve(single), !words.readOnly);
    await serve(
      fileSystem,
      mountPoint,
      words,
      single ?? (args.second === undefined ? 'union' : args.first),
      session,
    );
    return 0;
  },
);

/** An option may be given many times. */
function repeated(value: string | string[]): string[] {
  return [value].flat();
}

function openUnion(words: MountWords, sources: Sources, session: Session): FileSystem {
  const lowers = words.lowers.map((path) => sources.open(resolve(path)));
  const { policy, readOnly } = words;
  const warn = ({ code, message }: { code: string; message: string }): void => {
    if (!isBackground()) session.warn(message, code);
  };
  if (words.upper === undefined) return mountUnion({ lowers, policy, readOnly: true, warn });
  const upper = sources.open(resolve(words.upper), true);
  if (upper.fs.kind !== 'host') {
    // An image has room for both: the changes lie in its folders upper and work, as OpenWrt lays them out.
    const [top, work] = ['upper', 'work'].map((name) => layerAt(upper.fs, `/${name}` as never));
    return mountUnion({
      lowers,
      upper: { ...upper, ...top },
      policy,
      readOnly,
      warn,
      ...(work?.root && { work: work.root }),
    });
  }
  if (words.work === undefined) {
    throw new UsageError('FW_USAGE_MOUNT', 'an upper needs a work folder beside it', { hint: '--work DIR' });
  }
  const work = sources.open(resolve(words.work), true);
  if (work.fs !== upper.fs || work.root === undefined) {
    throw new UsageError('FW_USAGE_MOUNT', 'upper and work folder must lie on one file system', {
      data: { errno: 'EINVAL' },
    });
  }
  sources.claim(resolve(words.work));
  return mountUnion({ lowers, upper, work: work.root, policy, readOnly, warn });
}

async function serve(
  fileSystem: FileSystem,
  mountPoint: string,
  words: MountWords,
  source: string,
  session: Session,
): Promise<void> {
  const mounted = mountFileSystem(fileSystem, mountPoint, {
    source: words.source ?? source,
    options: words.kernel,
    readOnly: words.readOnly || fileSystem.readOnly,
    ...(words.subtype !== undefined && { subtype: words.subtype }),
    ...(words.allowOther !== undefined && { allowOther: words.allowOther }),
    ...(words.cacheSeconds !== undefined && { cacheSeconds: words.cacheSeconds }),
    opens: words.policy.copyUp === 'open',
    onFault: (error) => {
      session.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
    },
  });
  session.signal.addEventListener('abort', () => {
    void mounted.unmount();
  });
  if (isBackground()) reportMounted();
  await mounted.closed;
}

function mountPointFacts(path: string): { mode: number; uid: number; gid: number } {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts?.isDirectory()) return facts;
  throw new UsageError('FW_USAGE_FILE', `mount point ${path} is not a folder`, { hint: `mkdir -p ${path}` });
}
