/** Applies the table of owners, modes, devices, extended attributes and capabilities to a tree. */
import { ProfileError, byteStringFromText } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { NAME_MAX, bytesContent, newDirectory, noXattrs, walkTree } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';
import { encodeCapabilities } from './capabilities.js';
import type { AttributeRule } from './root-tree.js';
import { findInode, findParent, namesOf } from './tree-path.js';

/**
 * Applies rules in their order. All problems are collected before anything is thrown.
 *
 * @param mtimeNs  time of objects that a rule makes
 * @throws ProfileError FW_ROOTFS_TABLE with every problem in `data.problems`
 */
export function applyAttributes(root: TreeDirectory, rules: readonly AttributeRule[], mtimeNs: bigint): void {
  const problems: string[] = [];
  for (const rule of rules) {
    const problem = applyRule(root, rule, mtimeNs);
    if (problem !== undefined) problems.push(`${rule.path}: ${problem}`);
  }
  if (problems.length > 0) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    throw new ProfileError('FW_ROOTFS_TABLE', `attribute table: ${problems[0] ?? ''}${more}`, [], {
      data: { problems },
    });
  }
}

/** Applies one rule; answers what is wrong with it, if anything. */
function applyRule(root: TreeDirectory, rule: AttributeRule, mtimeNs: bigint): string | undefined {
  const problem = attributeRuleFault(rule);
  if (problem !== undefined) return problem;
  const path = byteStringFromText(rule.path);
  const made = rule.type === undefined ? undefined : makeObject(root, path, rule, mtimeNs);
  if (typeof made === 'string') return made;
  const top = findInode(root, path);
  if (top === undefined) return 'nothing stands there; `type` would make it';
  const objects = new Set<TreeInode>([top]);
  if (rule.recursive === true && top.type === 'directory') {
    for (const { inode } of walkTree(top, path)) objects.add(inode);
  }
  const capabilities = rule.capabilities === undefined ? undefined : encodeCapabilities(rule.capabilities);
  for (const inode of objects) change(inode, rule, capabilities);
  return undefined;
}

/** Answers what is wrong with a rule whatever the tree, if anything. */
export function attributeRuleFault(rule: AttributeRule): string | undefined {
  if (!rule.path.startsWith('/')) return 'the path must be absolute';
  const names = namesOf(byteStringFromText(rule.path));
  if (names.some((name) => name === '.' || name === '..')) return 'the path must not contain . or ..';
  if (names.some((name) => name.length > NAME_MAX)) return `a name is longer than ${NAME_MAX} bytes`;
  if (rule.mode !== undefined && (rule.mode & ~0o7777) !== 0)
    return `mode ${rule.mode.toString(8)} is no mode`;
  for (const id of [rule.uid, rule.gid]) {
    if (id !== undefined && !(Number.isInteger(id) && id >= 0 && id < 0xffff_ffff))
      return `owner ${id} is out of range`;
  }
  const device = rule.type === 'char' || rule.type === 'block';
  if (device && rule.rdev === undefined) return 'a device node needs its numbers, such as device: "5:1"';
  if (!device && rule.rdev !== undefined) return 'device numbers are for type: char and type: block only';
  if (rule.rdev && !(inRange(rule.rdev.major, 0xfff) && inRange(rule.rdev.minor, 0xfffff))) {
    return `device ${rule.rdev.major}:${rule.rdev.minor} is out of range (4095:1048575)`;
  }
  if (rule.type === 'symlink' && rule.target === undefined) return 'a symlink needs a target';
  if (rule.type !== 'symlink' && rule.target !== undefined) return 'a target is for type: symlink only';
  if (rule.capabilities !== undefined && encodeCapabilities(rule.capabilities) === undefined) {
    return `capabilities '${rule.capabilities}' are not like cap_net_raw,cap_net_admin+ep`;
  }
  return undefined;
}

function inRange(value: number, limit: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= limit;
}

/** Makes the object of a rule where it is absent or of another type; answers a problem as text. */
function makeObject(
  root: TreeDirectory,
  path: ByteString,
  rule: AttributeRule,
  mtimeNs: bigint,
): string | undefined {
  const before = findInode(root, path);
  if (before?.type === 'directory') {
    return rule.type === 'directory' ? undefined : `a directory stands where a ${rule.type ?? ''} is wanted`;
  }
  const place = findParent(root, path);
  if (place === undefined) return 'its directory is not there, or is a symlink';
  if (before?.type === rule.type && before?.type === 'file') return undefined;
  place.directory.entries.set(place.name, newObject(rule, mtimeNs));
  return undefined;
}

function newObject(rule: AttributeRule, mtimeNs: bigint): TreeInode {
  const base = { mode: 0o644, uid: 0, gid: 0, mtimeNs, xattrs: noXattrs };
  const type = rule.type ?? 'file';
  switch (type) {
    case 'directory':
      return newDirectory({ mtimeNs });
    case 'symlink':
      return { ...base, type: 'symlink', mode: 0o777, target: byteStringFromText(rule.target ?? '') };
    case 'char':
    case 'block':
      return { ...base, type, mode: 0o600, rdev: rule.rdev ?? { major: 0, minor: 0 } };
    case 'fifo':
    case 'socket':
      return { ...base, type };
    case 'file':
      return { ...base, type: 'file', content: bytesContent(new Uint8Array()) };
  }
}

function change(inode: TreeInode, rule: AttributeRule, capabilities: Uint8Array | undefined): void {
  // A recursive mode, as `chmod -R`, leaves symlinks alone: theirs means nothing.
  if (rule.mode !== undefined && inode.type !== 'symlink') inode.mode = rule.mode;
  if (rule.uid !== undefined) inode.uid = rule.uid;
  if (rule.gid !== undefined) inode.gid = rule.gid;
  const xattrs = new Map(inode.xattrs);
  for (const [name, value] of Object.entries(rule.xattrs ?? {})) {
    const key = byteStringFromText(name);
    if (value === undefined) xattrs.delete(key);
    else xattrs.set(key, value);
  }
  if (capabilities !== undefined && inode.type === 'file') {
    xattrs.set('security.capability' as ByteString, capabilities);
  }
  inode.xattrs = xattrs.size === 0 ? noXattrs : xattrs;
}

/** Writes a rule as one line, for the hash of a build's inputs. */
export function describeRule(rule: AttributeRule): string {
  const xattrs = Object.entries(rule.xattrs ?? {})
    .map(([name, value]) => `${name}=${value === undefined ? '-' : Buffer.from(value).toString('hex')}`)
    .sort();
  return JSON.stringify([
    rule.path,
    rule.recursive ?? false,
    rule.type ?? null,
    rule.mode ?? null,
    rule.uid ?? null,
    rule.gid ?? null,
    rule.rdev ? [rule.rdev.major, rule.rdev.minor] : null,
    rule.target ?? null,
    xattrs,
    rule.capabilities ?? null,
  ]);
}
