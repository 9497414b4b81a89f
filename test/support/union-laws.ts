/**
 * Laws of every union, as properties of random unions and random work. `npm test` tries some cases of each;
 * test/sweep/union-laws.ts as many as wanted.
 */
import fc from 'fast-check';
import { b, find } from './files.js';
import { applyOperation } from './file-operations.js';
import type { FileOperation } from './file-operations.js';
import { FsError, memoryFromTree, removeTree, statPath, treeFromFileSystem } from '../../tools/vfs/index.js';
import type { FileSystem, FileSystemCall, Ino, MemoryFileSystem } from '../../tools/vfs/index.js';
import type { Union } from '../../tools/union/index.js';
import { deepCopy, dressUpper, lowerWork, naiveMerge, pool, shapes, stackOf, work } from './union-cases.js';
import type { Shape, Stack } from './union-cases.js';
import { memory, unionOf, upperOn } from './unions.js';
import { differenceOf, shownBy } from './views.js';

/** A law: what holds, and how to try one case of it. */
export interface Law {
  readonly title: string;
  readonly property: fc.IProperty<[LawCase]>;
}

/** One case: a kind of union, the lowers, what is done before the look and after. */
export interface LawCase {
  readonly shape: Shape;
  readonly lowers: FileOperation[][];
  readonly work: FileOperation[];
  /** Where the union is mounted anew, as positions in the work. */
  readonly mounts: number[];
}

interface Choice {
  /** Hard links in the lowers, where the shape keeps them together. */
  readonly links?: boolean;
  readonly only?: (shape: Shape) => boolean;
}

function lawCase({ links = true, only = () => true }: Choice = {}): fc.Arbitrary<LawCase> {
  return fc.constantFrom(...shapes.filter(only)).chain((shape) =>
    fc.record({
      shape: fc.constant(shape).map((value) => ({ ...value, toString: () => value.name })),
      lowers: lowerWork(links && shape.keepsLinks),
      work,
      mounts: fc.array(fc.nat(29), { maxLength: 2 }),
    }),
  );
}

function law(title: string, choice: Choice, check: (given: LawCase, stack: Stack) => void): Law {
  const property = fc.property(lawCase(choice), (given) => {
    check(given, stackOf(given.shape, given.lowers));
  });
  return { title, property };
}

function same(wanted: FileSystem, got: FileSystem, names: [string, string]): void {
  const difference = differenceOf(shownBy(wanted), shownBy(got), names);
  if (difference !== undefined) throw new Error(difference);
}

/** Runs the work with its new mounts; `after` looks at each answer. */
function run(
  given: LawCase,
  stack: Stack,
  after: (union: Union, operation: FileOperation, answer: string) => void,
): Union {
  let union = stack.mount();
  for (const [step, operation] of given.work.entries()) {
    if (given.mounts.includes(step)) {
      union.unmount();
      union = stack.mount();
    }
    after(union, operation, applyOperation(union, operation, pool));
  }
  return union;
}

const nothing = (): void => undefined;

/** Answers that a union may give where a plain file system has none to give: a directory of the lowers cannot move. */
function mayRefuse(shape: Shape, operation: FileOperation, answer: string): boolean {
  return operation.kind === 'rename' && answer === 'EXDEV' && shape.policy.redirectDir !== 'on';
}

const equalsTheModel = law(
  'a union equals the deep-copied model after every command and each new mount (union 18, 20, 22, 48, 85, 105, 110, 132)',
  {},
  (given, stack) => {
    const model = deepCopy(stack.lowers);
    const union = run(given, stack, (now, operation, answer) => {
      if (mayRefuse(given.shape, operation, answer)) return;
      const wanted = applyOperation(model, operation, pool);
      if (wanted !== answer)
        throw new Error(`model ${wanted}, union ${answer}: ${JSON.stringify(operation)}`);
      same(model, now, ['model', 'union']);
    });
    union.unmount();
    same(model, stack.mount(), ['model', 'mounted anew']);
  },
);

/** Records calls that change a file system. */
function changesOf(fs: MemoryFileSystem): FileSystemCall[] {
  const changes: FileSystemCall[] = [];
  fs.fault = ({ call, changes: isChange }) => {
    if (isChange) changes.push(call);
    return undefined;
  };
  return changes;
}

const lowersStay = law(
  'no call that changes anything ever reaches a lower (union 10, 176)',
  {},
  (given, stack) => {
    const before = stack.lowers.map(shownBy);
    const traces = stack.lowers.map((lower) => {
      lower.readOnly = false;
      return changesOf(lower);
    });
    run(given, stack, nothing).unmount();
    for (const [at, lower] of stack.lowers.entries()) {
      if ((traces[at]?.length ?? 0) > 0) throw new Error(`lower ${at + 1}: ${traces[at]?.join(' ')}`);
      const difference = differenceOf(before[at] ?? [], shownBy(lower), ['before', 'after']);
      if (difference !== undefined) throw new Error(difference);
    }
  },
);

const failingIsPure = law(
  'a call that fails or only reads leaves the upper untouched (union 29, 62, 63, 121)',
  {},
  (given, stack) => {
    const union = stack.mount();
    const trace = changesOf(stack.store);
    for (const operation of given.work) {
      const answer = applyOperation(union, operation, pool);
      if (answer !== 'ok' && trace.length > 0) {
        throw new Error(`${JSON.stringify(operation)} answers ${answer} after ${trace.join(' ')}`);
      }
      trace.length = 0;
      shownBy(union);
      union.which(b(operation.path));
      union.statfs();
      if (trace.length > 0) throw new Error(`reading does ${trace.join(' ')}`);
    }
  },
);

