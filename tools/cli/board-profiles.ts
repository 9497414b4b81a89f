/** Finds board profiles: the ones that Firmwright brings, and a user's own by path. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadBoardProfile } from '../boards/index.js';
import type { BoardProfile } from '../boards/index.js';
import { UsageError } from '../core/index.js';

/** Folder of the profiles that Firmwright brings; the same below `tools/` and below `dist/`. */
export const profilesFolder = fileURLToPath(new URL('../../board-profiles/', import.meta.url));

/** Lists the ids of the profiles that Firmwright brings, sorted. */
export function boardIds(): string[] {
  return readdirSync(profilesFolder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

/** Finds the file of a profile: an id of ours, or the path of a YAML file. */
export function profilePath(idOrPath: string): string {
  if (/\.ya?ml$/.test(idOrPath)) return idOrPath;
  const ids = boardIds();
  if (ids.includes(idOrPath)) return join(profilesFolder, `${idOrPath}.yaml`);
  const near = ids.filter((id) => id.includes(idOrPath) || idOrPath.includes(id.split('_')[1] ?? id));
  throw new UsageError('FW_USAGE_BOARD', `no board profile is called ${idOrPath}`, {
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'firmwright boards list',
    data: { board: idOrPath, known: ids },
  });
}

/**
 * Loads one profile by id or path.
 *
 * @throws UsageError FW_USAGE_BOARD for an unknown id; ProfileError FW_PROFILE_INVALID with every fault of the file
 */
export function loadBoard(idOrPath: string): BoardProfile {
  const path = profilePath(idOrPath);
  return loadBoardProfile(readFileSync(path, 'utf8'), path);
}
