/**
 * Copy-up: from a lower object to a complete upper one, prepared in the work directory and shown by one rename
 * (union-semantics 61 to 91).
 *
 * The decision is taken without a lock and taken again under the object's copy-up lock: by then another may have
 * copied, renamed or removed it (182, 183). Whoever removes or renames a name holds that lock too, so a name
 * found under it stays until the copy is in place. Parents are copied first, from the top, one lock at a time.
 */
import type { ByteString } from '../core/index.js';
import { FsError, take } from '../vfs/index.js';
import type { FileSystem, Ino, Operation, Task } from '../vfs/index.js';
import { copyContent } from './copy-content.js';
import { initialLinkCount } from './hard-links.js';
import { contentMissing } from './lower.js';
import { attributeNames, markSet } from './marks.js';
import type { Alias, Node } from './node.js';
import { encodeOrigin, indexName } from './origin.js';
import { rename } from './placement.js';
import { carryAttributes, makeLike, markCopy } from './prepared-copy.js';
import { writable } from './state.js';
import type { UnionState, WritableLayer } from './state.js';
import { copyStep, upperStep, workStep } from './steps.js';

/** What the caller needs of the copy: attributes only, or content. */
export type Need = (
  | { readonly kind: 'attributes' }
  | {
      readonly kind: 'content';
      /** Only so much of it. */
      readonly size: number;
      /** Completes the change on the copy before it shows, so that a truncation that fails leaves all content. */
      readonly finish?: (fs: FileSystem, ino: Ino) => void;
    }
) & {
  /** A name is to be removed: what takes little may use what the upper keeps back for that (216). */
  readonly forRemoval?: boolean;
};

export const needAttributes: Need = { kind: 'attributes' };
export const needContent: Need = { kind: 'content', size: Infinity };

/** Tells whether an object still lacks in the upper what is needed; `alias`: that this name be there too. */
export function needsCopy(node: Node, need: Need, alias?: Alias): boolean {
  if (node.upper === 0) return true;
  if (need.kind === 'content' && node.metacopy) return true;
  return alias !== undefined && !alias.covered && !node.dead;
}

/** Brings an object to the upper. The topology lock is held; none of its directories' locks need be. */
export function* copyUp(state: UnionState, task: Task, node: Node, need: Need): Operation<void> {
  writable(state, 'copy-up');
  while (needsCopy(node, need)) {
    for (const parent of missingAbove(node)) {
      yield* copyUnlessChanged(state, task, parent, need.kind === 'attributes' ? need : needAttributes);
    }
    // Another may have taken this name away meanwhile, and what is above the next one may be missing too.
    if (node.above?.upper !== 0) yield* copyUnlessChanged(state, task, node, need);
  }
}

/** The directories above an object that the upper does not have yet, from the top; they stay, as the topology is held. */
function missingAbove(node: Node): Node[] {
  const missing: Node[] = [];
  let at = node;
  for (let above = at.above; above?.upper === 0; above = at.above) missing.push((at = above));
  // A failed change may leave an object without its name until somebody looks that up; the index needs no name.
  if (at.upper === 0 && at.above === undefined && !at.dead && !at.indexed)
    throw new FsError('ESTALE', 'copy-up');
  return missing.reverse();
}

/** Copies an object whose directory is in the upper, unless another changed it before the lock was had. */
function* copyUnlessChanged(state: UnionState, task: Task, node: Node, need: Need): Operation<void> {
  const alias = node.aliases[0];
  if (!node.copyUpLock.tryTake(task)) yield* take(task, node.copyUpLock);
  try {
    // Between the decision and the lock the object may have been copied, renamed or removed by another.
    const stale = node.aliases[0] !== alias && !state.sabotage.has('copy-up re-check');
    if (!stale) yield* copyUpLocked(state, task, node, need, alias);
  } finally {
    node.copyUpLock.release(task);
  }
}

/**
 * Brings an object to the upper under one of its names; its copy-up lock is held, and the parent of `alias` is in the
 * upper. Without an alias the copy has no name and lives as long as it is held (149).
 */
