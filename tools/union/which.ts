/**
 * `which`: where a path of the union comes from, why, and what it hides. It asks the layers afresh, without the
 * union's caches, so that it also explains a state that another program made.
 */
import type { ByteString } from '../core/index.js';
import type { FileType } from '../vfs/index.js';
import type { Layer, Part } from './layers.js';
import { findInLayers, rootParts } from './lower.js';
import type { CauseKind, Trace } from './lower.js';
import { attributeNames, findInLayer } from './marks.js';
import { isFound, noParts } from './node.js';
import type { UnionState } from './state.js';

/** One thing that made the answer what it is, from the top of the path and of the layers. */
export interface Cause {
  readonly kind: CauseKind | 'copied-up';
  /** Path in the union that it concerns. */
  readonly path: ByteString;
  readonly layer: string;
  /** Number of the layer: 0 the upper, lowers from 1. */
  readonly layerNumber: number;
  /** Where a redirect leads. */
  readonly target?: ByteString;
}

/** A version of the path that does not show. */
export interface ShadowedVersion {
  readonly layer: string;
  readonly layerNumber: number;
  readonly type: FileType;
}

/** What `which` found. */
export interface Whereabouts {
  readonly path: ByteString;
  /** The layer that the object shows from; undefined when the path does not exist. */
  readonly layer: string | undefined;
  readonly layerNumber: number | undefined;
  readonly type: FileType | undefined;
  /** Layers of a merged directory, top first. */
  readonly mergedFrom: readonly string[];
  readonly causes: readonly Cause[];
  readonly shadowed: readonly ShadowedVersion[];
}

/** Explains an absolute path of the union; symlinks are not followed. */
export function which(state: UnionState, path: ByteString): Whereabouts {
  const names = path.split('/').filter((name) => name !== '');
  const causes: Cause[] = [];
  let level: Level = { parts: startParts(state), type: 'directory' };
  // The layers as they would be without whiteouts and opaque marks, to find what is hidden.
  let bare: readonly Part[] = allRoots(state);
  let shadowed: ShadowedVersion[] = [];
  let at = '';
  for (const name of names) {
    at = `${at}/${name}`;
    const found = descend(state, level, name as ByteString, at as ByteString, causes);
    [bare, shadowed] = versions(bare, name as ByteString, found);
    level = found;
  }
  const top = level.parts[0];
  return {
    path: (names.length === 0 ? '/' : at) as ByteString,
    layer: top?.layer.name,
    layerNumber: top?.layer.number,
    type: top ? level.type : undefined,
    mergedFrom: level.type === 'directory' ? level.parts.map((part) => part.layer.name) : [],
    causes,
    shadowed,
  };
}

interface Level {
  readonly parts: readonly Part[];
  readonly type: FileType | undefined;
}

function startParts(state: UnionState): readonly Part[] {
  return rootParts([...(state.upper ? [state.upper] : []), ...state.lowers]);
}

function allRoots(state: UnionState): readonly Part[] {
  const layers: Layer[] = [...(state.upper ? [state.upper] : []), ...state.lowers];
  return layers.map((layer) => ({ layer, ino: layer.root, marksFiles: false }));
}

function descend(
  state: UnionState,
  level: Level,
  name: ByteString,
  path: ByteString,
  causes: Cause[],
): Level {
  if (level.type !== 'directory') return { parts: noParts, type: undefined };
  const trace: Trace = (kind, layer, { ino, target } = {}) => {
    const copied = kind === 'found' && ino !== undefined && isCopy(state, layer, ino);
    const place = { path, layer: layer.name, layerNumber: layer.number };
    causes.push({
      kind: copied ? 'copied-up' : kind,
      ...place,
      ...(target === undefined ? {} : { target }),
    });
  };
  const hit = findInLayers(state, level.parts, name, trace);
  return { parts: hit?.parts ?? noParts, type: hit?.attributes.type };
}

function isCopy(state: UnionState, layer: Layer, ino: number): boolean {
  const origin = `${state.policy.prefix}origin` as ByteString;
  return layer.number === 0 && attributeNames(layer.fs, ino).includes(origin);
}

/** All objects that the layers hold under a name, and those of them that do not show. */
function versions(
  parts: readonly Part[],
  name: ByteString,
  shown: Level,
): [readonly Part[], ShadowedVersion[]] {
  const next: Part[] = [];
  const shadowed: ShadowedVersion[] = [];
  for (const part of parts) {
    const found = findInLayer(part, name);
    if (!isFound(found)) continue;
    const { layer } = part;
    if (found.type === 'directory') next.push({ layer, ino: found.ino, marksFiles: false });
    const shows = shown.parts.some((other) => other.layer === layer && other.ino === found.ino);
    if (!shows) shadowed.push({ layer: layer.name, layerNumber: layer.number, type: found.type });
  }
  return [next, shadowed];
}