const pushedDown = law(
  'an upper pushed down as the topmost lower shows the same union (union 4, 20, 43, 109)',
  { links: false, only: ({ policy }) => policy.writes !== 'aufs' },
  (given, stack) => {
    const union = run(given, stack, nothing);
    const { upper } = upperOn(stack.store);
    const lowers = [upper, ...stack.lowers.map((fs) => ({ fs }))];
    const policy = { ...given.shape.policy, index: true };
    const pushed = unionOf({ lowers, store: dressUpper(memory(), union), policy });
    same(union, pushed, ['union', 'pushed down']);
  },
);

const flattened = law('a union equals its own flat copy as a lower (union 1, 192)', {}, (given, stack) => {
  const union = run(given, stack, nothing);
  const flat = memoryFromTree(treeFromFileSystem(union));
  const store = dressUpper(memory(), union);
  same(union, unionOf({ lowers: [flat], store }), ['union', 'flattened']);
});

const naive = law(
  'the raw upper laid over the lowers by the simplest merge equals the union (union 31, 33, 42, 44, 45)',
  { links: false, only: ({ name }) => name === 'openwrt' },
  (given, stack) => {
    const union = run(given, stack, nothing);
    const { upper } = upperOn(stack.store);
    const below = treeFromFileSystem(deepCopy(stack.lowers));
    const merged = naiveMerge(treeFromFileSystem(upper.fs, upper.root), below);
    same(memoryFromTree(merged), union, ['merge', 'union']);
  },
);

function inoAt(fs: FileSystem, path: string): Ino | undefined {
  try {
    return statPath(fs, b(path))?.ino;
  } catch (error) {
    if (error instanceof FsError && error.code === 'ELOOP') return undefined;
    throw error;
  }
}

/** What an open descriptor tells. */
function throughDescriptor(fs: FileSystem, ino: Ino): string {
  const { size, mode, nlink, type } = fs.getattr(ino);
  const content = type === 'file' ? Buffer.from(fs.read(ino, 0, size)).toString('hex') : '';
  return type === 'directory' ? `${type} ${mode}` : [type, size, mode, nlink, content].join(' ');
}

const descriptors = law(
  'open descriptors read, write and tell what they do on one file system, also of removed files (union 123, 145, 146, 149)',
  {},
  (given, stack) => {
    const model = deepCopy(stack.lowers);
    const union = stack.mount();
    const sides = [model, union] as const;
    const open: [Ino, Ino][] = [];
    for (const [step, operation] of given.work.entries()) {
      const [found, ours] = sides.map((fs) => inoAt(fs, operation.path));
      if (found !== undefined && ours !== undefined) {
        open.push([found, ours]);
        model.open(found, 'write');
        union.open(ours, 'write');
      }
      const answer = applyOperation(union, operation, pool);
      if (mayRefuse(given.shape, operation, answer)) continue;
      applyOperation(model, operation, pool);
      const written = open[step % Math.max(1, open.length)];
      for (const [side, fs] of sides.entries()) {
        const ino = written?.[side] ?? 0;
        if (written && fs.getattr(ino).type === 'file') fs.write(ino, step * 100, Buffer.from('written'));
      }
      for (const [wanted, got] of open) {
        const [first, second] = [throughDescriptor(model, wanted), throughDescriptor(union, got)];
        if (first !== second) throw new Error(`model ${first}, union ${second}`);
      }
    }
    for (const pair of open) for (const [side, fs] of sides.entries()) fs.release(pair[side] ?? 0);
    union.unmount();
    same(model, stack.mount(), ['model', 'mounted anew']);
  },
);

const spaceReturns = law(
  'when all is removed, nothing but whiteouts takes room on the upper (union 46, 77, 85, 86)',
  {},
  (given, stack) => {
    stack.mount().unmount();
    const empty = stack.store.statfs();
    const union = run(given, stack, nothing);
    for (const { name } of union.readdir(union.root)) removeTree(union, b(`/${name}`));
    union.unmount();
    const { blocksFree, filesFree } = stack.store.statfs();
    // A rename that leaves a whiteout makes one of its own; all others are names of one object.
    const shared = find(stack.store, 'work/work/#whiteout');
    const own = new Set(stack.store.readdir(find(stack.store, 'upper')).map(({ ino }) => ino));
    own.delete(shared);
    if (blocksFree !== empty.blocksFree || filesFree + own.size !== empty.filesFree) {
      throw new Error(`${empty.blocksFree - blocksFree} blocks, ${empty.filesFree - filesFree} files taken`);
    }
  },
);

/** All laws. */
export const unionLaws: readonly Law[] = [
  equalsTheModel,
  lowersStay,
  failingIsPure,
  pushedDown,
  flattened,
  naive,
  descriptors,
  spaceReturns,
];

/** Tries cases of a law; a failure is told with the smallest case found and the id that repeats it. */
export function tryLaw({ property }: Law, runs: number, seed: number, replay?: string): void {
  const [replaySeed, path] = replay?.split('/') ?? [];
  const given =
    path === undefined ? { numRuns: runs, seed } : { numRuns: runs, seed: Number(replaySeed), path };
  const result = fc.check(property, given);
  if (!result.failed) return;
  const [smallest] = result.counterexample ?? [];
  const { shape, ...rest } = smallest ?? { shape: undefined };
  const id = `${result.seed}/${result.counterexamplePath ?? ''}`;
  const error = result.errorInstance instanceof Error ? result.errorInstance : new Error('no error');
  throw new Error(
    `FW_REPLAY=${id}\n${shape?.name ?? ''} ${JSON.stringify(rest, null, 1)}\n${error.stack ?? error.message}`,
    {
      cause: error,
    },
  );
}