export function* copyUpLocked(
  state: UnionState,
  task: Task,
  node: Node,
  need: Need,
  alias: Alias | undefined,
): Operation<void> {
  const upper = writable(state, 'copy-up');
  if (node.upper === 0 || state.sabotage.has('copy-up re-check')) {
    yield* copyObject(state, task, upper, node, need, alias);
  }
  if (need.kind === 'content' && node.metacopy) yield* bringContent(task, upper, state, node, need);
  if (alias && !alias.covered) yield* cover(state, upper, node, alias, need.forRemoval === true);
}

/** Gives an object that is in the upper, through the index, one more of its names there. */
function* cover(
  state: UnionState,
  upper: WritableLayer,
  node: Node,
  alias: Alias,
  forRemoval: boolean,
): Operation<void> {
  yield upperStep;
  const { fs, work } = upper;
  const source = node.lowers[0];
  const change = (): void => {
    if (node.indexed && source) {
      // One more name in the upper, none more in the union: the count is tied to the lower's meanwhile.
      const [name, value] = initialLinkCount(state, node, source.layer.fs.getattr(source.ino).nlink);
      fs.setxattr(node.upper, name, value);
    }
    keepTimes(fs, alias.parent.upper, () => fs.link(node.upper, alias.parent.upper, alias.name));
  };
  if (forRemoval) work.removing(change);
  else change();
  alias.covered = true;
}

/** How calls into the upper are made. */
type Calls = <T>(call: () => T) => T;

function* copyObject(
  state: UnionState,
  task: Task,
  upper: WritableLayer,
  node: Node,
  need: Need,
  alias: Alias | undefined,
): Operation<void> {
  const source = node.lowers[0];
  if (!source) throw new FsError('ESTALE', 'copy-up');
  const { work, fs } = upper;
  const temp = work.tempName();
  const attributes = source.layer.fs.getattr(source.ino);
  const how: Calls =
    need.kind === 'attributes' && need.forRemoval === true ? (call) => work.removing(call) : (call) => call();
  try {
    yield workStep;
    const ino = how(() => makeLike(fs, work.ino, temp, source.layer.fs, attributes));
    const meta = attributes.type === 'file' && need.kind === 'attributes' && state.policy.metacopy;
    if (attributes.type === 'file' && !meta) {
      const size = need.kind === 'content' ? Math.min(need.size, attributes.size) : attributes.size;
      const { content } = node;
      if (size > 0 && !content) throw contentMissing();
      if (content) yield* copyContent(task, { fs: content.layer.fs, ino: content.ino }, { fs, ino }, size);
    }
    yield workStep;
    how(() => {
      if (meta) fs.setattr(ino, { size: attributes.size });
      carryAttributes(state, upper, ino, source.layer.fs, attributes);
      markCopy(state, upper, node, ino, meta, alias);
      if (need.kind === 'content') need.finish?.(fs, ino);
      work.flush(ino);
    });
    yield* place(state, upper, node, { ino, temp, alias, how });
    node.metacopy = meta;
    if (!meta) node.content = undefined;
  } catch (error) {
    work.discard(temp);
    throw error;
  }
}

interface FinishedCopy {
  readonly ino: Ino;
  readonly temp: ByteString;
  readonly alias: Alias | undefined;
  readonly how: Calls;
}

/** Gives the finished copy its name and publishes it, in one stretch that no other operation interrupts. */
function* place(
  state: UnionState,
  upper: WritableLayer,
  node: Node,
  { ino, temp, alias, how }: FinishedCopy,
): Operation<void> {
  const { fs, work } = upper;
  if (node.indexed && work.index !== undefined && !state.sabotage.has('index update')) {
    const source = node.lowers[0];
    const origin = source && encodeOrigin(source);
    yield upperStep;
    if (origin) placeInIndex(upper, { index: work.index, entry: indexName(origin), temp }, ino, alias);
    publish(state, upper, node, ino);
    if (alias) alias.covered = true;
    return;
  }
  yield upperStep;
  if (!alias) {
    // No name is left: the copy lives as long as its users hold it.
    publish(state, upper, node, ino);
    if (node.type === 'directory') fs.rmdir(work.ino, temp);
    else fs.unlink(work.ino, temp);
    return;
  }
  const parent = alias.parent.upper;
  const present = presentAlias(state, node, alias);
  if (fs.lookup(parent, present.name) !== undefined && !state.sabotage.has('copy-up re-check')) {
    throw new FsError('ESTALE', 'copy-up');
  }
  const pair = { from: work.ino, name: temp, to: present.parent.upper, newName: present.name };
  how(() => keepTimes(fs, parent, () => rename(work, pair)));
  publish(state, upper, node, ino);
  present.covered = true;
}

