/** The layer list of a union, and everything that is refused before one is mounted (union-semantics 1 to 17). */
import { bytesOf, UsageError } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import type { MarkReading } from './mark-reading.js';

/** One directory tree that takes part in a union. */
export interface LayerSpec {
  readonly fs: FileSystem;
  /** Directory that is the layer's root; the file system's root unless given. */
  readonly root?: Ino;
  /** What people see in messages and in `which`; the kind of file system unless given. */
  readonly name?: string;
  /** 16 bytes that name the file system across mounts, for origins; zeros for the only lower. */
  readonly uuid?: Uint8Array;
}

/** A layer of a mounted union. Number 0 is the upper; lowers count from 1, top first. */
export interface Layer {
  readonly fs: FileSystem;
  readonly root: Ino;
  readonly number: number;
  readonly name: string;
  readonly uuid: Uint8Array;
  readonly reading: MarkReading;
}

/** One directory of one layer, as a component of a merged directory; or one other object. */
export interface Part {
  readonly layer: Layer;
  readonly ino: Ino;
  /** Directory whose empty files with a mark are whiteouts (form overlay-x). */
  readonly marksFiles: boolean;
}

/** Largest depth of unions over unions (union-semantics 193). */
const depthMax = 8;

/** File systems in use as uppers: the upper and work directories of live unions. */
const claims = new WeakMap<FileSystem, Set<Claim>>();

/** Directories that one live union writes to. */
export interface Claim {
  readonly upper: Ino;
  readonly work: Ino;
}

/** Finds a directory by its absolute path; symlinks are not followed. Names are bytes. */
export function layerAt(fs: FileSystem, path: ByteString, name?: string): LayerSpec {
  let ino = fs.root;
  for (const part of path.split('/')) {
    if (part === '') continue;
    const next = fs.lookup(ino, part as ByteString);
    if (next === undefined || fs.getattr(next).type !== 'directory') {
      throw new UsageError('FW_UNION_LAYER', `layer ${path} is no directory: ${part} not found`, {
        data: { errno: next === undefined ? 'ENOENT' : 'ENOTDIR' },
      });
    }
    ino = next;
  }
  return { fs, root: ino, ...(name === undefined ? {} : { name }) };
}

/** What checks and numbering need of the layers, before marks are known. */
export interface LayerList {
  readonly lowers: readonly LayerSpec[];
  readonly upper: LayerSpec | undefined;
  readonly work: Ino | undefined;
}

/**
 * Refuses layer lists that cannot work.
 *
 * @throws UsageError FW_UNION_LAYER with `data.errno`: EINVAL, ENOTDIR, ELOOP, EBUSY, as a kernel would answer
 */
export function checkLayers(list: LayerList): void {
  if (list.lowers.length === 0) refuse('a union needs at least one lower', 'EINVAL');
  for (const [index, spec] of list.lowers.entries()) checkDirectory(spec, `lower ${index + 1}`);
  if (depthOf([...list.lowers, ...(list.upper ? [list.upper] : [])]) > depthMax) {
    refuse(`unions are stacked more than ${depthMax} deep`, 'ELOOP');
  }
  const { upper, work } = list;
  if (!upper) return;
  checkDirectory(upper, 'upper');
  if (work === undefined) {
    refuse('a writable union needs a work directory on the file system of the upper', 'EINVAL');
  }
  const { fs } = upper;
  const top = upper.root ?? fs.root;
  if (fs.getattr(work).type !== 'directory') refuse('work is no directory', 'ENOTDIR');
  if (liesIn(fs, work, top) || liesIn(fs, top, work)) {
    refuse('upper and work must be separate directories, neither inside the other', 'EINVAL');
  }
  for (const [index, lower] of list.lowers.entries()) {
    if (lower.fs !== fs) continue;
    const root = lower.root ?? fs.root;
    if ([top, work].some((mine) => liesIn(fs, mine, root) || liesIn(fs, root, mine))) {
      refuse(`upper or work and lower ${index + 1} lie inside one another`, 'ELOOP');
    }
  }
  for (const claim of claims.get(fs) ?? []) {
    for (const mine of [top, work]) {
      for (const theirs of [claim.upper, claim.work]) {
        if (liesIn(fs, mine, theirs) || liesIn(fs, theirs, mine)) {
          refuse('upper or work is in use by another union', 'EBUSY');
        }
      }
    }
  }
}

/** Records that a live union writes to these directories; the result ends the claim. */
export function claimUpper(fs: FileSystem, claim: Claim): () => void {
  const live = claims.get(fs) ?? new Set();
  claims.set(fs, live.add(claim));
  return () => live.delete(claim);
}

function checkDirectory(spec: LayerSpec, what: string): void {
  const type = spec.fs.getattr(spec.root ?? spec.fs.root).type;
  if (type !== 'directory') refuse(`${what} is a ${type}, expected a directory`, 'ENOTDIR');
}

/** Tells whether a directory is `above` or lies in it. */
export function liesIn(fs: FileSystem, ino: Ino, above: Ino): boolean {
  for (let at = ino; ; at = fs.parent(at)) {
    if (at === above) return true;
    if (at === fs.root) return false;
  }
}

function depthOf(specs: readonly LayerSpec[]): number {
  let depth = 0;
  for (const { fs } of specs) depth = Math.max(depth, stackDepth.get(fs) ?? 0);
  return depth + 1;
}

const stackDepth = new WeakMap<FileSystem, number>();

/** Notes how many unions lie on each other where `union` stands on top. */
export function recordDepth(union: FileSystem, specs: readonly LayerSpec[]): void {
  stackDepth.set(union, depthOf(specs));
}

/**
 * Splits a list of layers as mount options write it: a colon separates, a backslash takes the meaning from the next
 * character (union-semantics 3).
 *
 * @throws UsageError FW_UNION_LAYER for an empty element
 */
export function splitLayerList(text: string): string[] {
  const parts: string[] = [''];
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === ':') parts.push('');
    else parts.push((parts.pop() ?? '') + (char === '\\' ? text.charAt((at += 1)) : char));
  }
  if (parts.includes('')) refuse(`empty element in the layer list '${text}'`, 'EINVAL');
  return parts;
}

/** Writes a list of layers so that `splitLayerList` reads it back. */
export function joinLayerList(names: readonly string[]): string {
  return names.map((name) => name.replace(/[\\:,]/g, '\\$&')).join(':');
}

/** The identity of a lower across mounts: as given, or zeros for an only lower, or its place in the list. */
export function uuidOf(spec: LayerSpec, number: number, lowerCount: number): Uint8Array {
  if (spec.uuid) return spec.uuid;
  const uuid = new Uint8Array(16);
  if (lowerCount > 1) uuid.set(bytesOf(`lower ${number}`.slice(0, 16) as ByteString));
  return uuid;
}

function refuse(message: string, errno: string): never {
  throw new UsageError('FW_UNION_LAYER', message, { data: { errno } });
}
