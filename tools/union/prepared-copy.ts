/**
 * A copy while it is prepared in the work directory: an object like the lower's, its attributes in the order in which none
 * undoes another, and the marks that it has before it gets its name (union-semantics 67 to 70, 87, 205).
 */
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { Attributes, FileSystem, Ino } from '../vfs/index.js';
import { ownershipOfCopy } from './copy-mode.js';
import { initialLinkCount } from './hard-links.js';
import { attributeNames } from './marks.js';
import type { Alias, Node } from './node.js';
import { encodeOrigin } from './origin.js';
import { lowerPath } from './state.js';
import type { UnionState, WritableLayer } from './state.js';

/** Makes an empty object of the lower's type, which only its owner may use. */
export function makeLike(
  fs: FileSystem,
  directory: Ino,
  name: ByteString,
  from: FileSystem,
  lower: Attributes,
): Ino {
  const owner = { uid: 0, gid: 0 };
  switch (lower.type) {
    case 'directory':
      return fs.mkdir(directory, name, { ...owner, mode: 0o700 });
    case 'symlink':
      return fs.symlink(directory, name, from.readlink(lower.ino), { ...owner, mode: 0o777 });
    default:
      return fs.mknod(directory, name, { ...owner, mode: 0o600, type: lower.type, rdev: lower.rdev });
  }
}

/** Owner, then capabilities and other attributes, then mode, then times: each would clear or change the former (68). */
export function carryAttributes(
  state: UnionState,
  upper: WritableLayer,
  ino: Ino,
  from: FileSystem,
  lower: Attributes,
): void {
  const { fs } = upper;
  const { mode, uid, gid } = ownershipOfCopy(state.policy.copyMode, lower, state.umask());
  if (uid !== 0 || gid !== 0) fs.setattr(ino, { uid, gid });
  carryXattrs(state, upper, ino, from, lower.ino);
  const times = { atimeNs: lower.atimeNs, mtimeNs: lower.mtimeNs };
  fs.setattr(ino, lower.type === 'symlink' ? times : { mode, ...times });
}

function carryXattrs(state: UnionState, upper: WritableLayer, to: Ino, from: FileSystem, ino: Ino): void {
  if (upper.work.lacks.has('attributes')) return;
  const { prefix } = state.policy;
  for (const name of attributeNames(from, ino)) {
    if (name.startsWith(prefix) && !name.startsWith(`${prefix}overlay.`)) continue;
    try {
      upper.fs.setxattr(to, name, from.getxattr(ino, name));
    } catch (error) {
      // Rights must arrive; what the upper cannot keep of the rest is left behind (70).
      const rights = name.startsWith('security.') || name.startsWith('system.posix_acl');
      if (rights || !(error instanceof FsError) || error.code !== 'EOPNOTSUPP') throw error;
    }
  }
}

/** Marks the copy before it has its name (205). */
export function markCopy(
  state: UnionState,
  upper: WritableLayer,
  node: Node,
  ino: Ino,
  meta: boolean,
  alias: Alias | undefined,
): void {
  if (upper.work.lacks.has('attributes')) return;
  const source = node.lowers[0];
  const origin = source && encodeOrigin(source);
  const { prefix } = state.policy;
  const set = (name: string, value: Uint8Array): void =>
    upper.fs.setxattr(ino, (prefix + name) as ByteString, value);
  const named = node.type === 'directory' || node.indexed || hasOneName(node);
  if (origin && named) set('origin', origin);
  if (meta) {
    set('metacopy', new Uint8Array(0));
    if (alias) set('redirect', Buffer.from(originalPath(alias), 'latin1'));
  }
  if (node.indexed && source) {
    const [name, value] = initialLinkCount(state, node, source.layer.fs.getattr(source.ino).nlink);
    upper.fs.setxattr(ino, name, value);
  }
}

/** Lower hard links without an index become objects of their own; only one of them could keep the lower's number. */
function hasOneName(node: Node): boolean {
  const source = node.lowers[0];
  return source !== undefined && source.layer.fs.getattr(source.ino).nlink === 1;
}

function originalPath(alias: Alias): ByteString {
  const above = lowerPath(alias.parent);
  return `${above === '/' ? '' : above}/${alias.name}` as ByteString;
}
