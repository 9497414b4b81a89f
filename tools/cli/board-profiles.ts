/** Finds board profiles: the ones that Firmwright brings, and a user's own by path. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadBoardProfile } from '../boards/index.js';
import type { BoardProfile } from '../boards/index.js';
import { checkoutPath, nearest, UsageError } from '../core/index.js';
import { deviceNames } from '../firmware/index.js';
import { readText } from './input-files.js';

/** Folder of the profiles that Firmwright brings. */
const profilesFolder = checkoutPath('board-profiles/');

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
  const near = nearest(idOrPath, ids);
  throw new UsageError('FW_USAGE_BOARD', `no board profile is called ${idOrPath}`, {
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}? (firmwright boards list)`
        : 'firmwright boards list',
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
  return loadBoardProfile(readText(path, 'a board profile'), path);
}

/** Says that an image is for other devices than a board; undefined when it is for the board, or does not say. */
export function otherDevices(profile: BoardProfile, image: Uint8Array, path: string): string | undefined {
  const devices = deviceNames(image);
  if (devices === undefined || devices.some((device) => profile.supportedDevices.includes(device)))
    return undefined;
  return `${path} is for ${devices.join(', ')}, not for ${profile.id}`;
}

/**
 * Loads the profile that the user names, or else the one whose devices the metadata of the image names.
 *
 * @param path  of the image, for the error
 * @throws UsageError FW_USAGE_BOARD when the image does not say, or says a board that no profile of ours knows
 */
export function boardOfImage(named: string | undefined, image: Uint8Array, path: string): BoardProfile {
  if (named !== undefined) return loadBoard(named);
  const devices = deviceNames(image);
  const found = boardIds()
    .map(loadBoard)
    .find(({ supportedDevices }) => supportedDevices.some((device) => devices?.includes(device)));
  if (found) return found;
  throw new UsageError(
    'FW_USAGE_BOARD',
    devices
      ? `${path}: no board profile is for ${devices.join(', ')}, which its metadata names`
      : `${path} does not say which board it is for: it has no metadata`,
    {
      hint: 'name the board: --board ID (firmwright boards list) or --board FILE, a profile of your own',
      data: { path },
    },
  );
}
