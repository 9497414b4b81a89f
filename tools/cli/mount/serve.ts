/** Serves a mount until someone takes it away. */
import { mountFileSystem } from '../../fuse/index.js';
import type { FileSystem } from '../../vfs/index.js';
import type { Session } from '../command.js';
import { isBackground, reportMounted } from './background.js';
import type { MountWords } from './options.js';
import type { Sources } from './sources.js';

/** What is mounted where. */
export interface Serving {
  readonly fileSystem: FileSystem;
  readonly mountPoint: string;
  /** As /proc/mounts shows it, unless the words say otherwise. */
  readonly source: string;
  readonly words: MountWords;
  readonly sources: Sources;
}

/**
 * Mounts, tells a waiting parent, and ends when the mount is gone: by umount(8), or by a signal, which takes it away.
 *
 * @throws as `mountFileSystem`
 */
export async function serve(serving: Serving, session: Session): Promise<void> {
  const { fileSystem, mountPoint, source, words, sources } = serving;
  const warn = (error: unknown): void => {
    session.warn(error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  const mounted = mountFileSystem(fileSystem, mountPoint, {
    source: words.source ?? source,
    options: words.kernel,
    readOnly: words.readOnly || fileSystem.readOnly,
    ...(words.subtype !== undefined && { subtype: words.subtype }),
    ...(words.allowOther !== undefined && { allowOther: words.allowOther }),
    ...(words.cacheSeconds !== undefined && { cacheSeconds: words.cacheSeconds }),
    opens: words.policy.copyUp === 'open',
    onSync: () => {
      sources.save();
    },
    onFault: warn,
  });
  sources.saveRegularly(() => {
    fileSystem.sync();
  }, warn);
  session.signal.addEventListener('abort', () => {
    void mounted.unmount();
  });
  if (isBackground()) reportMounted();
  await mounted.closed;
}
