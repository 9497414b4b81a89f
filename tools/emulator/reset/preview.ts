/**
 * What a factory reset would do to every path, told before it is done.
 *
 * The rules of the reset say what survives in the writable layer; a union of that over the read-only root shows the tree that
 * the next boot ends with. Nothing on the device changes.
 */
import { byteStringFromText, compareBytes, type ByteString } from '../../core/index.js';
import {
  MemoryFileSystem,
  removeTree,
  treeFromFileSystem,
  type TreeDirectory,
  type TreeInode,
} from '../../vfs/index.js';
import { runOnceNames } from '../boot/boot.js';
import { copyTreeOver } from '../overlay/copy-over.js';
import { devicePath, readFileIfThere } from '../device-files.js';
import type { ResetOptions } from './factory-reset.js';
import { uniteOver } from '../boot/mount-root.js';
import { placeOverlay } from '../overlay/overlay-place.js';
import { restoreSettings } from '../settings/settings-archive.js';
import { readSettingsArchive } from '../settings/settings-file.js';
import type { RunningSystem } from '../device/system.js';
import { digestTree } from '../tree-digest.js';

/**
 * `removed`: the user's, and gone. `base`: comes back as the read-only root has it. `survives`: stays as the user has it.
 * `archive`: comes out of a kept sysupgrade.tgz. `runs-again`: a run-once script that the next boot runs and removes.
 */
export type ResetFate = 'removed' | 'base' | 'survives' | 'archive' | 'runs-again';

/** One path that a reset touches, or that one would expect it to. */
export interface ResetEntry {
  readonly path: ByteString;
  readonly fate: ResetFate;
  /** Why, for what does not simply go or come back. */
  readonly reason?: string;
}

/** What a reset would do. */
export interface ResetPreview {
  /** How the reset works here: files are deleted, the partition is marked or erased, or nothing happens. */
  readonly path: 'deleted' | 'marked' | 'erased' | 'nothing';
  /** By path. */
  readonly entries: readonly ResetEntry[];
  /** Paths of the base that the user never changed. */
  readonly untouched: number;
  readonly verdict: string;
}

const carrier = byteStringFromText('sysupgrade.tgz');
const carrierPath = devicePath('/sysupgrade.tgz');
const scriptFolder = '/etc/uci-defaults';

/** How the reset is asked for; `failsafe` is the command there, where the overlay is not mounted. */
export type ResetPreviewOptions = Omit<ResetOptions, 'via'> & {
  readonly via?: ResetOptions['via'] | 'failsafe';
};

/** Tells what `factoryReset` with these options, and the boot after it, would do. */
export function previewReset(system: RunningSystem, options: ResetPreviewOptions = {}): ResetPreview {
  const path = resetPath(system, options);
  if (path === 'nothing') return { path, entries: [], untouched: 0, verdict: nothingBecause(system) };
  const survivors = path === 'deleted' && !options.thorough ? survivingUpper(system, options) : undefined;
  const ram = new MemoryFileSystem({ clock: system.device.clock });
  const place = placeOverlay(ram, 'overlay/upper');
  if (survivors) copyTreeOver(ram, place.upper, survivors);
  const { union: root } = uniteOver(system.rom, place, { ...system.device.branch, upperAt: 'overlay/upper' });

  const archived = new Set<string>();
  const archive = readFileIfThere(root, carrierPath);
  const tree = archive && readSettingsArchive(archive).tree;
  if (tree) {
    for (const name of pathsOf(tree)) archived.add(name);
    restoreSettings(root, tree, system.device.branch);
  }
  const scripts = new Set(runOnceNames(root).map((name) => `${scriptFolder}/${name}`));
  for (const script of scripts) removeTree(root, script as ByteString);
  if (archive) removeTree(root, carrierPath);

  const kept = new Set<string>(survivors ? pathsOf(survivors) : []);
  const before = digestTree(system.root, system.root.root);
  const after = digestTree(root, root.root);
  const entries: ResetEntry[] = [];
  let untouched = 0;
  for (const at of [...new Set([...before.keys(), ...after.keys(), ...(scripts as Set<ByteString>)])].sort(
    compareBytes,
  )) {
    const entry = entryOf(at, before.get(at), after.get(at), { kept, archived, scripts });
    if (entry) entries.push(entry);
    else untouched += 1;
  }
  return { path, entries, untouched, verdict: verdictOf(entries) };
}

