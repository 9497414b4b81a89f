/**
 * The mark of a union that does not flush: a directory that the kernel's overlay makes and refuses too, so that
 * neither takes over from the other what may have lost anything (union-semantics 174).
 *
 * @see Linux Documentation/filesystems/overlayfs.rst, "Volatile mount"
 */
import { UsageError } from '../core/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import { directoryNamed, ensureDirectory, volatileFeature, workNames } from './work-layout.js';

/** Leaves the mark, until `endVolatile`. */
export function startVolatile(fs: FileSystem, workRoot: Ino): void {
  const work = ensureDirectory(fs, workRoot, workNames.work);
  ensureDirectory(fs, ensureDirectory(fs, work, workNames.features), volatileFeature);
}

/**
 * Refuses an upper that a union without flushing never gave back.
 *
 * @throws UsageError FW_UNION_VOLATILE
 */
export function refuseVolatile(fs: FileSystem, workRoot: Ino): void {
  if (!markedIn(fs, workRoot)) return;
  const place = [workNames.work, workNames.features, volatileFeature].join('/');
  throw new UsageError(
    'FW_UNION_VOLATILE',
    `the work directory holds ${place}: the upper was mounted without flushing and never unmounted`,
    {
      hint: `make a new upper and work directory, or remove ${place} to accept what is left`,
      data: { errno: 'EINVAL', place },
    },
  );
}

/** Removes the mark: everything is durable. */
export function endVolatile(fs: FileSystem, workRoot: Ino): void {
  const marked = markedIn(fs, workRoot);
  if (!marked) return;
  fs.rmdir(marked.features, volatileFeature);
  fs.rmdir(marked.work, workNames.features);
}

function markedIn(fs: FileSystem, workRoot: Ino): { readonly work: Ino; readonly features: Ino } | undefined {
  const work = directoryNamed(fs, workRoot, workNames.work);
  const features = directoryNamed(fs, work, workNames.features);
  if (work === undefined || features === undefined) return undefined;
  return fs.lookup(features, volatileFeature) === undefined ? undefined : { work, features };
}
