/**
 * Merged lookup: from a directory of the union and a name to the union object (union-semantics 18 to 30).
 *
 * A name that is known answers from the directory's cache without any stop or allocation. Otherwise the directory's
 * lock is held while the layers are asked, so that no answer mixes two states.
 */
import type { ByteString } from '../core/index.js';
import { FsError, take } from '../vfs/index.js';
import type { Attributes, FileType, Ino, Operation, Task } from '../vfs/index.js';
import { foreignOn, refuseForeign } from './foreign-marks.js';
import type { Part } from './layers.js';
import { findContent, findInLayers, followed, resolveRedirect } from './lower.js';
import type { LayerHit } from './lower.js';
import { attribute, attributeNames, directoryMarks, findInLayer, isPrivateName } from './marks.js';
import { NameCache } from './name-cache.js';
import { isFound, noParts, upperPart } from './node.js';
import type { Alias, Node } from './node.js';
import { readLinkCount } from './hard-links.js';
import { decodeOrigin, encodeOrigin, indexName } from './origin.js';
import { pathOf } from './state.js';
import type { UnionState, WritableLayer } from './state.js';
import { upperStep } from './steps.js';

/** Finds a name; undefined when it is not there. Takes the directory's lock when the layers have to be asked. */
export function* lookup(
  state: UnionState,
  task: Task,
  directory: Node,
  name: ByteString,
): Operation<Alias | undefined> {
  const known = directory.children?.get(name);
  if (known !== undefined) return known ?? undefined;
  if (!directory.directoryLock.tryTake(task)) yield* take(task, directory.directoryLock);
  try {
    return yield* lookupLocked(state, task, directory, name);
  } finally {
    directory.directoryLock.release(task);
  }
}

/** Finds a name; the directory's lock is held. */
export function* lookupLocked(
  state: UnionState,
  task: Task,
  directory: Node,
  name: ByteString,
): Operation<Alias | undefined> {
  const known = directory.children?.get(name);
  if (known !== undefined) return known ?? undefined;
  if (directory.dead) return undefined;
  const reading = (state.upper ?? state.lowers[0])?.reading;
  if (reading && isPrivateName(reading, name)) throw new FsError('EPERM', 'lookup', name);
  let found: Attributes | 'whiteout' | undefined;
  if (directory.upper !== 0 && state.upper) {
    yield upperStep;
    found = findInLayer(upperPart(state.upper, directory), name);
    if (isFound(found)) {
      const node =
        found.type === 'directory'
          ? upperDirectory(state, state.upper, directory, name, found)
          : upperOther(state, state.upper, directory, name, found);
      return attach(directory, name, node, true);
    }
  }
  const hit = found === 'whiteout' ? undefined : findInLayers(state, directory.lowers, name);
  if (!hit) {
    rememberAbsent(directory, name);
    return undefined;
  }
  if (task.stops && state.upper && isShared(state, hit.attributes)) yield upperStep;
  return attachLower(state, directory, name, hit);
}

/** Tells whether the lowers have a name in a directory: then removing it from the upper needs a whiteout (33). */
export function lowerHas(state: UnionState, directory: Node, name: ByteString): boolean {
  return findInLayers(state, directory.lowers, name) !== undefined;
}

/** Puts a name into the cache of its directory. */
export function attach(parent: Node, name: ByteString, node: Node, covered: boolean): Alias {
  const alias: Alias = { parent, name, node, covered };
  node.aliases.push(alias);
  parent.children ??= new NameCache();
  parent.children.add(alias);
  return alias;
}

/** Notes that a name is absent. */
export function rememberAbsent(directory: Node, name: ByteString): void {
  directory.children ??= new NameCache();
  directory.children.addAbsent(name);
}

function upperDirectory(
  state: UnionState,
  upper: WritableLayer,
  directory: Node,
  name: ByteString,
  found: Attributes,
): Node {
  const marks = directoryMarks({ layer: upper, ino: found.ino });
  if (marks.names.length > 0) {
    refuseForeign(
      state,
      upper,
      pathOf(directory, name),
      foreignOn(upper, state.policy, found.ino, marks.names),
    );
  }
  const redirect = marks.opaque ? undefined : followed(state, marks.redirect);
  const lowers = marks.opaque ? noParts : lowersOf(state, directory, redirect ?? name);
  const top = lowers[0];
  const own = top ? state.nodes.numberOf(top.layer, top.ino) : state.nodes.numberOf(upper, found.ino);
  const number = state.nodes.numberBefore(found.ino) ?? own;
  const node = state.nodes.createDirectory(directory, number, lowers);
  node.redirect = redirect;
  node.impure = marks.impure;
  node.marksFiles = marks.marksFiles;
  state.nodes.setUpper(node, found.ino);
  return node;
}

function lowersOf(state: UnionState, directory: Node, place: ByteString): readonly Part[] {
  if (place.startsWith('/')) return resolveRedirect(state, place, 0);
  const hit = findInLayers(state, directory.lowers, place);
  return hit?.attributes.type === 'directory' ? hit.parts : noParts;
}