interface Causes {
  readonly kept: ReadonlySet<string>;
  readonly archived: ReadonlySet<string>;
  readonly scripts: ReadonlySet<string>;
}

function entryOf(
  path: ByteString,
  before: string | undefined,
  after: string | undefined,
  { kept, archived, scripts }: Causes,
): ResetEntry | undefined {
  if (scripts.has(path)) return { path, fate: 'runs-again', reason: 'run at the next boot, as at the first' };
  if (archived.has(path)) return { path, fate: 'archive', reason: 'in the kept sysupgrade.tgz' };
  if (after === undefined) return before === undefined ? undefined : { path, fate: 'removed' };
  if (kept.has(path)) return { path, fate: 'survives', reason: reasonOfSurvival(path) };
  return before === after ? undefined : { path, fate: 'base' };
}

function reasonOfSurvival(path: string): string {
  if (path.endsWith('/sysupgrade.tgz')) return 'files called sysupgrade.tgz are kept';
  return path.includes('/.') ? 'the reset does not enter hidden folders' : 'something below it survives';
}

function resetPath(
  { volume, jffs2, extroot }: RunningSystem,
  { via }: ResetPreviewOptions,
): ResetPreview['path'] {
  if (!volume) return 'nothing';
  if (via === 'mtd-erase') return 'erased';
  if (jffs2 && via !== 'failsafe') return 'deleted';
  return via === 'button' && extroot?.target !== '/overlay' ? 'nothing' : 'marked';
}

function nothingBecause({ volume, mode }: RunningSystem): string {
  return volume
    ? `nothing: the button works only while the overlay is on flash, and the root is a ${mode}`
    : 'nothing: there is no rootfs_data';
}

/** What the rules leave of the upper directory. */
function survivingUpper(system: RunningSystem, options: ResetPreviewOptions): TreeDirectory | undefined {
  const { jffs2, overlay, device } = system;
  if (!jffs2 || !overlay) return undefined;
  const whole = survivorsIn(treeFromFileSystem(jffs2), options.keepSettings ?? false);
  if (device.branch.upperAt === 'overlay') return whole;
  const upper = whole.entries.get(byteStringFromText('upper'));
  if (upper?.type !== 'directory') return undefined;
  // A kept archive in the root of the volume is shown by the next boot.
  const archive = whole.entries.get(carrier);
  return archive ? { ...upper, entries: new Map(upper.entries).set(carrier, archive) } : upper;
}

function survivorsIn(directory: TreeDirectory, keepCarrier: boolean): TreeDirectory {
  const entries = new Map<ByteString, TreeInode>();
  for (const [name, inode] of directory.entries) {
    if (inode.type !== 'directory') {
      if (keepCarrier && name === carrier) entries.set(name, inode);
      continue;
    }
    const left = name.startsWith('.') ? inode : survivorsIn(inode, keepCarrier);
    if (name.startsWith('.') || left.entries.size > 0) entries.set(name, left);
  }
  return { ...directory, entries };
}

/** Absolute paths of everything below a tree's root. */
function* pathsOf(tree: TreeDirectory, above = ''): Generator<string> {
  for (const [name, inode] of tree.entries) {
    const path = `${above}/${name}`;
    yield path;
    if (inode.type === 'directory') yield* pathsOf(inode, path);
  }
}

function verdictOf(entries: readonly ResetEntry[]): string {
  const count = (fate: ResetFate): number => entries.filter((entry) => entry.fate === fate).length;
  const left = count('survives') + count('archive');
  const paths = `paths that go ${count('removed')}, come back from the base ${count('base')}`;
  return left === 0 ? `clean: ${paths}` : `not clean: ${paths}, stay ${left}`;
}
