/** Builds the listing of a directory from its layers: deduplicated, whiteouts applied (union-semantics 48 to 60). */
import type { ByteString } from '../core/index.js';
import type { DirectoryEntry, FileType, Ino, Operation, Task } from '../vfs/index.js';
import { isKnownFile, refuseForeign } from './foreign-marks.js';
import { Listing } from './listing.js';
import { findInLayers } from './lower.js';
import { attachLower, lookupLocked } from './lookup.js';
import { attributeNames, isPrivateName, isWhiteout, mayBeWhiteout, whiteoutEntries } from './marks.js';
import { upperPart } from './node.js';
import type { Node } from './node.js';
import type { Part } from './layers.js';
import { pathOf } from './state.js';
import type { UnionState, WritableLayer } from './state.js';
import { upperStep } from './steps.js';

/** The listing of a directory, built at first use; the directory's lock is held. */
export function* listingLocked(state: UnionState, task: Task, directory: Node): Operation<Listing> {
  if (directory.listing) return directory.listing;
  const found: Found = new Map();
  // The lowest layer first: positions of what is beneath stay when the upper grows.
  for (const part of [...directory.lowers].reverse()) addLower(state, found, part, directory);
  if (directory.upper !== 0 && state.upper) yield* addUpper(state, task, found, directory);
  numberRest(state, found, directory);
  const listing = new Listing();
  for (const [name, { ino, type }] of found) listing.set(name, ino, type);
  state.nodes.promise(directory, listing);
  directory.listing = listing;
  return listing;
}

interface FoundName {
  readonly ino: Ino;
  readonly type: FileType;
  /** Number of a lower object that nobody has looked up; 0 where it has to be. */
  readonly promised?: true;
}

type Found = Map<ByteString, FoundName>;

function addLower(state: UnionState, found: Found, part: Part, directory: Node): void {
  const { layer } = part;
  for (const entry of layerEntries(part, found)) {
    const known = directory.children?.get(entry.name);
    if (known) {
      found.set(entry.name, { ino: known.node.id, type: known.node.type });
      continue;
    }
    const apart = directory.apart || namedApart(state, part, entry);
    const number = apart ? undefined : state.nodes.numberOf(layer, entry.ino);
    const free = number !== undefined && !state.nodes.has(number);
    found.set(entry.name, { ino: free ? number : 0, type: entry.type, promised: true });
  }
}

/** What shows from the lowers and has no number of its own, or lost it to what the upper has, is looked up. */
function numberRest(state: UnionState, found: Found, directory: Node): void {
  for (const [name, entry] of found) {
    if (entry.promised && (entry.ino === 0 || state.nodes.has(entry.ino)))
      found.set(name, { ino: lowerNumber(state, directory, name), type: entry.type });
  }
}

/** Lower hard links are objects of their own when no index keeps them together. */
function namedApart(state: UnionState, { layer }: Part, entry: DirectoryEntry): boolean {
  if (state.policy.index || !state.upper || entry.type === 'directory') return false;
  return layer.fs.getattr(entry.ino).nlink > 1;
}

function lowerNumber(state: UnionState, directory: Node, name: ByteString): Ino {
  const hit = findInLayers(state, directory.lowers, name);
  return hit ? attachLower(state, directory, name, hit).node.id : 0;
}

function* addUpper(state: UnionState, task: Task, found: Found, directory: Node): Operation<void> {
  const { upper } = state;
  if (!upper) return;
  yield upperStep;
  const meetPrivate = (name: ByteString): void => {
    const expected = 'a private file that is known';
    if (!isKnownFile(name)) refuseForeign(state, upper, pathOf(directory, name), { found: name, expected });
  };
  for (const entry of layerEntries(upperPart(upper, directory), found, meetPrivate)) {
    let ino = upperNumber(state, upper, directory, entry);
    if (ino === undefined) {
      ino = (yield* lookupLocked(state, task, directory, entry.name))?.node.id ?? entry.ino;
    }
    found.set(entry.name, { ino, type: entry.type });
  }
}

/** The union's number of an entry of the upper, or undefined when the object has to be looked up to know it. */
function upperNumber(
  state: UnionState,
  upper: WritableLayer,
  directory: Node,
  { name, ino, type }: DirectoryEntry,
): Ino | undefined {
  const { nodes, policy } = state;
  const known = directory.children?.get(name)?.node ?? nodes.byUpper(ino);
  if (known) return known.id;
  // Merged directories and copies keep the number that their lower has.
  if (type === 'directory' && directory.lowers.length > 0) return undefined;
  const marks = attributeNames(upper.fs, ino);
  const mark = type === 'directory' ? 'redirect' : 'origin';
  if (marks.length > 0 && marks.includes((policy.prefix + mark) as ByteString)) return undefined;
  const number = nodes.numberOf(upper, ino);
  return number === undefined || nodes.has(number) ? undefined : number;
}

/** Entries of one layer that show; its whiteouts take names away from `found`. */
function layerEntries(part: Part, found: Found, meetPrivate?: (name: ByteString) => void): DirectoryEntry[] {
  const { fs, reading } = part.layer;
  const shown: DirectoryEntry[] = [];
  const hidden = [...whiteoutEntries(part)];
  for (const entry of fs.readdir(part.ino)) {
    if (isPrivateName(reading, entry.name)) {
      meetPrivate?.(entry.name);
      hidden.push(entry.name.slice(4) as ByteString);
    } else if (mayBeWhiteout(part, entry) && isWhiteout(part, fs.getattr(entry.ino))) hidden.push(entry.name);
    else shown.push(entry);
  }
  for (const name of hidden) found.delete(name);
  return shown;
}
