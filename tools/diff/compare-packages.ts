/** Compares the packages that two images call installed. */
import { textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { compareVersions } from '../rootfs/index.js';
import type { InstalledPackage } from '../rootfs/index.js';

/** One package that came, went, or has another version or other files. */
export interface PackageChange {
  readonly name: string;
  readonly change: 'added' | 'removed' | 'upgraded' | 'downgraded' | 'rebuilt';
  readonly before?: string;
  readonly after?: string;
  /** Bytes that its files cost in the squashfs. */
  readonly storedBefore: number;
  readonly storedAfter: number;
}

/** The packages of one image, and what each file of it costs. */
export interface PackageSide {
  readonly packages: readonly InstalledPackage[];
  readonly stored: ReadonlyMap<string, number>;
}

/**
 * Compares by name; a package of the same version counts as rebuilt when one of its files changed.
 *
 * @param changed  paths whose content differs
 */
export function comparePackages(
  before: PackageSide,
  after: PackageSide,
  changed: ReadonlySet<ByteString>,
): PackageChange[] {
  const old = new Map(before.packages.map((one) => [one.name, one]));
  const young = new Map(after.packages.map((one) => [one.name, one]));
  const changes: PackageChange[] = [];
  for (const name of [...new Set([...old.keys(), ...young.keys()])].sort()) {
    const [a, b] = [old.get(name), young.get(name)];
    const storedBefore = a ? costOf(a, before.stored) : 0;
    const storedAfter = b ? costOf(b, after.stored) : 0;
    const change = changeOf(a, b, changed);
    if (change === undefined) continue;
    changes.push({
      name,
      change,
      ...(a ? { before: a.version } : {}),
      ...(b ? { after: b.version } : {}),
      storedBefore,
      storedAfter,
    });
  }
  return changes;
}

function changeOf(
  a: InstalledPackage | undefined,
  b: InstalledPackage | undefined,
  changed: ReadonlySet<ByteString>,
): PackageChange['change'] | undefined {
  if (!a) return 'added';
  if (!b) return 'removed';
  const order = compareVersions(b.version, a.version);
  if (order !== 0) return order > 0 ? 'upgraded' : 'downgraded';
  return b.files.some((path) => changed.has(path)) ? 'rebuilt' : undefined;
}

function costOf({ files }: InstalledPackage, stored: ReadonlyMap<string, number>): number {
  return files.reduce((sum, path) => sum + (stored.get(textOf(path)) ?? 0), 0);
}
