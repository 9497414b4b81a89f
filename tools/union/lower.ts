/** Merging of the lower layers: which lower objects make up a name. Lowers never change, so nothing here stops. */
import type { ByteString } from '../core/index.js';
import { FsError } from '../vfs/index.js';
import type { Attributes, Ino } from '../vfs/index.js';
import type { Layer, Part } from './layers.js';
import { attribute, directoryMarks, findInLayer } from './marks.js';
import { isFound } from './node.js';
import type { UnionState } from './state.js';

/** What the lowers have under a name: the topmost object, and for a directory all parts. */
export interface LowerHit {
  readonly attributes: Attributes;
  readonly parts: readonly Part[];
}

type Merging = Pick<UnionState, 'policy' | 'lowers' | 'warn'>;

/**
 * Resolves a name in lower directories, top first.
 *
 * The search ends at a whiteout, an opaque directory (which still joins), a non-directory or the end; a
 * non-directory below a directory ends it and is not skipped (union-semantics 20).
 */
export function findLower(state: Merging, parts: readonly Part[], name: ByteString): LowerHit | undefined {
  let top: Attributes | undefined;
  const merged: Part[] = [];
  let wanted = name;
  for (const part of parts) {
    const found = findInLayer(part, wanted);
    if (found === undefined) continue;
    if (!isFound(found)) break;
    if (found.type !== 'directory') {
      if (top) break;
      return { attributes: found, parts: [{ layer: part.layer, ino: found.ino, marksFiles: false }] };
    }
    top ??= found;
    const marks = directoryMarks({ layer: part.layer, ino: found.ino });
    merged.push({ layer: part.layer, ino: found.ino, marksFiles: marks.marksFiles });
    if (marks.opaque) break;
    const redirect = followed(state, marks.redirect);
    if (redirect?.startsWith('/')) {
      merged.push(...resolveRedirect(state, redirect, part.layer.number));
      break;
    }
    wanted = redirect ?? wanted;
  }
  return top && { attributes: top, parts: merged };
}

/** A redirect that may be followed: policy allows it and its text is valid; warns otherwise. */
export function followed(state: Merging, redirect: ByteString | undefined): ByteString | undefined {
  if (redirect === undefined) return undefined;
  const { redirectDir } = state.policy;
  if (redirectDir !== 'on' && redirectDir !== 'follow') return undefined;
  if (isRedirect(redirect)) return redirect;
  state.warn({ code: 'FW_UNION_REDIRECT', message: `invalid redirect '${redirect}' is ignored` });
  return undefined;
}

/** Tells whether the text of a redirect is valid: one name, or an absolute path of names (109). */
export function isRedirect(text: ByteString): boolean {
  const elements = text.startsWith('/') ? text.slice(1).split('/') : [text];
  return elements.every((name) => name !== '' && !name.includes('/') && name !== '.' && name !== '..');
}

/** The directories that an absolute redirect means, in the layers below number `after`. */
export function resolveRedirect(state: Merging, redirect: ByteString, after: number): readonly Part[] {
  const hit = resolvePath(state, redirect, after);
  return hit?.attributes.type === 'directory' ? hit.parts : [];
}

/** Resolves an absolute path in the merged lowers below number `after`. */
export function resolvePath(state: Merging, path: ByteString, after: number): LowerHit | undefined {
  let parts = rootParts(state.lowers.filter((layer) => layer.number > after));
  let hit: LowerHit | undefined;
  for (const name of path.slice(1).split('/')) {
    hit = findLower(state, parts, name as ByteString);
    if (!hit) return undefined;
    parts = hit.attributes.type === 'directory' ? hit.parts : [];
  }
  return hit;
}

/** The roots of layers as parts of the union's root; an opaque root hides what is beneath. */
export function rootParts(layers: readonly Layer[]): readonly Part[] {
  const parts: Part[] = [];
  for (const layer of layers) {
    const marks = directoryMarks({ layer, ino: layer.root });
    parts.push({ layer, ino: layer.root, marksFiles: marks.marksFiles });
    if (marks.opaque) break;
  }
  return parts;
}

/**
 * Finds where the content of a file with a metacopy mark lies: the first file without the mark, followed by name or
 * redirect through the layers beneath (union-semantics 88).
 *
 * @returns undefined when there is none: reading answers EIO
 */
export function findContent(
  state: Merging,
  from: { readonly layer: Layer; readonly ino: Ino },
  below: readonly Part[],
  name: ByteString,
): Part | undefined {
  let { layer, ino } = from;
  let parts = below;
  let wanted = name;
  for (;;) {
    const prefix = layer.reading.prefixes[0] ?? '';
    if (!attribute(layer.fs, ino, `${prefix}metacopy`)) return { layer, ino, marksFiles: false };
    const text = attribute(layer.fs, ino, `${prefix}redirect`);
    const redirect = text && followed(state, Buffer.from(text).toString('latin1') as ByteString);
    const hit = redirect?.startsWith('/')
      ? resolvePath(state, redirect, layer.number)
      : findLower(state, parts, (wanted = redirect ?? wanted));
    const next = hit?.parts[0];
    if (!next || hit.attributes.type !== 'file') return undefined;
    ({ layer, ino } = next);
    parts = parts.filter((part) => part.layer.number > layer.number);
  }
}

/** Reports a lower object whose content cannot be found. */
export function contentMissing(): FsError {
  return new FsError('EIO', 'read');
}
