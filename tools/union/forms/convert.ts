/**
 * Whole layers from one form of marks to another, in place: import of what other unions left, export for them
 * (union-semantics 37). What a form cannot hold is refused before anything is changed.
 */
import { compareBytes, joinPath, UsageError } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { removeEntry } from '../../vfs/index.js';
import type { FileSystem, Ino } from '../../vfs/index.js';
import { attributeNames, keepsAttributes } from '../marks.js';
import { formAbilities } from './layer-form.js';
import type { LayerForm } from './layer-form.js';
import { escapeAttributes, movePrivateAttributes } from './private-attributes.js';
import { scanLayer } from './scan.js';
import type { MarkedDirectory } from './scan.js';
import { writeMarks } from './write.js';

/** All marks of a layer by absolute path, in order of their bytes; the same for every form. */
export interface LayerMarks {
  /** Names that hide what is beneath. */
  readonly whiteouts: readonly ByteString[];
  /** Directories that show nothing from beneath. */
  readonly opaque: readonly ByteString[];
  /** Directories whose lower parts are elsewhere: absolute paths in the layers beneath. */
  readonly redirects: ReadonlyMap<ByteString, ByteString>;
}

/**
 * Lists the marks of a layer.
 *
 * @param root  directory of `fs` that is the layer's root
 * @throws FormatError FW_UNION_LIST for a list of mini_fo that cannot be read
 */
export function readMarks(fs: FileSystem, root: Ino, form: LayerForm): LayerMarks {
  return summary(scanLayer(fs, root, form));
}

/**
 * Rewrites the marks of a layer in another form, in place. The layer must not be in use, and is best a copy: the
 * change is many steps.
 *
 * @param root  directory of `fs` that is the layer's root
 * @returns the marks, which are now in form `to`
 * @throws UsageError FW_UNION_FORM when the layer holds what `to` cannot express; FormatError FW_UNION_LIST
 */
export function convertMarks(
  fs: FileSystem,
  root: Ino,
  { from, to }: { readonly from: LayerForm; readonly to: LayerForm },
): LayerMarks {
  const directories = scanLayer(fs, root, from);
  const marks = summary(directories);
  if (from === to) return marks;
  const [before, after] = [formAbilities[from], formAbilities[to]];
  checkForm(fs, root, directories, to);
  checkReserved(fs, root, directories, to);
  if (after.prefix === undefined) checkContent(fs, root, before.prefix, to);
  const otherPrefix = before.prefix !== after.prefix;
  if (otherPrefix && after.prefix !== undefined) escapeAttributes(fs, root, after.prefix);
  rewrite(fs, root, directories, from, to);
  if (otherPrefix && before.prefix !== undefined) {
    movePrivateAttributes(fs, root, before.prefix, after.prefix);
  }
  return marks;
}

/**
 * Takes the marks of a form that keeps them in lists over into the form that a union writes. The layer may hold marks of
 * both; a list goes after what it says is written, so that it can be cut at any moment and done again.
 */
export function takeOverMarks(
  fs: FileSystem,
  root: Ino,
  { from, to }: { readonly from: 'mini_fo' | 'unionfs-fuse'; readonly to: LayerForm },
): void {
  const directories = scanLayer(fs, root, from);
  checkForm(fs, root, directories, to);
  rewrite(fs, root, directories, from, to);
}

function rewrite(
  fs: FileSystem,
  root: Ino,
  directories: readonly MarkedDirectory[],
  from: LayerForm,
  to: LayerForm,
): void {
  const eraseFirst = formAbilities[from].inPlace && formAbilities[to].inPlace;
  const renamed = new Map<ByteString, Map<ByteString, ByteString>>();
  for (const { path, redirect } of directories) {
    if (redirect === undefined) continue;
    const cut = path.lastIndexOf('/');
    const parent = path.slice(0, Math.max(cut, 1)) as ByteString;
    const here = renamed.get(parent) ?? new Map<ByteString, ByteString>();
    renamed.set(parent, here.set(path.slice(cut + 1) as ByteString, redirect));
  }
  for (const directory of directories) directory.ino ??= makeDirectory(fs, root, directory);
  // From the deepest: a list that names a directory goes after that directory is marked.
  for (const directory of [...directories].reverse()) {
    const { ino } = directory;
    if (ino === undefined) continue;
    if (eraseFirst) erase(fs, ino, directory, from);
    writeMarks(fs, root, { ...directory, ino, renamed: renamed.get(directory.path) ?? new Map() }, to);
    if (!eraseFirst) erase(fs, ino, directory, from);
  }
}

