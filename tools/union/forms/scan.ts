/** Finds the marks of a layer in any form, directory by directory (union-semantics 37). */
import { compareBytes, joinPath } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { isName } from '../../vfs/index.js';
import type { FileSystem, Ino } from '../../vfs/index.js';
import type { Layer } from '../layers.js';
import { isRedirect } from '../lower.js';
import { hiddenFolder, markReading, miniFoList } from '../mark-reading.js';
import { directoryMarks, isPrivateName, isWhiteout, mayBeWhiteout, whiteoutEntries } from '../marks.js';
import type { WhiteoutForm } from '../policy.js';
import { formAbilities } from './layer-form.js';
import type { LayerForm } from './layer-form.js';
import { readMiniFoList } from './mini-fo.js';
import { hiddenName } from './unionfs-fuse.js';

/** A directory of a layer with its marks. */
export interface MarkedDirectory {
  readonly path: ByteString;
  /** Undefined while the layer has marks for a directory, but not the directory. */
  ino: Ino | undefined;
  /** Owner and rights for a directory that has to be made. */
  readonly like: Ino;
  /** Names hidden here; none in an opaque directory, where they would hide nothing (45). */
  readonly whiteouts: ReadonlySet<ByteString>;
  readonly opaque: boolean;
  /** Absolute path of its lower parts, when these are elsewhere. */
  readonly redirect: ByteString | undefined;
  /** Names of what stands in the directory for marks. */
  readonly markNames: readonly ByteString[];
}

/** Finds all directories with their marks, parents first, names in order of their bytes. */
export function scanLayer(fs: FileSystem, root: Ino, form: LayerForm): MarkedDirectory[] {
  return form === 'unionfs-fuse' ? scanHidden(fs, root) : scanTree(fs, root, form);
}

interface Pending {
  readonly path: ByteString;
  readonly ino: Ino | undefined;
  readonly like: Ino;
  /** Where the lower parts of the directory above are. */
  readonly lowerAbove: ByteString;
  readonly name: ByteString;
  /** What a list in the directory above says (mini_fo). */
  readonly listed: ByteString | undefined;
}

function scanTree(fs: FileSystem, root: Ino, form: LayerForm): MarkedDirectory[] {
  const layer = layerFor(fs, root, form);
  const top = '/' as ByteString;
  const pending: Pending[] = [
    { path: top, ino: root, like: root, lowerAbove: top, name: '' as ByteString, listed: undefined },
  ];
  const found: MarkedDirectory[] = [];
  for (const at of pending) {
    const { marked, lowerPath, children } = scanDirectory(layer, at, form);
    found.push(marked);
    for (const child of children.sort((a, b) => compareBytes(a.name, b.name))) {
      const path = joinPath(at.path, child.name);
      pending.push({ path, like: at.ino ?? at.like, lowerAbove: lowerPath, ...child });
    }
  }
  return found;
}

interface Scanned {
  readonly marked: MarkedDirectory;
  readonly lowerPath: ByteString;
  readonly children: Pick<Pending, 'name' | 'ino' | 'listed'>[];
}