function upperOther(
  state: UnionState,
  upper: WritableLayer,
  directory: Node,
  name: ByteString,
  found: Attributes,
): Node {
  const known = state.nodes.byUpper(found.ino);
  if (known) return known;
  const { prefix } = state.policy;
  const names = attributeNames(upper.fs, found.ino);
  if (names.length > 0) {
    refuseForeign(state, upper, pathOf(directory, name), foreignOn(upper, state.policy, found.ino, names));
  }
  const has = (mark: string): boolean => names.includes((prefix + mark) as ByteString);
  const origin = has('origin') ? originOf(state, upper, found, { parent: directory, name }) : undefined;
  let number = state.nodes.numberOf(upper, found.ino);
  if (origin && (origin.nlink === 1 || origin.indexed))
    number = state.nodes.numberOf(origin.part.layer, origin.part.ino);
  const node = state.nodes.create(number, found.type, origin ? [origin.part] : noParts);
  state.nodes.setUpper(node, found.ino);
  if (origin?.indexed) {
    node.indexed = true;
    node.linkCount = readLinkCount(state, upper, node, origin.nlink);
  }
  if (found.type === 'file' && has('metacopy')) {
    node.metacopy = true;
    const from = { layer: upper, ino: found.ino };
    node.content = state.policy.metacopy ? findContent(state, from, directory.lowers, name) : undefined;
  } else {
    node.content = undefined;
  }
  return node;
}

interface Origin {
  readonly part: Part;
  readonly nlink: number;
  readonly indexed: boolean;
}

function originOf(
  state: UnionState,
  upper: WritableLayer,
  found: Attributes,
  { parent, name }: { readonly parent: Node; readonly name: ByteString },
): Origin | undefined {
  const bytes = attribute(upper.fs, found.ino, `${state.policy.prefix}origin`);
  const origin = bytes && decodeOrigin(bytes, state.lowers);
  if (!bytes || !origin) return undefined;
  try {
    // A folder of the host knows objects by the names it met; most copies have the name of their origin.
    if (origin.layer.fs.meet) for (const part of parent.lowers) findInLayer(part, name);
    const lower = origin.layer.fs.getattr(origin.ino);
    if (lower.type !== found.type) return undefined;
    const indexed =
      state.policy.index && lower.nlink > 1 && upper.work.indexed(indexName(bytes)) === found.ino;
    return { part: { ...origin, marksFiles: false }, nlink: lower.nlink, indexed };
  } catch (error) {
    // A new lower may have no such object; the origin is then unknown, which costs only the number (200).
    if (error instanceof FsError) return undefined;
    throw error;
  }
}

/** A lower object with several names, kept together by the index (or by a union that never copies). */
function isShared(state: UnionState, attributes: Attributes): boolean {
  return attributes.type !== 'directory' && attributes.nlink > 1 && (state.policy.index || !state.upper);
}

/** Makes or finds the object of a name that only lowers have; no stop. */
export function attachLower(state: UnionState, directory: Node, name: ByteString, hit: LayerHit): Alias {
  const known = directory.children?.get(name);
  if (known) return known;
  const part = hit.parts[0];
  if (!part) throw new FsError('EIO', 'lookup');
  const { attributes } = hit;
  const content = attributes.type === 'file' ? contentOfLower(state, directory, name, part) : part;
  if (isShared(state, attributes)) {
    return attach(directory, name, sharedNode(state, part, attributes, content), false);
  }
  const { nodes } = state;
  const own = nodes.numberOf(part.layer, part.ino);
  // Without an index, which name is meant is told by the number (84).
  const number = attributes.nlink === 1 ? own : nodes.numberOfName(directory, name);
  const node =
    attributes.type === 'directory'
      ? nodes.createDirectory(directory, own, hit.parts)
      : nodes.create(directory.apart ? undefined : number, attributes.type, hit.parts);
  node.content = content;
  return attach(directory, name, node, false);
}

/** Where the content of a lower file is; undefined for a copy without content that cannot be followed (88). */
function contentOfLower(state: UnionState, directory: Node, name: ByteString, part: Part): Part | undefined {
  if (state.policy.metacopy) {
    const below = directory.lowers.filter(({ layer }) => layer.number > part.layer.number);
    return findContent(state, part, below, name);
  }
  const mark = `${state.policy.prefix}metacopy` as ByteString;
  return attributeNames(part.layer.fs, part.ino).includes(mark) ? undefined : part;
}

/** The object of the index, unless it is of another type: a read-only union has not cleaned the index. */
function indexedAs({ fs, work }: WritableLayer, entry: ByteString, type: FileType): Ino | undefined {
  const ino = work.indexed(entry);
  return ino !== undefined && fs.getattr(ino).type === type ? ino : undefined;
}

function sharedNode(state: UnionState, part: Part, attributes: Attributes, content: Part | undefined): Node {
  const known = state.nodes.shared(part);
  if (known) return known;
  const { upper, policy } = state;
  const origin = encodeOrigin(part);
  const indexIno: Ino | undefined = upper && origin && indexedAs(upper, indexName(origin), attributes.type);
  const copied = indexIno === undefined ? undefined : state.nodes.byUpper(indexIno);
  if (copied) return copied;
  const node = state.nodes.createShared(part, attributes.type);
  node.indexed = upper !== undefined && origin !== undefined;
  node.linkCount = attributes.nlink;
  node.content = content;
  if (upper && indexIno !== undefined) {
    state.nodes.setUpper(node, indexIno);
    node.metacopy = attributeNames(upper.fs, indexIno).includes(`${policy.prefix}metacopy` as ByteString);
    if (!node.metacopy) node.content = undefined;
    node.linkCount = readLinkCount(state, upper, node, attributes.nlink);
  }
  return node;
}
