/** Assembles the state of a union from its options: layers, abilities of the upper, the root object. */
import { Lock, runStraight, Task, Watches } from '../vfs/index.js';
import type { FileSystem, Ino } from '../vfs/index.js';
import { findForeignMark, foreignMarkError } from './foreign-marks.js';
import { takeOverMarks } from './forms/convert.js';
import { checkLayers, claimUpper, recordDepth, uuidOf } from './layers.js';
import type { Layer, LayerSpec } from './layers.js';
import { rootParts } from './lower.js';
import { markReading } from './mark-reading.js';
import { directoryMarks } from './marks.js';
import { NodeTable, noParts } from './node.js';
import { checkPolicy, policies } from './policy.js';
import type { UnionPolicy } from './policy.js';
import { lookup } from './lookup.js';
import type { Safeguard, UnionState, UnionWarning, WritableLayer } from './state.js';
import { cleanIndex } from './index-cleaning.js';
import { lockLevels } from './steps.js';
import { endVolatile, refuseVolatile, startVolatile } from './volatile.js';
import { WorkDirectory } from './work-directory.js';
import { WriteBackErrors } from './write-back.js';

/** What a union is mounted from. */
export interface UnionOptions {
  /** Read-only layers, top first; at least one. */
  readonly lowers: readonly LayerSpec[];
  /** The writable layer; without it the union is read-only. */
  readonly upper?: LayerSpec;
  /** Directory on the upper's file system in which changes are prepared; needed with an upper. */
  readonly work?: Ino;
  /** `policies.overlayfs` unless given. */
  readonly policy?: UnionPolicy;
  readonly readOnly?: boolean;
  /** File mode creation mask of whoever causes a copy, for copy mode traditional; 0o022 unless given. */
  readonly umask?: () => number;
  /** Hears warnings; silent unless given. */
  readonly warn?: (warning: UnionWarning) => void;
  /** Safeguards removed, so that a test sees the explorer notice; none in use. */
  readonly sabotage?: readonly Safeguard[];
}

/** A state with the events of its life. */
export interface MountedState {
  readonly state: UnionState;
  born(union: FileSystem): void;
  giveUpUpper(): void;
  takeUpper(): void;
  /** Makes everything durable and gives the upper back. */
  ending(): void;
}

/** Builds the state of a union. */
export function mountState(options: UnionOptions): MountedState {
  const { lowers: specs, upper: upperSpec, work } = options;
  const wanted = options.policy ?? policies.overlayfs;
  const warn = options.warn ?? ((): void => undefined);
  checkPolicy(wanted, upperSpec !== undefined);
  checkLayers({ lowers: specs, upper: upperSpec, work });
  const reading = markReading([wanted.writes, ...wanted.reads], wanted.prefix);
  const lowers = specs.map((spec, index): Layer => {
    const uuid = uuidOf(spec, index + 1, specs.length);
    return { ...layerOf(spec, index + 1), uuid, reading };
  });
  const upperReadOnly = upperSpec?.fs.readOnly ?? false;
  if (upperReadOnly) {
    warn({ code: 'FW_UNION_READ_ONLY', message: 'the upper is read-only, and so is the union' });
  }
  const nodes = new NodeTable();
  const writeBack = new WriteBackErrors(nodes, wanted.volatile);
  const upper =
    upperSpec &&
    openUpper({ ...layerOf(upperSpec, 0), reading }, work, {
      policy: wanted,
      writeBack,
      warn,
      readOnly: options.readOnly === true,
    });
  const policy = upper?.work ? withAbilities(wanted, upper.work, warn) : wanted;
  const readOnly = options.readOnly === true || upper?.work === undefined;
  const state = assemble({ policy, nodes, writeBack, upper: upper?.layer, lowers, readOnly, warn, options });
  if (upper?.work?.index !== undefined) cleanIndex(upper.work, lowers, state);
  let endClaim: (() => void) | undefined;
  const takeUpper = (): void => {
    if (endClaim || !upperSpec || work === undefined) return;
    checkLayers({ lowers: specs, upper: upperSpec, work });
    endClaim = claimUpper(upperSpec.fs, { upper: upperSpec.root ?? upperSpec.fs.root, work });
  };
  const giveUpUpper = (): void => {
    endClaim?.();
    endClaim = undefined;
  };
  if (!readOnly) takeUpper();
  return {
    state,
    born: (union) => recordDepth(union, [...specs, ...(upperSpec ? [upperSpec] : [])]),
    giveUpUpper,
    takeUpper,
    ending: () => {
      if (upper?.work) endUpper(upper.work, work, policy, writeBack);
      giveUpUpper();
    },
  };
}

function layerOf(spec: LayerSpec, number: number): Omit<Layer, 'reading'> {
  return {
    fs: spec.fs,
    root: spec.root ?? spec.fs.root,
    number,
    name: spec.name ?? spec.fs.kind,
    uuid: spec.uuid ?? new Uint8Array(16),
  };
}

