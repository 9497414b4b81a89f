/** Merging of the lower layers: which lower objects make up a name. Lowers never change, so nothing here stops. */
import type { ByteString } from '../core/index.js';
import { FsError, isName, PATH_LENGTH_LIMIT } from '../vfs/index.js';
import type { Attributes, Ino } from '../vfs/index.js';
import type { Layer, Part } from './layers.js';
import { attribute, directoryMarks, findInLayer } from './marks.js';
import { isFound } from './node.js';
import type { UnionState } from './state.js';

/** What layers have under a name: the topmost object, and for a directory all parts. */
export interface LayerHit {
  readonly attributes: Attributes;
  readonly parts: readonly Part[];
}

type Merging = Pick<UnionState, 'policy' | 'lowers' | 'warn'>;

/** What made an answer what it is. */
export type CauseKind = 'found' | 'merged' | 'whiteout' | 'opaque' | 'redirect' | 'file-ends-search';

/** Hears the causes from the top: the layer, the object found, where a redirect leads. */
export type Trace = (
  kind: CauseKind,
  layer: Layer,
  more?: { readonly ino?: Ino; readonly target?: ByteString },
) => void;

/**
 * Resolves a name in the directories of layers, top first.
 *
 * The search ends at a whiteout, an opaque directory (which still joins), a non-directory or the end; a
 * non-directory below a directory ends it and is not skipped (union-semantics 20).
 */
export function findInLayers(
  state: Merging,
  parts: readonly Part[],
  name: ByteString,
  trace?: Trace,
): LayerHit | undefined {
  const search = new Search(state, trace);
  let wanted = name;
  for (const part of parts) {
    const redirect = search.meet(part, wanted);
    if (search.ended) break;
    if (redirect?.startsWith('/')) {
      search.follow(redirect, part.layer.number);
      break;
    }
    wanted = redirect ?? wanted;
  }
  return search.hit;
}

/** A search for one object, layer by layer. */
class Search {
  /** Nothing in the layers beneath can join. */
  ended = false;
  readonly #state: Merging;
  readonly #trace: Trace | undefined;
  #top: Attributes | undefined;
  readonly #parts: Part[] = [];

  constructor(state: Merging, trace?: Trace) {
    this.#state = state;
    this.#trace = trace;
  }

  get hit(): LayerHit | undefined {
    return this.#top && { attributes: this.#top, parts: this.#parts };
  }

