/** Chooses the packages of an image: those asked for and all they depend on. */
import { ProfileError } from '../../core/index.js';
import type { RootWarning } from '../root-tree.js';
import type { FeedPackage } from './feed.js';
import { compareVersions, versionMeets } from './version.js';

/** A package to install. */
export interface ChosenPackage {
  readonly entry: FeedPackage;
  /** True when it came along as a dependency only. */
  readonly automatic: boolean;
}

/** One alternative of a dependency. */
interface Wanted {
  readonly name: string;
  readonly operator?: string;
  readonly version?: string;
}

/**
 * Resolves names against feeds, as opkg does: the highest version that meets all, `Provides`, `a | b`, `Conflicts`.
 *
 * `-name` takes a name out of the list, as in ImageBuilder; what others depend on comes in nonetheless, with a warning.
 *
 * @returns dependencies before what needs them, otherwise by name; and warnings
 * @throws ProfileError FW_ROOTFS_PACKAGES with every problem in `data.problems`
 */
export function resolvePackages(
  offered: readonly FeedPackage[],
  names: readonly string[],
): { readonly packages: readonly ChosenPackage[]; readonly warnings: readonly RootWarning[] } {
  const excluded = new Set(names.filter((name) => name.startsWith('-')).map((name) => name.slice(1)));
  const asked = [...new Set(names.filter((name) => !name.startsWith('-') && !excluded.has(name)))].sort();
  const resolver = new Resolver(offered);
  for (const name of asked) resolver.want(name, undefined);
  resolver.checkConflicts();
  if (resolver.problems.length > 0) {
    const more = resolver.problems.length > 1 ? ` (and ${resolver.problems.length - 1} more)` : '';
    throw new ProfileError('FW_ROOTFS_PACKAGES', `packages: ${resolver.problems[0] ?? ''}${more}`, [], {
      data: { problems: resolver.problems },
    });
  }
  const packages = resolver.order.map((entry) => ({ entry, automatic: !asked.includes(entry.name) }));
  const warnings = packages
    .filter(({ entry }) => excluded.has(entry.name))
    .map(({ entry }): RootWarning => {
      const by = resolver.order.filter((other) =>
        other.control
          .list('Depends')
          .some((text) => parse(text).some((wanted) => wanted.name === entry.name)),
      );
      const needers = by.map((other) => other.name).join(', ');
      return {
        code: 'package-needed',
        message: `package ${entry.name} was taken out, but is needed by ${needers}`,
      };
    });
  return { packages, warnings };
}

class Resolver {
  readonly problems: string[] = [];
  /** Dependencies before what needs them. */
  readonly order: FeedPackage[] = [];
  readonly #byName = new Map<string, FeedPackage[]>();
  readonly #chosen = new Map<string, FeedPackage>();

  constructor(offered: readonly FeedPackage[]) {
    for (const entry of offered) {
      const names = [
        entry.name,
        ...entry.control.list('Provides').map((text) => parse(text)[0]?.name ?? text),
      ];
      for (const name of new Set(names)) {
        this.#byName.set(name, [...(this.#byName.get(name) ?? []), entry]);
      }
    }
  }

  /** Chooses a package for a dependency (`a (>= 1) | b`) and, first, for what that one depends on. */
  want(dependency: string, needer: FeedPackage | undefined): void {
    const alternatives = parse(dependency);
    if (alternatives.some((wanted) => this.#isMet(wanted))) return;
    const entry = alternatives.map((wanted) => this.#best(wanted)).find((found) => found !== undefined);
    if (entry === undefined) {
      const by = needer === undefined ? '' : `, which ${needer.name} depends on`;
      this.problems.push(`no feed offers ${dependency}${by}`);
      return;
    }
    const other = this.#chosen.get(entry.name);
    if (other !== undefined) {
      this.problems.push(
        `${needer?.name ?? 'the list'} wants ${dependency}, but ${other.name} ${other.version} is chosen`,
      );
      return;
    }
    // Chosen before its dependencies are, so that a circle of packages ends.
    this.#chosen.set(entry.name, entry);
    const depends = [...entry.control.list('Pre-Depends'), ...entry.control.list('Depends')];
    for (const text of depends.sort()) this.want(text, entry);
    this.order.push(entry);
  }

  checkConflicts(): void {
    for (const entry of this.order) {
      for (const wanted of entry.control.list('Conflicts').flatMap(parse)) {
        const other = this.order.find((candidate) => candidate !== entry && meets(candidate, wanted));
        if (other !== undefined) this.problems.push(`${entry.name} and ${other.name} are in conflict`);
      }
    }
  }

  #isMet(wanted: Wanted): boolean {
    return [...this.#chosen.values()].some((entry) => meets(entry, wanted));
  }

  /** A package of the very name goes before one that provides it; then the highest version, then the first by name. */
  #best(wanted: Wanted): FeedPackage | undefined {
    const found = (this.#byName.get(wanted.name) ?? []).filter((entry) => meets(entry, wanted));
    return found.sort(
      (a, b) =>
        Number(b.name === wanted.name) - Number(a.name === wanted.name) ||
        (a.name < b.name ? -1 : a.name > b.name ? 1 : compareVersions(b.version, a.version)),
    )[0];
  }
}

function meets(entry: FeedPackage, wanted: Wanted): boolean {
  if (entry.name === wanted.name) {
    return (
      wanted.version === undefined || versionMeets(entry.version, wanted.operator ?? '=', wanted.version)
    );
  }
  return entry.control
    .list('Provides')
    .flatMap(parse)
    .some(
      (provided) =>
        provided.name === wanted.name &&
        (wanted.version === undefined ||
          provided.version === undefined ||
          versionMeets(provided.version, wanted.operator ?? '=', wanted.version)),
    );
}

/** Reads `a (>= 1) | b` and `a=1`. */
function parse(dependency: string): Wanted[] {
  return dependency.split('|').map((part) => {
    const match = /^\s*([^\s(=<>]+)\s*(?:\(?\s*(<<|>>|<=|>=|=|<|>)\s*([^)\s]+)\s*\)?)?\s*$/.exec(part);
    if (match?.[1] === undefined) return { name: part.trim() };
    return match[2] === undefined || match[3] === undefined
      ? { name: match[1] }
      : { name: match[1], operator: match[2], version: match[3] };
  });
}
