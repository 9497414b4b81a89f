/**
 * What an upper holds that this version does not know: private marks of another version, features of a newer kernel,
 * entries of a newer journal or index. Such an upper is not written to, since a change could contradict what it
 * says (union-semantics 201).
 *
 * @see Linux 6.18 fs/overlayfs/overlayfs.h, the postfixes of enum ovl_xattr and struct ovl_metacopy; namei.c,
 *   ovl_workdir_cleanup_recurse and ovl_verify_index, which refuse a mount for the same reasons
 */
import { byteString, FormatError } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import { unreadableEntry } from './journal.js';
import type { Layer } from './layers.js';
import { aufsOpaque, aufsPrefix, attribute, attributeNames, fuseOpaque } from './marks.js';
import { handleNamed, isKnownHandle } from './origin.js';
import type { UnionPolicy } from './policy.js';
import type { UnionState } from './state.js';
import { directoryNamed, volatileFeature, workNames } from './work-layout.js';

/** Something unknown, and where it is. */
export interface ForeignMark {
  /** Path in the upper or the work directory. */
  readonly place: ByteString;
  readonly found: string;
  readonly expected: string;
}

const marks = 'opaque redirect origin impure nlink upper uuid metacopy whiteout whiteouts';
/** Names of marks behind the prefix; `overlay.` begins what users have under the prefix. */
const knownMarks = new Set(marks.split(' '));
/** Names that begin with `.wh.` twice are aufs's own. */
const knownFiles = new Set([aufsOpaque, fuseOpaque, '.wh..wh.aufs', '.wh..wh.plnk', '.wh..wh.orph']);

/**
 * Finds something in an upper or its work directory that is not known; nothing is changed. Objects below the root are
 * looked at where the file system tells cheaply which attributes there are; otherwise `foreignOn` is asked about
 * each one that the union meets.
 */
export function findForeignMark(upper: Layer, workRoot: Ino, policy: UnionPolicy): ForeignMark | undefined {
  const { fs, root } = upper;
  const onRoot = foreignOn(upper, policy, root, attributeNames(fs, root));
  if (onRoot) return { ...onRoot, place: '/' as ByteString };
  const inWork = foreignInWork(fs, workRoot);
  if (inWork) return inWork;
  for (const { name, value } of fs.xattrsInUse?.() ?? []) {
    // It may be a user's own elsewhere on the file system.
    if (foreignMark(upper, policy, name, () => value)) return foreignInTree(upper, policy);
  }
  return undefined;
}

/** The refusal to write to such an upper. */
export function foreignMarkError(upper: Layer, { place, found, expected }: ForeignMark): FormatError {
  return new FormatError('FW_UNION_MARKS', `${upper.name}: ${place} holds ${found}, expected ${expected}`, {
    hint: 'mount it read-only, or with what made it',
    data: { errno: 'EINVAL', place, expected, found },
  });
}

function foreignInWork(fs: FileSystem, root: Ino): ForeignMark | undefined {
  const work = directoryNamed(fs, root, workNames.work);
  const entry = work === undefined ? undefined : unreadableEntry(fs, work);
  if (entry)
    return { ...entry, place: `work/${entry.name}` as ByteString, found: `a journal '${entry.found}'` };
  const features = directoryNamed(fs, work, workNames.features);
  for (const { name } of features === undefined ? [] : fs.readdir(features)) {
    if (name === volatileFeature) continue;
    const place = `work/${workNames.features}/${name}` as ByteString;
    return { place, found: `the feature ${name}`, expected: `none but ${volatileFeature}` };
  }
  const index = directoryNamed(fs, root, workNames.index);
  for (const { name } of index === undefined ? [] : fs.readdir(index)) {
    const handle = handleNamed(name);
    if (name.startsWith('#') || (handle && isKnownHandle(handle))) continue;
    const place = `${workNames.index}/${name}` as ByteString;
    return { place, found: 'an index entry of another version', expected: 'handles of version 0' };
  }
  return undefined;
}

function foreignInTree(upper: Layer, policy: UnionPolicy): ForeignMark | undefined {
  const { fs } = upper;
  const pending: { ino: Ino; path: string }[] = [{ ino: upper.root, path: '' }];
  for (const { ino, path } of pending) {
    for (const entry of fs.readdir(ino)) {
      const place = `${path}/${entry.name}` as ByteString;
      const found = foreignOn(upper, policy, entry.ino, attributeNames(fs, entry.ino));
      if (found) return { ...found, place };
      if (entry.type === 'directory') pending.push({ ino: entry.ino, path: place });
    }
  }
  return undefined;
}

type Unknown = Omit<ForeignMark, 'place'>;

/** What is not known among the attributes of an object of the upper. */
export function foreignOn(
  upper: Layer,
  policy: UnionPolicy,
  ino: Ino,
  names: readonly ByteString[],
): Unknown | undefined {
  for (const name of names) {
    const unknown = foreignMark(upper, policy, name, () => attribute(upper.fs, ino, name));
    if (unknown) return unknown;
  }
  return undefined;
}

function foreignMark(
  { reading }: Layer,
  policy: UnionPolicy,
  name: ByteString,
  value: () => Uint8Array | undefined,
): Unknown | undefined {
  for (const prefix of reading.prefixes) {
    if (!name.startsWith(prefix)) continue;
    const mark = name.slice(prefix.length);
    if (mark.startsWith('overlay.')) return undefined;
    if (!knownMarks.has(mark)) return { found: `the mark ${name}`, expected: `${prefix}{${marks}}` };
    if (mark === 'metacopy') return foreignCopy(policy, name, value());
    const text = mark === 'opaque' ? byteString(value() ?? new Uint8Array()) : 'y';
    return text === 'y' || text === 'x' ? undefined : { found: `${name} '${text}'`, expected: 'y or x' };
  }
  return undefined;
}

/** Without the feature, a copy that has no content yet would be read as zeros (88). */
function foreignCopy(
  policy: UnionPolicy,
  name: ByteString,
  value: Uint8Array = new Uint8Array(),
): Unknown | undefined {
  if (!policy.metacopy) return { found: `the mark ${name}`, expected: 'the option metacopy' };
  const [version = 0, , flags = 0] = value;
  if (version === 0 && flags === 0) return undefined;
  return { found: `${name} of version ${version}, flags ${flags}`, expected: 'version 0, no flags' };
}

/** Tells whether a private file of the aufs form is one of those that are known. */
export function isKnownFile(name: ByteString): boolean {
  return !name.startsWith(aufsPrefix + aufsPrefix) || knownFiles.has(name);
}

/** Makes the union read-only for good when an object of the upper has something unknown on it. */
export function refuseForeign(
  state: UnionState,
  upper: Layer,
  place: ByteString,
  unknown: Unknown | undefined,
): void {
  if (!unknown || state.foreign) return;
  state.foreign = true;
  state.readOnly = true;
  const { message } = foreignMarkError(upper, { ...unknown, place });
  state.warn({ code: 'FW_UNION_MARKS', message: `${message}; the union is read-only from now on` });
}