function summary(directories: readonly MarkedDirectory[]): LayerMarks {
  const redirects = new Map<ByteString, ByteString>();
  for (const { path, redirect } of directories) if (redirect !== undefined) redirects.set(path, redirect);
  return {
    whiteouts: directories
      .flatMap(({ path, whiteouts }) => [...whiteouts].map((name) => joinPath(path, name)))
      .sort(compareBytes),
    opaque: directories
      .filter(({ opaque }) => opaque)
      .map(({ path }) => path)
      .sort(compareBytes),
    redirects: new Map([...redirects].sort(([a], [b]) => compareBytes(a, b))),
  };
}

function refuse(to: LayerForm, path: ByteString, what: string): never {
  const data = { path, form: to };
  throw new UsageError('FW_UNION_FORM', `form ${to} cannot hold ${what}: ${path}`, { data });
}

/** Refuses what a form has no words for. */
function checkForm(fs: FileSystem, root: Ino, directories: readonly MarkedDirectory[], to: LayerForm): void {
  const can = formAbilities[to];
  const top = '/' as ByteString;
  const blank = (text: string): boolean => can.plainNames && /[ \n]/.test(text);
  if (to === 'bsd' && !fs.whiteouts) refuse(to, top, `marks on a file system of kind ${fs.kind}`);
  if (can.prefix !== undefined && !keepsAttributes(fs, root, can.prefix)) {
    refuse(to, top, 'marks on a file system without attributes');
  }
  for (const { path, opaque, redirect, whiteouts } of directories) {
    if (opaque && !can.opaque) refuse(to, path, 'an opaque directory');
    if (redirect !== undefined && !can.redirects) refuse(to, path, 'a redirect');
    if (redirect !== undefined && blank(redirect + path)) refuse(to, path, 'a name with blanks');
    for (const name of whiteouts) {
      if (name.length > can.nameMax) refuse(to, joinPath(path, name), `a whiteout of ${name.length} bytes`);
      if (blank(name)) refuse(to, joinPath(path, name), 'a name with blanks');
    }
  }
}

/** What the layer holds already must not mean something in the new form. */
function checkReserved(
  fs: FileSystem,
  root: Ino,
  directories: readonly MarkedDirectory[],
  to: LayerForm,
): void {
  const own = new Map(directories.map(({ path, markNames }) => [path, new Set(markNames)]));
  for (const { path, markNames } of scanLayer(fs, root, to)) {
    const stranger = markNames.find((name) => own.get(path)?.has(name) !== true);
    if (stranger !== undefined) refuse(to, joinPath(path, stranger), 'a name that it keeps for itself');
  }
}

/** A copy without its data would be taken for the whole file where no mark says so. */
function checkContent(fs: FileSystem, root: Ino, prefix: string | undefined, to: LayerForm): void {
  if (prefix === undefined) return;
  const pending = [{ path: '/' as ByteString, ino: root }];
  for (const { path, ino } of pending) {
    for (const entry of fs.readdir(ino)) {
      const below = joinPath(path, entry.name);
      if (entry.type === 'directory') pending.push({ path: below, ino: entry.ino });
      const partial = attributeNames(fs, entry.ino).includes(`${prefix}metacopy` as ByteString);
      if (entry.type === 'file' && partial) refuse(to, below, 'a copy without content');
    }
  }
}

function makeDirectory(fs: FileSystem, root: Ino, { path, like }: MarkedDirectory): Ino {
  let at = root;
  const { mode, uid, gid } = fs.getattr(like);
  for (const name of path.split('/').filter((part) => part !== '') as ByteString[]) {
    at = fs.lookup(at, name) ?? fs.mkdir(at, name, { mode, uid, gid });
  }
  return at;
}

function erase(fs: FileSystem, ino: Ino, { markNames }: MarkedDirectory, form: LayerForm): void {
  for (const name of markNames) removeEntry(fs, ino, name);
  if (form === 'bsd') {
    for (const name of fs.whiteouts?.list(ino) ?? []) fs.whiteouts?.remove(ino, name);
    fs.whiteouts?.setOpaque(ino, false);
  }
  const { prefix } = formAbilities[form];
  const own =
    form === 'fuse-overlayfs' ? fuseAttributes : [`${prefix ?? ''}opaque`, `${prefix ?? ''}redirect`];
  if (prefix === undefined && form !== 'fuse-overlayfs') return;
  for (const name of attributeNames(fs, ino)) if (own.includes(name)) fs.removexattr(ino, name);
}

const fuseAttributes: readonly string[] = [
  'user.fuseoverlayfs.opaque',
  'trusted.overlay.opaque',
  'user.overlay.opaque',
];