  /** Looks at one layer; returns the redirect that a directory found there has. */
  meet(directory: Part, name: ByteString): ByteString | undefined {
    const { layer } = directory;
    const found = findInLayer(directory, name);
    if (found === undefined) return undefined;
    if (!isFound(found)) {
      this.#end('whiteout', layer);
      return undefined;
    }
    const object = { layer, ino: found.ino };
    if (found.type !== 'directory') {
      if (this.#top) {
        this.#end('file-ends-search', layer);
      } else {
        this.#top = found;
        this.#parts.push({ ...object, marksFiles: false });
        this.#end('found', layer, found.ino);
      }
      return undefined;
    }
    const marks = directoryMarks(object);
    this.#trace?.(this.#top ? 'merged' : 'found', layer, { ino: found.ino });
    this.#top ??= found;
    this.#parts.push({ ...object, marksFiles: marks.marksFiles });
    if (marks.opaque) {
      this.#end('opaque', layer);
      return undefined;
    }
    const redirect = followed(this.#state, marks.redirect);
    if (redirect !== undefined) this.#trace?.('redirect', layer, { target: redirect });
    return redirect;
  }

  /**
   * Goes on at an absolute path in the layers below number `after`. Each layer is walked by itself, and a redirect on
   * the way rewrites the path for the layers beneath: the cost is that of the paths, however redirects refer to each other.
   */
  follow(path: ByteString, after: number): void {
    let wanted = elementsOf(path);
    for (const layer of this.#state.lowers) {
      if (this.ended || wanted.length > pathDepthMax) return;
      if (layer.number > after) wanted = this.#walk(layer, wanted);
    }
  }

  /** Walks a path in one layer; returns the path for the layers beneath. */
  #walk(layer: Layer, path: readonly ByteString[]): ByteString[] {
    let { part: at, opaque } = rootOf(layer);
    let beneath: ByteString[] = [];
    const goOn = (name: ByteString, redirect: ByteString | undefined): void => {
      if (redirect?.startsWith('/')) beneath = elementsOf(redirect);
      else beneath.push(redirect ?? name);
    };
    for (const [index, name] of path.slice(0, -1).entries()) {
      const found = findInLayer(at, name);
      if (found === undefined) {
        this.ended ||= opaque;
        return [...beneath, ...path.slice(index)];
      }
      if (!isFound(found) || found.type !== 'directory') {
        this.ended = true;
        return beneath;
      }
      const marks = directoryMarks({ layer, ino: found.ino });
      opaque ||= marks.opaque;
      goOn(name, followed(this.#state, marks.redirect));
      at = { layer, ino: found.ino, marksFiles: marks.marksFiles };
    }
    const last = path.at(-1) ?? ('' as ByteString);
    goOn(last, this.meet(at, last));
    this.ended ||= opaque;
    return beneath;
  }

  #end(kind: CauseKind, layer: Layer, ino?: Ino): void {
    this.ended = true;
    this.#trace?.(kind, layer, ino === undefined ? {} : { ino });
  }
}

/** Deeper than any path that a redirect can name: where redirects made it longer and longer, nothing is there. */
const pathDepthMax = PATH_LENGTH_LIMIT;

function elementsOf(path: ByteString): ByteString[] {
  return path.slice(1).split('/') as ByteString[];
}

/** A redirect that may be followed: policy allows it and its text is valid; warns otherwise. */
export function followed(state: Merging, redirect: ByteString | undefined): ByteString | undefined {
  if (redirect === undefined) return undefined;
  const { redirectDir } = state.policy;
  if (redirectDir !== 'on' && redirectDir !== 'follow') return undefined;
  if (isRedirect(redirect)) return redirect;
  const shown = redirect.length > 100 ? `${redirect.slice(0, 100)}...` : redirect;
  state.warn({ code: 'FW_UNION_REDIRECT', message: `invalid redirect '${shown}' is ignored` });
  return undefined;
}

/** Tells whether the text of a redirect is valid: one name, or an absolute path of names (109). */
export function isRedirect(text: ByteString): boolean {
  if (text.length >= PATH_LENGTH_LIMIT) return false;
  return text.startsWith('/') ? elementsOf(text).every(isName) : isName(text);
}

/** Resolves an absolute path in the merged lowers below number `after`. */
export function resolvePath(state: Merging, path: ByteString, after: number): LayerHit | undefined {
  const search = new Search(state);
  search.follow(path, after);
  return search.hit;
}

/** The directories that an absolute redirect means, in the layers below number `after`. */
export function resolveRedirect(state: Merging, redirect: ByteString, after: number): readonly Part[] {
  const hit = resolvePath(state, redirect, after);
  return hit?.attributes.type === 'directory' ? hit.parts : [];
}

/** The roots of layers as parts of the union's root; an opaque root hides what is beneath. */
export function rootParts(layers: readonly Layer[]): readonly Part[] {
  const parts: Part[] = [];
  for (const layer of layers) {
    const { part, opaque } = rootOf(layer);
    parts.push(part);
    if (opaque) break;
  }
  return parts;
}

function rootOf(layer: Layer): { part: Part; opaque: boolean } {
  const { marksFiles, opaque } = directoryMarks({ layer, ino: layer.root });
  return { part: { layer, ino: layer.root, marksFiles }, opaque };
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
      : findInLayers(state, parts, (wanted = redirect ?? wanted));
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
