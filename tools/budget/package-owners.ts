/** Which package each name of an image came with. */
import type { ByteString } from '../core/index.js';
import { opkgFolder } from '../rootfs/index.js';
import type { InstalledPackage } from '../rootfs/index.js';
import type { FileType } from '../vfs/index.js';

/** Where opkg keeps what it knows of each installed package. */
const opkgInfo = `${opkgFolder}/info/`;

/**
 * Tells the package of every name; undefined for what no package lists.
 *
 * Of several packages that list one path, the first by name owns it. opkg's notes on a package (`info/NAME.*`) are the
 * package's. A directory that no package lists belongs to the one that owns everything in it, if there is one: it goes
 * when that package goes.
 *
 * @param names  every directory before what is in it
 */
export function packageOwners(
  names: readonly { readonly path: ByteString; readonly type: FileType }[],
  packages: readonly InstalledPackage[],
): (string | undefined)[] {
  const listed = new Map<ByteString, string>();
  for (const { name, files } of packages) {
    for (const path of files) if (!listed.has(path)) listed.set(path, name);
  }
  const known = new Set(packages.map(({ name }) => name));
  const inside = new Map<string, string | undefined>();
  const owners = new Array<string | undefined>(names.length);
  for (let i = names.length - 1; i >= 0; i -= 1) {
    const entry = names[i];
    if (entry === undefined) continue;
    const { path, type } = entry;
    const owner =
      listed.get(path) ??
      (type === 'directory' && path !== '/' ? inside.get(path) : ownerOfNotes(path, known));
    owners[i] = owner;
    const folder = path.slice(0, path.lastIndexOf('/')) || '/';
    inside.set(folder, inside.has(folder) && inside.get(folder) !== owner ? undefined : owner);
  }
  return owners;
}

function ownerOfNotes(path: ByteString, known: ReadonlySet<string>): string | undefined {
  if (!path.startsWith(opkgInfo)) return undefined;
  const file = path.slice(opkgInfo.length);
  const name = file.slice(0, file.lastIndexOf('.'));
  return known.has(name) ? name : undefined;
}
