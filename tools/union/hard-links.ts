/**
 * Link counts of indexed objects: names in the upper plus lower names that still show (union-semantics 85).
 *
 * The count is kept as a difference to the upper's or the lower's own count, written before the change that moves
 * both, so that it is right on either side of a power cut.
 *
 * @see Linux 6.6 fs/overlayfs/inode.c, ovl_get_nlink
 */
import { byteString, bytesOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import { attribute } from './marks.js';
import type { Node } from './node.js';
import type { UnionState, WritableLayer } from './state.js';

/** Reads the link count of an object in the index. */
export function readLinkCount(
  state: UnionState,
  upper: WritableLayer,
  node: Node,
  lowerCount: number,
): number {
  return storedLinkCount(upper.fs, node.upper, state.policy.prefix, lowerCount);
}

/** Reads the count kept on an upper object; the lower's where none is kept. */
export function storedLinkCount(fs: FileSystem, ino: Ino, prefix: string, lowerCount: number): number {
  const bytes = attribute(fs, ino, `${prefix}nlink`);
  const match = bytes && /^([UL])([+-]\d+)$/.exec(byteString(bytes));
  if (!match) return lowerCount;
  const own = match[1] === 'L' ? lowerCount : fs.getattr(ino).nlink;
  return Math.max(0, own + Number(match[2]));
}

/** Ties the count to the upper's own count; called before a change that moves both by the same amount. */
export function tieLinkCount(state: UnionState, upper: WritableLayer, node: Node): void {
  if (!node.indexed || node.upper === 0) return;
  const difference = node.linkCount - upper.fs.getattr(node.upper).nlink;
  upper.fs.setxattr(node.upper, linkCountName(state), linkCountText('U', difference));
}

/** The attribute that a fresh copy carries: as many names as the lower. */
export function initialLinkCount(
  state: UnionState,
  node: Node,
  lowerCount: number,
): [ByteString, Uint8Array] {
  return [linkCountName(state), linkCountText('L', node.linkCount - lowerCount)];
}

function linkCountName(state: UnionState): ByteString {
  return `${state.policy.prefix}nlink` as ByteString;
}

function linkCountText(base: 'U' | 'L', difference: number): Uint8Array {
  return bytesOf(`${base}${difference < 0 ? '' : '+'}${difference}` as ByteString);
}