function scanDirectory(layer: Layer, at: Pending, form: LayerForm): Scanned {
  const { path, ino, like } = at;
  const { fs } = layer;
  const own = joinPath(at.lowerAbove, at.name);
  if (ino === undefined) {
    const empty = { whiteouts: new Set<ByteString>(), opaque: false, markNames: [] };
    return { marked: { path, ino, like, ...empty, redirect: at.listed }, lowerPath: own, children: [] };
  }
  const marks = directoryMarks({ layer, ino });
  const part = { layer, ino, marksFiles: marks.marksFiles };
  const recorded = new Set(whiteoutEntries(part));
  const markNames: ByteString[] = [];
  const objects = new Map<ByteString, Ino | undefined>();
  const whiteouts = new Set<ByteString>();
  for (const entry of fs.readdir(ino)) {
    const { name } = entry;
    if (isPrivateName(layer.reading, name)) {
      markNames.push(name);
      const hidden = name.slice(4) as ByteString;
      // A record of a name that no directory can hold hides nothing.
      const real = !hidden.startsWith('.wh.') && !hidden.startsWith('__') && isName(hidden);
      if (real) recorded.add(hidden);
    } else if (mayBeWhiteout(part, entry) && isWhiteout(part, fs.getattr(entry.ino))) {
      markNames.push(name);
      whiteouts.add(name);
    } else {
      objects.set(name, entry.type === 'directory' ? entry.ino : undefined);
    }
  }
  const redirects = new Map<ByteString, ByteString>();
  if (form === 'mini_fo' && objects.delete(miniFoList)) {
    markNames.push(miniFoList);
    const list = readMiniFoList(fs, ino, path);
    for (const name of list.deleted) recorded.add(name);
    for (const [name, target] of list.renamed) redirects.set(name, target);
  }
  // An object wins over a record of its name (47).
  for (const name of recorded) if (!objects.has(name)) whiteouts.add(name);
  for (const name of redirects.keys()) whiteouts.delete(name);
  const ownRedirect = marks.redirect !== undefined && isRedirect(marks.redirect) ? marks.redirect : undefined;
  const redirect = at.listed ?? (formAbilities[form].prefix === undefined ? undefined : ownRedirect);
  const lowerPath =
    redirect === undefined ? own : redirect.startsWith('/') ? redirect : joinPath(at.lowerAbove, redirect);
  const children = [...new Set([...objects.keys(), ...redirects.keys()])].flatMap((name) => {
    const listed = redirects.get(name);
    const child = objects.get(name);
    return child === undefined && (listed === undefined || objects.has(name))
      ? []
      : [{ name, ino: child, listed }];
  });
  return {
    marked: {
      path,
      ino,
      like,
      whiteouts: marks.opaque ? new Set() : whiteouts,
      opaque: marks.opaque,
      redirect: redirect === undefined || marks.opaque ? undefined : lowerPath,
      markNames,
    },
    lowerPath,
    children,
  };
}

function layerFor(fs: FileSystem, root: Ino, form: LayerForm): Layer {
  // Linux takes empty files for whiteouts wherever a directory says so.
  const kinds: readonly WhiteoutForm[] =
    form === 'overlay' || form === 'overlay-user' || form === 'overlay-x' ? ['overlay', 'overlay-x'] : [form];
  const reading = markReading(kinds, formAbilities[form].prefix ?? 'trusted.overlay.');
  return { fs, root, number: 0, name: form, uuid: new Uint8Array(16), reading };
}

/** Marks of unionfs-fuse lie apart, in a tree of their own under the layer's root. */
function scanHidden(fs: FileSystem, root: Ino): MarkedDirectory[] {
  const found: MarkedDirectory[] = [];
  const pending: { path: ByteString; ino: Ino | undefined; like: Ino; hidden: Ino | undefined }[] = [
    { path: '/' as ByteString, ino: root, like: root, hidden: fs.lookup(root, hiddenFolder) },
  ];
  for (const { path, ino, like, hidden } of pending) {
    const whiteouts = new Set<ByteString>();
    const entries = hidden === undefined ? [] : [...fs.readdir(hidden)];
    for (const entry of entries.sort((a, b) => compareBytes(a.name, b.name))) {
      const name = hiddenName(entry.name);
      const below = ino === undefined ? undefined : fs.lookup(ino, name ?? entry.name);
      if (name !== undefined) {
        if (below === undefined) whiteouts.add(name);
        continue;
      }
      if (entry.type !== 'directory') continue;
      if (below !== undefined && fs.getattr(below).type !== 'directory') continue;
      pending.push({ path: joinPath(path, entry.name), ino: below, like: entry.ino, hidden: entry.ino });
    }
    const none = { opaque: false, redirect: undefined };
    found.push({
      path,
      ino,
      like,
      whiteouts,
      ...none,
      markNames: path === '/' && hidden !== undefined ? [hiddenFolder] : [],
    });
  }
  return found;
}
