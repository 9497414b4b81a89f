/** Hygiene of the hard-link index at mount (union-semantics 86). */
import { FsError, removeEntry } from '../vfs/index.js';
import type { Attributes, Ino } from '../vfs/index.js';
import type { ByteString } from '../core/index.js';
import type { Layer } from './layers.js';
import { storedLinkCount } from './hard-links.js';
import { decodeOrigin, handleNamed } from './origin.js';
import type { UnionState } from './state.js';
import type { WorkDirectory } from './work-directory.js';

/** Drops entries whose lower is unknown or of another type, or that have no name left besides the index. */
export function cleanIndex(work: WorkDirectory, lowers: readonly Layer[], state: UnionState): void {
  const { fs, index } = work;
  if (index === undefined) return;
  meetOrigins(work, index, lowers);
  for (const { name, ino } of fs.readdir(index)) {
    const lower = lowerOf(name, lowers);
    const fits = lower?.type === fs.getattr(ino).type && lower.type !== 'directory';
    if (fits && !isUnused(work, ino, state.policy.prefix)) continue;
    state.warn({ code: 'FW_UNION_LEFTOVER', message: `index entry ${name} has no use and is removed` });
    removeEntry(fs, index, name);
  }
}

/** A folder of the host knows objects by the names it met: those that the index remembers are looked for. */
function meetOrigins({ fs }: WorkDirectory, index: Ino, lowers: readonly Layer[]): void {
  const wanted = new Map<Layer, Set<Ino>>();
  for (const { name } of fs.readdir(index)) {
    const origin = originNamed(name, lowers);
    if (!origin?.layer.fs.meet) continue;
    wanted.set(origin.layer, (wanted.get(origin.layer) ?? new Set()).add(origin.ino));
  }
  for (const [{ fs: lower, root }, inos] of wanted) lower.meet?.(root, inos);
}

function originNamed(name: ByteString, lowers: readonly Layer[]): ReturnType<typeof decodeOrigin> {
  const handle = handleNamed(name);
  return handle && decodeOrigin(handle, lowers);
}

function lowerOf(name: ByteString, lowers: readonly Layer[]): Attributes | undefined {
  const origin = originNamed(name, lowers);
  try {
    return origin?.layer.fs.getattr(origin.ino);
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** All its names were removed; only the index still holds it. */
function isUnused(work: WorkDirectory, ino: Ino, prefix: string): boolean {
  return work.fs.getattr(ino).nlink <= 1 && storedLinkCount(work.fs, ino, prefix, Infinity) <= 0;
}
