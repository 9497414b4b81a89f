/** Names and values of extended attributes: prefix numbers, and the compact form of POSIX ACLs. */
import type { ByteString } from '../../core/index.js';
import { viewOf } from './layout.js';
import type { Endian } from './layout.js';

const prefixes: ReadonlyMap<number, string> = new Map([
  [1, 'user.'],
  [2, 'security.'],
  [3, 'system.posix_acl_access'],
  [4, 'system.posix_acl_default'],
  [5, 'trusted.'],
]);

/** Splits a full name into prefix number and rest; undefined for a namespace that JFFS2 does not keep. */
export function splitXattrName(
  name: ByteString,
): { readonly xprefix: number; readonly rest: ByteString } | undefined {
  for (const [xprefix, text] of prefixes) {
    const rest = name.slice(text.length);
    // The two ACLs are whole names; the others need something behind their prefix.
    if (name.startsWith(text) && isAcl(xprefix) === (rest === '')) {
      return { xprefix, rest: rest as ByteString };
    }
  }
  return undefined;
}

/** Joins prefix number and rest to the full name; undefined for an unknown prefix or a rest that cannot be. */
export function joinXattrName(xprefix: number, rest: ByteString): ByteString | undefined {
  const text = prefixes.get(xprefix);
  if (text === undefined || isAcl(xprefix) !== (rest === '')) return undefined;
  return (text + rest) as ByteString;
}

/** Tells whether the values of a prefix are ACLs, which are stored in a form of their own. */
export function isAcl(xprefix: number): boolean {
  return xprefix === 3 || xprefix === 4;
}

/** Tags of ACL entries that carry an id: named user and named group. */
const tagsWithId: ReadonlySet<number> = new Set([0x02, 0x08]);
const tagsWithoutId: ReadonlySet<number> = new Set([0x01, 0x04, 0x10, 0x20]);
const LINUX_ACL_VERSION = 2;
const JFFS2_ACL_VERSION = 1;
const NO_ID = 0xffffffff;

/** Turns the value of a system.posix_acl_* attribute (always little-endian) into JFFS2's; undefined when it is no ACL. */
export function encodeAcl(value: Uint8Array, endian: Endian): Uint8Array | undefined {
  if (value.length < 4 || (value.length - 4) % 8 !== 0) return undefined;
  const source = viewOf(value);
  if (source.getUint32(0, true) !== LINUX_ACL_VERSION) return undefined;
  const little = endian === 'little';
  const body = new Uint8Array(value.length);
  const view = viewOf(body);
  view.setUint32(0, JFFS2_ACL_VERSION, little);
  let at = 4;
  for (let from = 4; from < value.length; from += 8) {
    const tag = source.getUint16(from, true);
    if (!tagsWithId.has(tag) && !tagsWithoutId.has(tag)) return undefined;
    view.setUint16(at, tag, little);
    view.setUint16(at + 2, source.getUint16(from + 2, true), little);
    at += 4;
    if (!tagsWithId.has(tag)) continue;
    view.setUint32(at, source.getUint32(from + 4, true), little);
    at += 4;
  }
  return body.slice(0, at);
}

/** Turns JFFS2's ACL body into the value of a system.posix_acl_* attribute; undefined when it is no ACL. */
export function decodeAcl(body: Uint8Array, endian: Endian): Uint8Array | undefined {
  const little = endian === 'little';
  if (body.length < 4) return undefined;
  const source = viewOf(body);
  if (source.getUint32(0, little) !== JFFS2_ACL_VERSION) return undefined;
  const value = new Uint8Array(4 + 2 * (body.length - 4));
  const view = viewOf(value);
  view.setUint32(0, LINUX_ACL_VERSION, true);
  let at = 4;
  for (let from = 4; from < body.length; at += 8) {
    if (from + 4 > body.length) return undefined;
    const tag = source.getUint16(from, little);
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, source.getUint16(from + 2, little), true);
    view.setUint32(at + 4, NO_ID, true);
    from += 4;
    if (tagsWithId.has(tag)) {
      if (from + 4 > body.length) return undefined;
      view.setUint32(at + 4, source.getUint32(from, little), true);
      from += 4;
    } else if (!tagsWithoutId.has(tag)) return undefined;
  }
  return value.slice(0, at);
}
