/** The part of /etc/config/fstab that a boot reads before it mounts anything. */
import type { FileSystem } from '../../vfs/index.js';
import { devicePath, findFile, readLines } from '../device-files.js';

/** An extroot mount as fstab has it. */
export interface ExtrootRequest {
  readonly target: '/' | '/overlay';
  readonly uuid?: string;
  readonly label?: string;
  /** Name of the block device, without its folder. */
  readonly device?: string;
  /** What names the device, for people: `uuid=...`. */
  readonly source: string;
}

/** What fstab asks a boot for. */
export interface Fstab {
  readonly extroot: ExtrootRequest | undefined;
  /** Seconds after which a device that is not there is looked for once more; 0: not. */
  readonly delaySeconds: number;
}

const none: Fstab = { extroot: undefined, delaySeconds: 0 };

/** Reads the first fstab that is there: of a mounted overlay, then of the read-only root. */
export function readFstab(overlay: FileSystem | undefined, rom: FileSystem): Fstab {
  const places: [FileSystem | undefined, string][] = [
    [overlay, '/upper/etc/config/fstab'],
    [overlay, '/etc/config/fstab'],
    [rom, '/etc/config/fstab'],
  ];
  for (const [fs, path] of places) {
    if (!fs || findFile(fs, devicePath(path)) === undefined) continue;
    const lines = readLines(fs, devicePath(path));
    const [global] = sectionsOf(lines, 'global');
    return {
      extroot: extrootRequest(lines),
      delaySeconds: Number(global?.get('delay_root') ?? 0) || 0,
    };
  }
  return none;
}

/** Finds the mount for `/`, or else for `/overlay`, that is enabled and names a device. */
export function extrootRequest(lines: readonly string[]): ExtrootRequest | undefined {
  const mounts = sectionsOf(lines, 'mount').filter(
    (section) => section.get('enabled') !== '0' && names.some((name) => section.has(name)),
  );
  for (const target of ['/', '/overlay'] as const) {
    const mount = mounts.find((section) => section.get('target') === target);
    if (!mount) continue;
    const [uuid, label, path] = names.map((name) => mount.get(name));
    const named = names.find((name) => mount.has(name)) ?? 'device';
    return {
      target,
      ...(uuid === undefined ? {} : { uuid }),
      ...(label === undefined ? {} : { label }),
      ...(path === undefined ? {} : { device: path.slice(path.lastIndexOf('/') + 1) }),
      source: `${named}=${mount.get(named) ?? ''}`,
    };
  }
  return undefined;
}

/** Options that name a device, in the order in which they count. */
const names = ['uuid', 'label', 'device'] as const;

/** Sections of one type of a UCI file, as options by name. */
function sectionsOf(lines: readonly string[], type: string): readonly ReadonlyMap<string, string>[] {
  const sections: Map<string, string>[] = [];
  let current: Map<string, string> | undefined;
  for (const line of lines) {
    const head = /^\s*config\s+['"]?([\w-]+)/.exec(line);
    if (head) {
      current = head[1] === type ? new Map() : undefined;
      if (current) sections.push(current);
      continue;
    }
    const option = /^\s*option\s+['"]?([\w-]+)['"]?\s+['"]?([^'"]*)['"]?\s*$/.exec(line);
    if (current && option?.[1] !== undefined) current.set(option[1], option[2] ?? '');
  }
  return sections;
}
