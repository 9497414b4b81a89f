/**
 * Whiteouts and opaque directories in the forms of the field, read from a layer (union-semantics 31 to 47).
 * A layer is asked through `findInLayer`, which never lets a mark or a private file out.
 */
import { byteString, bytesOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { Attributes, DirectoryEntry, FileSystem, Ino } from '../vfs/index.js';
import type { Layer, Part } from './layers.js';
import type { MarkReading } from './mark-reading.js';

/** Target of the symlinks that old overlayfs used as whiteouts. */
export const legacyTarget = '(overlay-whiteout)' as ByteString;
/** Prefix of aufs's whiteout names; names of its own begin with it twice. */
export const aufsPrefix = '.wh.' as ByteString;
/** Makes a directory opaque for aufs. */
export const aufsOpaque = '.wh..wh.opq' as ByteString;
const unionfsOpaque = '.wh.__dir_opaque';
export const fuseOpaque = '.wh..wh..opq' as ByteString;
const fuseOpaqueAttribute = 'user.fuseoverlayfs.opaque';

/** What the marks on a directory say. */
export interface DirectoryMarks {
  readonly opaque: boolean;
  /** Its empty files with a mark are whiteouts. */
  readonly marksFiles: boolean;
  readonly redirect: ByteString | undefined;
  readonly impure: boolean;
  /** Names of all its attributes. */
  readonly names: readonly ByteString[];
}

const noMarks = { opaque: false, marksFiles: false, redirect: undefined, impure: false } as const;

/** Reads an attribute that may be absent. */
export function attribute(fs: FileSystem, ino: Ino, name: string): Uint8Array | undefined {
  try {
    return fs.getxattr(ino, name as ByteString);
  } catch (error) {
    if (error instanceof FsError && (error.code === 'ENODATA' || error.code === 'EOPNOTSUPP'))
      return undefined;
    throw error;
  }
}

/** Lists attributes; none on a file system that has no attributes. */
export function attributeNames(fs: FileSystem, ino: Ino): readonly ByteString[] {
  try {
    return fs.listxattr(ino);
  } catch (error) {
    if (error instanceof FsError && error.code === 'EOPNOTSUPP') return [];
    throw error;
  }
}

/** Tells whether a file system has attributes. */
export function keepsAttributes(fs: FileSystem, ino: Ino, prefix: string): boolean {
  try {
    fs.getxattr(ino, `${prefix}opaque` as ByteString);
    return true;
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENODATA') return true;
    if (error instanceof FsError && error.code === 'EOPNOTSUPP') return false;
    throw error;
  }
}

/** Reads the marks on a directory of a layer. */
export function directoryMarks(part: Pick<Part, 'layer' | 'ino'>): DirectoryMarks {
  const { fs, reading } = part.layer;
  const names = attributeNames(fs, part.ino);
  let marks: DirectoryMarks = { ...noMarks, names };
  for (const prefix of names.length > 0 ? reading.prefixes : []) {
    const value = (suffix: string): string | undefined => {
      if (!names.includes((prefix + suffix) as ByteString)) return undefined;
      const bytes = attribute(fs, part.ino, prefix + suffix);
      return bytes && byteString(bytes);
    };
    const opaque = value('opaque');
    marks = {
      opaque: marks.opaque || opaque === 'y',
      marksFiles: marks.marksFiles || opaque === 'x',
      redirect: marks.redirect ?? (value('redirect') as ByteString | undefined),
      impure: marks.impure || value('impure') === 'y',
      names,
    };
  }
  if (!marks.opaque && (hasOpaqueFile(part, names) || hasOpaqueFlag(part)))
    marks = { ...marks, opaque: true };
  return marks;
}

function hasOpaqueFile({ layer, ino }: Pick<Part, 'layer' | 'ino'>, names: readonly ByteString[]): boolean {
  if (!layer.reading.names) return false;
  const files = [aufsOpaque, unionfsOpaque, ...(layer.reading.fuse ? [fuseOpaque] : [])];
  return (
    files.some((file) => lookupMark(layer.fs, ino, file as ByteString) !== undefined) ||
    (layer.reading.fuse && names.includes(fuseOpaqueAttribute as ByteString))
  );
}

function hasOpaqueFlag({ layer, ino }: Pick<Part, 'layer' | 'ino'>): boolean {
  return layer.reading.entries && layer.fs.whiteouts?.isOpaque(ino) === true;
}

/** Names in a directory of a layer that are whiteouts and no objects. */
export function whiteoutEntries({ layer, ino }: Pick<Part, 'layer' | 'ino'>): readonly ByteString[] {
  return layer.reading.entries ? (layer.fs.whiteouts?.list(ino) ?? []) : [];
}

/** Where an object lies, as far as that decides whether it is a whiteout. */
export interface WhiteoutPlace extends Pick<Part, 'marksFiles'> {
  readonly layer: Pick<Layer, 'fs' | 'reading'>;
}

/** Tells whether an object of a layer is a whiteout. */
export function isWhiteout(part: WhiteoutPlace, attributes: Attributes): boolean {
  const { layer } = part;
  const { reading } = layer;
  switch (attributes.type) {
    case 'char':
      return reading.devices && attributes.rdev.major === 0 && attributes.rdev.minor === 0;
    case 'symlink':
      return (
        reading.links !== 'no' &&
        layer.fs.readlink(attributes.ino) === legacyTarget &&
        (reading.links === 'text' || hasWhiteoutAttribute(part, attributes.ino))
      );
    case 'file':
      return (
        part.marksFiles &&
        attributes.size === 0 &&
        reading.emptyFiles &&
        hasWhiteoutAttribute(part, attributes.ino)
      );
    default:
      return false;
  }
}

function hasWhiteoutAttribute({ layer }: Pick<WhiteoutPlace, 'layer'>, ino: Ino): boolean {
  const names = attributeNames(layer.fs, ino);
  return names.length > 0 && layer.reading.prefixes.some((p) => names.includes(`${p}whiteout` as ByteString));
}

/** Tells from a listing alone which entries have to be looked at. */
export function mayBeWhiteout({ layer, marksFiles }: Part, entry: Pick<DirectoryEntry, 'type'>): boolean {
  const { reading } = layer;
  if (entry.type === 'char') return reading.devices;
  if (entry.type === 'symlink') return reading.links !== 'no';
  return entry.type === 'file' && marksFiles;
}

/** True for names that a form keeps for itself. */
export function isPrivateName(reading: MarkReading, name: ByteString): boolean {
  return reading.names && name.startsWith(aufsPrefix);
}

/** Longest name that leaves the aufs form room for its marks and temporary names (40). */
export const aufsNameMax = 242;

/**
 * Looks a name up in one directory of one layer.
 *
 * A name too long for the layer is not in it (24). With the aufs form the object wins over a record of the same name
 * in the same layer (47).
 */
export function findInLayer(part: Part, name: ByteString): Attributes | 'whiteout' | undefined {
  const { fs, reading } = part.layer;
  if (reading.names && name.startsWith(aufsPrefix)) return undefined;
  const ino = lookupShort(fs, part.ino, name);
  if (ino === undefined) return isRecorded(part, name) ? 'whiteout' : undefined;
  const attributes = fs.getattr(ino);
  return isWhiteout(part, attributes) ? 'whiteout' : attributes;
}

function isRecorded({ layer: { fs, reading }, ino }: Part, name: ByteString): boolean {
  if (reading.names && lookupMark(fs, ino, (aufsPrefix + name) as ByteString) !== undefined) return true;
  return reading.entries && fs.whiteouts?.has(ino, name) === true;
}

function lookupShort(fs: FileSystem, directory: Ino, name: ByteString): Ino | undefined {
  try {
    return fs.lookup(directory, name);
  } catch (error) {
    if (error instanceof FsError && error.code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}

/** A union beneath that keeps such names for itself shows none. */
function lookupMark(fs: FileSystem, directory: Ino, name: ByteString): Ino | undefined {
  try {
    return lookupShort(fs, directory, name);
  } catch (error) {
    if (error instanceof FsError && error.code === 'EPERM') return undefined;
    throw error;
  }
}

/** The value of a mark that is simply set. */
export const markSet = bytesOf('y' as ByteString);
