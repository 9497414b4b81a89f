/**
 * Workloads on a mounted JFFS2 for the power-cut explorer, and what may be found after each cut.
 *
 * A step is all or nothing. The exceptions are those of jffs2-format.md 16: a write of several pages or past the end may be there
 * in part, at the borders of its nodes, and a rename may leave both names.
 */
import { fixedClock, seededRandom } from '../../tools/core/index.js';
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import type { CutState, ExploreOptions } from '../../tools/flash/index.js';
import { mountJffs2, scanCacheFor } from '../../tools/jffs2/index.js';
import type { Endian, Jffs2FileSystem, MountOptions } from '../../tools/jffs2/index.js';
import { MemoryFileSystem } from '../../tools/vfs/index.js';
import { applyOperation, dataPool } from './file-operations.js';
import { manifestOf } from './manifest.js';
import { randomOperations } from './random-operations.js';
import type { FileOperation } from './file-operations.js';

/** What a workload depends on; plain data, so that a worker can be sent it. */
export interface PowerCutInput {
  readonly workload: string;
  readonly endian: Endian;
  readonly eraseSize: number;
  readonly blocks: number;
  /** Nodes made obsolete in place, as kernels without summaries do. */
  readonly inPlace?: boolean;
  readonly depth?: 1 | 2;
  readonly stride?: number;
  readonly replayId?: string;
}

interface Workload {
  readonly setup: readonly FileOperation[];
  readonly steps: readonly FileOperation[];
  /** Passes of the collector after each step, awake or not. */
  readonly passes?: number;
}

const create = (path: string): FileOperation => ({ kind: 'create', path, mode: 0o644 });
const write = (path: string, offset: number, length: number): FileOperation => ({
  ...{ kind: 'write', path, offset, from: (offset * 7) % 20_000, length },
});
const someFiles: readonly FileOperation[] = [
  { kind: 'mkdir', path: '/d', mode: 0o755 },
  create('/a'),
  write('/a', 0, 5000),
  create('/d/b'),
  write('/d/b', 0, 300),
  { kind: 'symlink', path: '/s', target: 'd/b' },
  { kind: 'setxattr', path: '/a', name: 'user.old', value: 'before' },
];

/** Work that keeps writing over the same names, so that blocks fill with dirt. */
function churn(seed: number, count: number): readonly FileOperation[] {
  return randomOperations(seededRandom(seed), {
    count,
    names: 4,
    writeMax: 3000,
    sizeMax: 6000,
    xattrs: false,
  });
}

/** All workloads by name. */
export const powerCutWorkloads: Readonly<Record<string, Workload>> = {
  create: { setup: someFiles, steps: [create('/n'), create('/d/n'), create('/a')] },
  append: {
    setup: someFiles,
    steps: [
      { kind: 'append', path: '/a', from: 5, length: 100 },
      { kind: 'append', path: '/a', from: 9, length: 9000 },
    ],
  },
  overwrite: { setup: someFiles, steps: [write('/a', 100, 50), write('/a', 0, 5000), write('/a', 4090, 20)] },
  'write past the end': { setup: someFiles, steps: [write('/a', 12_000, 700), write('/d/b', 301, 10)] },
  truncate: {
    setup: someFiles,
    steps: [
      { kind: 'truncate', path: '/a', size: 4100 },
      { kind: 'truncate', path: '/a', size: 9000 },
      { kind: 'truncate', path: '/a', size: 0 },
    ],
  },
  'rename over': {
    setup: someFiles,
    steps: [
      { kind: 'rename', from: '/a', path: '/d/b' },
      { kind: 'rename', from: '/d', path: '/e' },
      { kind: 'rename', from: '/e/b', path: '/s' },
    ],
  },
  unlink: {
    setup: [...someFiles, { kind: 'link', from: '/a', path: '/d/a' }],
    steps: [
      { kind: 'unlink', path: '/a' },
      { kind: 'unlink', path: '/d/a' },
      { kind: 'unlink', path: '/s' },
    ],
  },
  mkdir: {
    setup: someFiles,
    steps: [
      { kind: 'mkdir', path: '/d/e', mode: 0o700 },
      { kind: 'mkdir', path: '/d/e/f', mode: 0o755 },
    ],
  },
  rmdir: {
    setup: [...someFiles, { kind: 'mkdir', path: '/d/e', mode: 0o755 }],
    steps: [
      { kind: 'rmdir', path: '/d/e' },
      { kind: 'unlink', path: '/d/b' },
      { kind: 'rmdir', path: '/d' },
    ],
  },
  link: {
    setup: someFiles,
    steps: [
      { kind: 'link', from: '/a', path: '/l' },
      { kind: 'link', from: '/a', path: '/d/l' },
    ],
  },
  symlink: {
    setup: someFiles,
    steps: [
      { kind: 'symlink', path: '/t', target: 'x/y/z' },
      { kind: 'chown', path: '/s', uid: 7, gid: 8 },
    ],
  },
  xattr: {
    setup: someFiles,
    steps: [
      { kind: 'setxattr', path: '/a', name: 'user.new', value: 'one' },
      { kind: 'setxattr', path: '/a', name: 'user.old', value: 'after' },
      { kind: 'setxattr', path: '/d', name: 'user.new', value: 'one' },
      { kind: 'removexattr', path: '/a', name: 'user.new' },
    ],
  },
  attributes: {
    setup: someFiles,
    steps: [
      { kind: 'chmod', path: '/a', mode: 0o600 },
      { kind: 'chown', path: '/d', uid: 3, gid: 4 },
      { kind: 'mknod', path: '/c', type: 'char', major: 5, minor: 300 },
    ],
  },
  collection: { setup: churn(1, 60), steps: churn(2, 40), passes: 4 },
  fill: {
    setup: [create('/a'), create('/b'), create('/c'), create('/d')],
    steps: Array.from({ length: 40 }, (_, i) => write(`/${'abcd'.charAt(i % 4)}`, (i % 5) * 1500, 2900)),
    passes: 2,
  },
};

