/**
 * What every name and every package costs in an image, to the byte: the costs of all names add up to the image.
 *
 * Bytes that serve several names are divided among them, so a cost says what a name takes part in, not what its removal
 * would save; `package-savings.ts` measures that.
 */
import { textOf } from '../core/index.js';
import { installedPackages } from '../rootfs/index.js';
import type { InstalledPackage } from '../rootfs/index.js';
import { readImageExtents, squashfsTree } from '../squashfs/index.js';
import type { ExtentKind, ImageExtent, ImageExtents, ImageSource } from '../squashfs/index.js';
import type { FileType } from '../vfs/index.js';
import { apportion } from './apportion.js';
import { packageOwners } from './package-owners.js';

/** What one name costs. All figures in bytes. */
export interface NameCost {
  readonly path: string;
  readonly type: FileType;
  /** The package it came with. */
  readonly package: string | undefined;
  /** Bytes of content; 0 for all but files. */
  readonly size: number;
  /** Bytes in the image: the sum of the three below. */
  readonly stored: number;
  /** Own data blocks, and its part of those it shares. */
  readonly data: number;
  /** Its part of a fragment block, for the tail of the file. */
  readonly tail: number;
  /** Its part of inodes, listings and tables; of the root directory also what belongs to no name. */
  readonly metadata: number;
}

/** What one package costs; figures are sums over its names. */
export interface PackageCost {
  readonly name: string;
  readonly version: string;
  readonly names: number;
  readonly size: number;
  readonly stored: number;
}

/** The whole image, divided. */
export interface ImageAttribution {
  /** Bytes of the image; the sum over `names`, over `kinds`, and over `packages` and `unowned`. */
  readonly size: number;
  /** Every directory before what is in it; the root is first. */
  readonly names: readonly NameCost[];
  /** The costliest first, equal ones by name. */
  readonly packages: readonly PackageCost[];
  /** What no package lists. */
  readonly unowned: Omit<PackageCost, 'name' | 'version'>;
  /** The same bytes by what they hold; `gaps`: bytes that no structure names. */
  readonly kinds: Readonly<Record<ExtentKind | 'gaps', number>>;
}

/**
 * Reads a squashfs image and divides its bytes among its names and packages.
 *
 * What every image needs (super block, id table, padding, gaps) counts for the root directory. The division is by
 * largest remainders, so that it is exact and the same every time.
 *
 * @param packages  what is installed; the image's own lists of opkg or apk when absent
 * @throws FormatError as `readImageExtents`
 */
export function attributeImage(
  source: ImageSource,
  packages: readonly InstalledPackage[] = installedPackages(squashfsTree(source)),
): ImageAttribution {
  const size = source instanceof Uint8Array ? source.length : undefined;
  return divideExtents(readImageExtents(source, size), packages);
}

/** Divides byte ranges that are already read; otherwise as `attributeImage`. */
export function divideExtents(
  { names, extents, size }: ImageExtents,
  packages: readonly InstalledPackage[],
): ImageAttribution {
  const parts = { data: zeros(names.length), tail: zeros(names.length), metadata: zeros(names.length) };
  const kinds = noKinds();
  for (const { kind, size: bytes, users } of withoutOverlaps(extents, size)) {
    kinds[kind] += bytes;
    const part = kind === 'data' ? parts.data : kind === 'fragments' ? parts.tail : parts.metadata;
    const shares = apportion(
      bytes,
      users.map(({ weight }) => weight),
    );
    if (users.length === 0) parts.metadata[0] = (parts.metadata[0] ?? 0) + bytes;
    for (const [i, { name }] of users.entries()) part[name] = (part[name] ?? 0) + (shares[i] ?? 0);
  }
  const owners = packageOwners(names, packages);
  const costs = names.map(({ path, type, size: content }, i): NameCost => {
    const [data = 0, tail = 0, metadata = 0] = [parts.data[i], parts.tail[i], parts.metadata[i]];
    const stored = data + tail + metadata;
    return { path: textOf(path), type, package: owners[i], size: content, stored, data, tail, metadata };
  });
  const { of, unowned } = sumPackages(costs, packages);
  return { size, names: costs, packages: of, unowned, kinds };
}

type AnyExtent = Omit<ImageExtent, 'kind'> & { readonly kind: ExtentKind | 'gaps' };

/** Gives every byte of the image to one range: the first where they overlap, a gap or the padding where there is none. */
function* withoutOverlaps(extents: readonly ImageExtent[], size: number): Generator<AnyExtent> {
  const sorted = extents
    .map((extent, i) => ({ extent, i }))
    .sort((a, b) => a.extent.offset - b.extent.offset || a.i - b.i);
  let covered = 0;
  for (const { extent } of sorted) {
    const start = Math.min(extent.offset, size);
    if (start > covered) {
      yield { kind: 'gaps', offset: covered, size: start - covered, users: [] };
      covered = start;
    }
    const end = Math.min(extent.offset + extent.size, size);
    if (end <= covered) continue;
    yield { ...extent, offset: covered, size: end - covered };
    covered = end;
  }
  if (covered < size) yield { kind: 'padding', offset: covered, size: size - covered, users: [] };
}

function zeros(length: number): number[] {
  return new Array<number>(length).fill(0);
}

function noKinds(): Record<ExtentKind | 'gaps', number> {
  return {
    'super block': 0,
    data: 0,
    fragments: 0,
    inodes: 0,
    directories: 0,
    tables: 0,
    xattrs: 0,
    padding: 0,
    gaps: 0,
  };
}

function sumPackages(
  costs: readonly NameCost[],
  packages: readonly InstalledPackage[],
): { of: PackageCost[]; unowned: ImageAttribution['unowned'] } {
  const sums = new Map<string | undefined, { names: number; size: number; stored: number }>();
  for (const { package: owner, size, stored } of costs) {
    const sum = sums.get(owner) ?? { names: 0, size: 0, stored: 0 };
    sums.set(owner, { names: sum.names + 1, size: sum.size + size, stored: sum.stored + stored });
  }
  const nothing = { names: 0, size: 0, stored: 0 };
  const of = packages.map(({ name, version }) => ({ name, version, ...(sums.get(name) ?? nothing) }));
  return {
    of: of.sort((a, b) => b.stored - a.stored || (a.name < b.name ? -1 : 1)),
    unowned: sums.get(undefined) ?? nothing,
  };
}