interface OpenedUpper {
  readonly layer: WritableLayer | undefined;
  readonly work: WorkDirectory | undefined;
}

interface UpperOptions {
  readonly policy: UnionPolicy;
  readonly writeBack: WriteBackErrors;
  readonly warn: (warning: UnionWarning) => void;
  readonly readOnly: boolean;
}

function openUpper(layer: Layer, workRoot: Ino | undefined, options: UpperOptions): OpenedUpper {
  const { policy, writeBack } = options;
  const { fs } = layer;
  if (workRoot === undefined) return { layer: undefined, work: undefined };
  const inWork = (idle: boolean): WorkDirectory =>
    new WorkDirectory(fs, workRoot, layer.root, { policy, writeBack, idle });
  // What must not be written still shows what it holds; nothing is prepared on it (176, 201).
  if (fs.readOnly || hasForeignMark(layer, workRoot, options)) {
    return { layer: { ...layer, work: inWork(true) }, work: undefined };
  }
  refuseVolatile(fs, workRoot);
  if (policy.volatile) startVolatile(fs, workRoot);
  const work = inWork(false);
  for (const from of ['mini_fo', 'unionfs-fuse'] as const) {
    const to = work.form === 'overlay' && policy.prefix === 'user.overlay.' ? 'overlay-user' : work.form;
    if (policy.reads.includes(from)) takeOverMarks(fs, layer.root, { from, to });
  }
  const reading = markReading([work.form, ...policy.reads], policy.prefix);
  return { layer: { ...layer, reading, work }, work };
}

/** Refuses an upper with marks of another version, or for a read-only union tells of them (201). */
function hasForeignMark(layer: Layer, workRoot: Ino, { policy, warn, readOnly }: UpperOptions): boolean {
  const mark = findForeignMark(layer, workRoot, policy);
  if (!mark) return false;
  const error = foreignMarkError(layer, mark);
  if (!readOnly) throw error;
  warn({ code: 'FW_UNION_MARKS', message: `${error.message}; the union stays read-only` });
  return true;
}

/** Makes everything durable; without flushing, that removes the mark of it, unless something was lost (174). */
function endUpper(
  work: WorkDirectory,
  workRoot: Ino | undefined,
  policy: UnionPolicy,
  writeBack: WriteBackErrors,
): void {
  const { fs } = work;
  if (!fs.readOnly) work.removeLeftovers();
  if (!policy.volatile) {
    writeBack.flushAll(fs);
    return;
  }
  if (writeBack.lost) return;
  writeBack.flushAll(fs);
  if (workRoot !== undefined) endVolatile(fs, workRoot);
}

/** Switches off what the upper cannot carry, with one message each (11). */
function withAbilities(
  wanted: UnionPolicy,
  work: WorkDirectory,
  warn: (warning: UnionWarning) => void,
): UnionPolicy {
  if (!work.lacks.has('attributes')) return wanted;
  const off: [boolean, string][] = [
    [wanted.redirectDir === 'on', 'redirects'],
    [wanted.index, 'the hard-link index'],
    [wanted.metacopy, 'metadata-only copies'],
  ];
  for (const [on, what] of off) {
    if (on) warn({ code: 'FW_UNION_ABILITY', message: `the upper keeps no attributes: ${what} is off` });
  }
  return { ...wanted, redirectDir: 'off', index: false, metacopy: false };
}

interface Assembly {
  readonly policy: UnionPolicy;
  readonly nodes: NodeTable;
  readonly writeBack: WriteBackErrors;
  readonly upper: WritableLayer | undefined;
  readonly lowers: readonly Layer[];
  readonly readOnly: boolean;
  readonly warn: (warning: UnionWarning) => void;
  readonly options: UnionOptions;
}

function assemble({ nodes, upper, lowers, options, ...rest }: Assembly): UnionState {
  const marks = upper && directoryMarks({ layer: upper, ino: upper.root });
  const parts = marks?.opaque === true ? noParts : rootParts(lowers);
  const top = parts[0];
  const number = top ? nodes.numberOf(top.layer, top.ino) : upper && nodes.numberOf(upper, upper.root);
  const root = nodes.createDirectory(undefined, number, parts);
  if (upper && marks) {
    nodes.setUpper(root, upper.root);
    root.impure = marks.impure;
    root.marksFiles = marks.marksFiles;
  }
  const state: UnionState = {
    ...rest,
    upper,
    lowers,
    nodes,
    root,
    topology: new Lock(lockLevels.topology, { id: 0, above: undefined }),
    watches: new Watches(),
    umask: options.umask ?? ((): number => 0o022),
    sabotage: new Set(options.sabotage),
    foreign: false,
  };
  const task = new Task(false);
  nodes.lookUp = (directory, name) => runStraight(lookup(state, task, directory, name))?.node;
  return state;
}