const mayBePartial = new Set<FileOperation['kind']>(['write', 'append', 'rename']);

/** Makes the exploration of a workload. */
export function jffs2PowerCuts(input: unknown): ExploreOptions {
  return new PowerCuts(input as PowerCutInput).options();
}

class PowerCuts {
  readonly #input: PowerCutInput;
  readonly #work: Workload;
  readonly #pool = dataPool(1);
  readonly #mountOptions: MountOptions;
  /** For each number of finished steps: the listings that may be found then. */
  readonly #allowed: Set<string>[] = [];

  constructor(input: PowerCutInput) {
    const work = powerCutWorkloads[input.workload];
    if (!work) throw new Error(`no workload ${input.workload}`);
    this.#input = input;
    this.#work = work;
    const rules = { endian: input.endian, summary: !(input.inPlace ?? false) };
    this.#mountOptions = {
      ...rules,
      clock: fixedClock(1_700_000_000),
      collector: 'manual',
      scanCache: scanCacheFor(rules),
    };
  }

  options(): ExploreOptions {
    const chip = this.#prepare();
    this.#learnStates(chip);
    const { depth = 1, stride = 1, replayId } = this.#input;
    return {
      chip,
      workload: (device, mark) => this.#run(device, mark),
      check: (state) => this.#check(state),
      recover: (device) => {
        const fs = this.#mount(device);
        for (let pass = 0; pass < 5; pass += 1) fs.collectNow();
      },
      depth,
      range: { stride },
      ...(replayId === undefined ? {} : { replayId }),
    };
  }

  #mount(chip: NorChip): Jffs2FileSystem {
    return mountJffs2(chip, this.#mountOptions);
  }

  #prepare(): NorChip {
    const { eraseSize, blocks } = this.#input;
    const chip = new NorChip({ geometry: norGeometry(eraseSize * blocks, eraseSize) });
    const fs = this.#mount(chip);
    fs.collect();
    for (const operation of this.#work.setup) applyOperation(fs, operation, this.#pool);
    return chip;
  }

  #run(chip: NorChip, mark: (step: string) => void, after?: (live: string, step: number) => void): void {
    const fs = this.#mount(chip);
    for (const [step, operation] of this.#work.steps.entries()) {
      applyOperation(fs, operation, this.#pool);
      for (let pass = 0; pass < (this.#work.passes ?? 0) && fs.space().dirty > 0; pass += 1) fs.collectNow();
      // What is in memory decides how the collector moves a node: every run has to look at the same things.
      const live = listing(fs);
      after?.(live, step);
      mark(operation.kind);
    }
  }

  /** Runs once without cuts and looks after every operation; the live mount and the model say the same. */
  #learnStates(start: NorChip): void {
    const chip = start.fork();
    let allowed = new Set<string>([this.#listing(start.fork())]);
    const model = new MemoryFileSystem({ clock: this.#mountOptions.clock });
    for (const operation of this.#work.setup) applyOperation(model, operation, this.#pool);
    chip.observer = () => {
      allowed.add(this.#listing(chip.fork()));
    };
    const mark = (): void => undefined;
    this.#run(chip, mark, (live, step) => {
      const operation = this.#work.steps[step];
      if (!operation) return;
      applyOperation(model, operation, this.#pool);
      const now = this.#listing(chip.fork());
      allowed.add(now);
      if (now !== live || now !== listing(model))
        throw new Error(`step ${step}: remount, live and model differ`);
      if (allowed.size > 2 && !mayBePartial.has(operation.kind))
        throw new Error(`step ${step}: ${operation.kind} is visible in part`);
      this.#allowed.push(allowed);
      allowed = new Set([now]);
    });
    this.#allowed.push(allowed);
  }

  #listing(chip: NorChip): string {
    return listing(this.#mount(chip));
  }

  #check({ chip, stepsDone, operation }: CutState): string {
    const fs = this.#mount(chip);
    const found = listing(fs);
    const allowed = this.#allowed[stepsDone];
    if (!allowed?.has(found))
      throw new Error(
        `after ${stepsDone} steps: unexpected tree:\n${found}\nallowed:\n${[...(allowed ?? [])].join('\n--\n')}`,
      );
    const { free, used, dirty, wasted, unchecked, erasing, bad } = fs.space();
    if (free + used + dirty + wasted + unchecked + erasing + bad !== chip.geometry.size)
      throw new Error('space is lost');
    if (operation % 5 === 0) this.#checkUsable(chip, fs, found);
    const states = [...allowed];
    return found === states[0] ? 'as before' : found === states.at(-1) ? 'done' : 'in part';
  }

  /** What was recovered goes on: a new file, all of the collector's work, and everything is there at the next mount. */
  #checkUsable(chip: NorChip, fs: Jffs2FileSystem, found: string): void {
    const probe: FileOperation[] = [create('/probe'), write('/probe', 0, 500)];
    for (const operation of probe) {
      const answer = applyOperation(fs, operation, this.#pool);
      if (answer === 'ENOSPC') return;
      if (answer !== 'ok') throw new Error(`probe: ${answer}`);
    }
    fs.collect(40);
    const again = this.#listing(chip);
    const without = again.split('\n').filter((line) => !line.startsWith('/probe '));
    if (without.length === again.split('\n').length) throw new Error('probe is gone');
    if (without.join('\n') !== found) throw new Error(`after more work: unexpected tree:\n${again}`);
  }
}

function listing(fs: Parameters<typeof manifestOf>[0]): string {
  return manifestOf(fs, { times: false }).join('\n');
}
