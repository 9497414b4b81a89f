/** What users see of a file system, as lines to compare. */
import type { FileSystem, Ino } from '../../tools/vfs/index.js';
import { manifestOf } from './manifest.js';

/** Times from here on, in seconds, are those of the work itself, and differ; earlier ones were set and have to agree. */
export const workTime = 1_500_000_000;

/**
 * Names, objects with their names, modes and content, one line a path. A path whose listing, lookup and attributes do
 * not agree says so.
 */
export function viewOf(fs: FileSystem): string {
  const lines: string[] = [];
  const groups = new Map<Ino, number>();
  const visit = (directory: Ino, path: string): void => {
    const entries = [...fs.readdir(directory)].sort((x, y) => (x.name < y.name ? -1 : 1));
    for (const { name, ino, type } of entries) {
      const found = fs.lookup(directory, name);
      const attributes = fs.getattr(ino);
      const consistent = found === ino && attributes.type === type && attributes.ino === ino;
      const group = groups.get(ino) ?? groups.size;
      groups.set(ino, group);
      const content = type === 'file' ? Buffer.from(fs.read(ino, 0, attributes.size)).toString('latin1') : '';
      const links = type === 'directory' ? '' : ` links ${attributes.nlink} object ${group}`;
      const mode = attributes.mode.toString(8);
      lines.push(`${path}/${name} ${type} ${mode}${links} '${content}'${consistent ? '' : ' INCONSISTENT'}`);
      if (type === 'directory') visit(ino, `${path}/${name}`);
    }
  };
  visit(fs.root, '');
  return lines.join('\n');
}

/** Everything that users see: what `viewOf` tells, and all attributes. */
export function shownBy(fs: FileSystem): string[] {
  const lines = manifestOf(fs).map((line) =>
    line.replace(/ (\d{10}) /, (whole, time: string) => (Number(time) < workTime ? whole : ' now ')),
  );
  return [...viewOf(fs).split('\n'), ...lines];
}

/** Lines that only one of two views has. */
export function differenceOf(
  wanted: readonly string[],
  got: readonly string[],
  [first, second] = ['kernel', 'union'],
): string | undefined {
  const missing = wanted.filter((line) => !got.includes(line)).map((line) => `${first} ${line}`);
  const extra = got.filter((line) => !wanted.includes(line)).map((line) => `${second} ${line}`);
  const lines = [...missing, ...extra].map((line) => line.replaceAll(/[^ -~]/g, '.').slice(0, 200));
  return lines.length > 0 ? lines.join('\n') : undefined;
}

/** Views that may show after a cut: as before, as after, or a renamed file under both names (union 204, 213). */
export function viewsAfterCut(before: string, after: string): (view: string) => boolean {
  const lines = (view: string): Set<string> =>
    new Set(view.split('\n').map((line) => line.replace(/ links \d+ object \d+/, '')));
  const [old, wanted] = [lines(before), lines(after)];
  return (view) => {
    if (view === before || view === after) return true;
    const shown = lines(view);
    // Between the two entries of a rename everything of both states shows, and nothing else does.
    return (
      [...shown].every((line) => old.has(line) || wanted.has(line)) &&
      [...wanted].every((line) => shown.has(line))
    );
  };
}
