/**
 * Extroot: an overlay on storage of its own, as /etc/config/fstab asks for it.
 *
 * An emulated board has no storage besides its flash. What is asked for is read and told, the one retry waits as the real
 * one does, and the boot goes on with the overlay on flash.
 *
 * @see openwrt fstools block.c (`main_extroot`, `check_extroot`)
 */
import type { FileSystem } from '../../vfs/index.js';
import type { Device } from '../device/device.js';
import { devicePath, readLines } from '../device/files.js';

/** An extroot mount as fstab has it. */
export interface ExtrootRequest {
  readonly target: '/' | '/overlay';
  /** What names the device: `uuid=...`, `label=...` or `device=...`. */
  readonly source: string;
}

/** Places of fstab below a mounted overlay, then the one of the running root. */
const places = ['/upper/etc/config/fstab', '/etc/config/fstab'] as const;

/**
 * Looks for an extroot in a file system, reports it, and waits as the boot does for a device that does not come.
 *
 * @param fs  rootfs_data as it is mounted, or the read-only root
 */
export function lookForExtroot(device: Device, fs: FileSystem): void {
  for (const path of places) {
    const lines = readLines(fs, devicePath(path));
    if (lines.length === 0) continue;
    const request = extrootRequest(lines);
    if (!request) return;
    device.timeline.log('preinit', `extroot on ${request.target}: ${request.source} is not there`);
    device.findings.add('extroot-missing', request.source);
    device.timeline.wait(delaySeconds(lines) * 1000);
    return;
  }
}

/** Finds the mount for `/` or `/overlay` that is enabled. */
export function extrootRequest(lines: readonly string[]): ExtrootRequest | undefined {
  for (const section of sectionsOf(lines, 'mount')) {
    const target = section.get('target');
    if (section.get('enabled') === '0' || (target !== '/' && target !== '/overlay')) continue;
    const by = ['uuid', 'label', 'device'].find((name) => section.has(name));
    return { target, source: by === undefined ? 'no device named' : `${by}=${section.get(by) ?? ''}` };
  }
  return undefined;
}

function delaySeconds(lines: readonly string[]): number {
  const [global] = sectionsOf(lines, 'global');
  return Number(global?.get('delay_root') ?? 0) || 0;
}

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