/** First the index, which all names of the object ask, then the name that was to be copied. */
function placeInIndex(
  { fs, work }: WritableLayer,
  { index, entry, temp }: { readonly index: Ino; readonly entry: ByteString; readonly temp: ByteString },
  ino: Ino,
  alias: Alias | undefined,
): void {
  rename(work, { from: work.ino, name: temp, to: index, newName: entry });
  if (!alias) return;
  try {
    keepTimes(fs, alias.parent.upper, () => fs.link(ino, alias.parent.upper, alias.name));
  } catch (error) {
    // Where this fails too the copy stays in the index, with the lower's content.
    if (error instanceof FsError) rename(work, { from: index, name: entry, to: work.ino, newName: temp });
    throw error;
  }
}

/** The name under which the copy goes into place: the one that was found under the lock. */
function presentAlias(state: UnionState, node: Node, alias: Alias): Alias {
  // Overlayfs v7 took the object's present name without asking whether it was still the lower's: Viro's schedule.
  return state.sabotage.has('copy-up re-check') ? (node.aliases[0] ?? alias) : alias;
}

function publish(state: UnionState, upper: WritableLayer, node: Node, ino: Ino): void {
  for (let hold = 0; hold < node.holds; hold += 1) upper.fs.open(ino, 'write');
  state.nodes.setUpper(node, ino);
}

/** Does something in a directory without moving its times (66). */
function keepTimes(fs: FileSystem, directory: Ino, change: () => void): void {
  const { atimeNs, mtimeNs } = fs.getattr(directory);
  change();
  try {
    fs.setattr(directory, { atimeNs, mtimeNs });
  } catch (error) {
    // The change is done; a directory whose times moved is the smaller harm.
    if (!(error instanceof FsError)) throw error;
  }
}

/** Brings the content of a file that was copied without; the mark goes once the content is durable (88, 206). */
function* bringContent(
  task: Task,
  upper: WritableLayer,
  state: UnionState,
  node: Node,
  { size, finish }: Need & { readonly kind: 'content' },
): Operation<void> {
  const { fs, work } = upper;
  const { content } = node;
  if (!content) throw contentMissing();
  yield copyStep;
  const before = fs.getattr(node.upper);
  const capability = 'security.capability' as ByteString;
  const kept = attributeNames(fs, node.upper).includes(capability)
    ? fs.getxattr(node.upper, capability)
    : undefined;
  const from = { fs: content.layer.fs, ino: content.ino };
  yield* copyContent(task, from, { fs, ino: node.upper }, Math.min(size, before.size));
  yield upperStep;
  if (kept) fs.setxattr(node.upper, capability, kept);
  fs.setattr(node.upper, { mode: before.mode, atimeNs: before.atimeNs, mtimeNs: before.mtimeNs });
  finish?.(fs, node.upper);
  work.flush(node.upper);
  fs.removexattr(node.upper, `${state.policy.prefix}metacopy` as ByteString);
  node.metacopy = false;
  node.content = undefined;
}

/** Marks a directory as holding objects that came from elsewhere, so that its listing asks for their numbers. */
export function markImpure(state: UnionState, upper: WritableLayer, directory: Node): void {
  if (directory.impure || directory.lowers.length > 0 || upper.work.lacks.has('attributes')) return;
  upper.fs.setxattr(directory.upper, `${state.policy.prefix}impure` as ByteString, markSet);
  directory.impure = true;
}
