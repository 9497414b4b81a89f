/**
 * Meetings of operations and the collector on a mounted JFFS2, for the explorer of interleavings.
 *
 * What may be is what the file system in memory shows after the same operations, one after the other; the collector changes
 * nothing there. Afterwards the books must agree, another mount must show the same, and the collector, let run on, must give back
 * what is dirty and change nothing.
 */
import { createHash } from 'node:crypto';
import { fixedClock } from '../../tools/core/index.js';
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import { mountJffs2, scanCacheFor } from '../../tools/jffs2/index.js';
import type { Endian, Jffs2FileSystem, Jffs2Operations, MountOptions } from '../../tools/jffs2/index.js';
import { FsError, MemoryFileSystem } from '../../tools/vfs/index.js';
import type { FileSystem, Job, Startable } from '../../tools/vfs/index.js';
import { applyOperation, dataPool } from './file-operations.js';
import { manifestOf } from './manifest.js';
import type { FileOperation } from './file-operations.js';
import { b, find, newDirectoryAttributes, newFile, plain } from './files.js';
import { ordersOf } from './interleavings.js';
import type { Encounter, End, Meeting } from './interleavings.js';

/** What a scene depends on. */
interface SceneKind {
  readonly endian: Endian;
  /** Nodes made obsolete in place, as kernels without summaries do. */
  readonly inPlace?: boolean;
  /** So full that a write needs the collector first. */
  readonly full?: boolean;
}

/** All scenes by name. */
export const sceneKinds = {
  'little-endian': { endian: 'little' },
  'big-endian': { endian: 'big' },
  'obsoleting in place': { endian: 'little', inPlace: true },
  'little-endian, full': { endian: 'little', full: true },
  'big-endian, full': { endian: 'big', full: true },
} as const satisfies Readonly<Record<string, SceneKind>>;

export type SceneName = keyof typeof sceneKinds;

/** Where the collector stands when an operation meets it. */
export interface Moment {
  readonly name: string;
  /** Passes made before; none: the mount is fresh and nothing is checked. */
  readonly passes: number | undefined;
  /** Whether all inodes are in memory. */
  readonly inMemory: boolean;
}

/** A call of a method that both the file system in memory and the operations of a mount have. */
export interface Call {
  readonly name: string;
  prepare(fs: FileSystem): readonly [method: keyof Jffs2Operations & keyof FileSystem, ...args: unknown[]];
}

const eraseSize = 4096;
const blocks = 16;
const CLEANMARKER_SIZE = 12;
const pool = dataPool(3);

const setup: readonly FileOperation[] = [
  { kind: 'mkdir', path: '/d', mode: 0o755 },
  { kind: 'mkdir', path: '/d/empty', mode: 0o755 },
  { kind: 'mkdir', path: '/e', mode: 0o755 },
  { kind: 'create', path: '/d/old', mode: 0o644 },
  { kind: 'create', path: '/d/f', mode: 0o644 },
  { kind: 'write', path: '/d/f', offset: 0, from: 0, length: 3000 },
  { kind: 'setxattr', path: '/d/f', name: 'user.x', value: 'of f' },
  { kind: 'create', path: '/d/g', mode: 0o600 },
  { kind: 'write', path: '/d/g', offset: 0, from: 900, length: 1500 },
  { kind: 'link', from: '/d/f', path: '/e/h' },
  { kind: 'symlink', path: '/d/s', target: 'f' },
  { kind: 'unlink', path: '/d/old' },
  { kind: 'write', path: '/d/f', offset: 700, from: 50, length: 400 },
  { kind: 'write', path: '/d/g', offset: 0, from: 1900, length: 1500 },
  { kind: 'setxattr', path: '/d/f', name: 'user.z', value: 'also of f' },
  { kind: 'write', path: '/d/g', offset: 5000, from: 0, length: 300 },
  { kind: 'chmod', path: '/d/g', mode: 0o640 },
];

/** Work that leaves dirt and nothing else. */
const dirtying: readonly FileOperation[] = [
  { kind: 'create', path: '/dirt', mode: 0o644 },
  ...[1, 2, 3, 4].map((from): FileOperation => ({
    kind: 'write',
    path: '/dirt',
    offset: 0,
    from,
    length: 2500,
  })),
  { kind: 'unlink', path: '/dirt' },
];

/** A place where operations meet; it never changes. */
export class Jffs2Scene {
  readonly #name: SceneName;
  readonly #options: MountOptions;
  readonly #full: boolean;
  readonly #chip: NorChip;
  readonly #model: MemoryFileSystem;
  /** What was seen afterwards, by the content of the flash: the books agree with it. */
  readonly #seen = new Map<string, End>();

  constructor(name: SceneName) {
    const { endian, inPlace = false, full = false }: SceneKind = sceneKinds[name];
    this.#name = name;
    this.#full = full;
    const rules = { endian, summary: !inPlace };
    const clock = fixedClock(1_700_000_000);
    this.#options = { ...rules, clock, collector: 'manual', scanCache: scanCacheFor(rules) };
    this.#chip = new NorChip({ geometry: norGeometry(eraseSize * blocks, eraseSize) });
    this.#model = new MemoryFileSystem({ clock });
    const fs = this.mount(this.#chip);
    fs.collect();
    for (const operation of [...setup, ...dirtying]) this.#doBoth(fs, operation);
    if (full) this.#fill(fs);
  }

  #doBoth(fs: Jffs2FileSystem, operation: FileOperation): string {
    applyOperation(this.#model, operation, pool);
    return applyOperation(fs, operation, pool);
  }

  /** Takes all that writes may take, and gives back files here and there, so that the next write has to collect. */
  #fill(fs: Jffs2FileSystem): void {
    let count = 0;
    for (let answer = 'ok'; answer === 'ok'; count += 1) {
      const path = `/full-${count}`;
      answer = this.#doBoth(fs, { kind: 'create', path, mode: 0o644 });
      if (answer === 'ok')
        answer = this.#doBoth(fs, { kind: 'write', path, offset: 0, from: count, length: 2500 });
    }
    for (const path of [count - 1, 0, 2, 4].map((number) => `/full-${number}`))
      this.#doBoth(fs, { kind: 'unlink', path });
  }

  mount(chip: NorChip): Jffs2FileSystem {
    return mountJffs2(chip, this.#options);
  }

  /** Mounts the scene and lets the collector come to a moment. */
  mountAt({ passes, inMemory }: Moment): { readonly chip: NorChip; readonly fs: Jffs2FileSystem } {
    const chip = this.#chip.fork();
    const fs = this.mount(chip);
    if (passes !== undefined)
      while (fs.space().unchecked > 0 || fs.space().erasingBlocks > 0) fs.collectNow();
    if (inMemory) listing(fs);
    for (let pass = 0; pass < (passes ?? 0); pass += 1) fs.collectNow();
    return { chip, fs };
  }

  /** Finds a moment before each kind of thing that the collector does: its first programs and erases of that kind. */
  moments(): Moment[] {
    const moments: Moment[] = [{ name: 'fresh mount', passes: undefined, inMemory: false }];
    for (const inMemory of [false, true]) {
      const { chip, fs } = this.mountAt({ name: '', passes: 0, inMemory });
      const kinds = new Set<string>();
      for (let passes = 0; passes < 40; passes += 1) {
        const kind = kindOfPass(chip, fs);
        if (kind === undefined) break;
        const where = inMemory ? 'in memory' : 'not in memory';
        // Twice: before it happens, and so that the meeting ends with it.
        if (kind === 'erase' && passes > 2)
          moments.push({ name: `erase ${passes} soon, ${where}`, passes: passes - 2, inMemory });
        if (kinds.has(kind)) continue;
        kinds.add(kind);
        moments.push({ name: `${kind}, ${where}`, passes, inMemory });
      }
    }
    return moments;
  }

  /** Makes the meeting of calls, and of the collector, which makes some passes of its own. */
  meeting(moment: Moment, calls: readonly Call[], passes: number): Meeting {
    return {
      names: [
        this.#name,
        moment.name,
        ...calls.map(({ name }) => name),
        ...(passes > 0 ? [`${passes} passes`] : []),
      ],
      allowed: this.#allowed(calls),
      begin: () => this.#begin(moment, calls, passes),
    };
  }

  /** Finds a meeting by the names that its replay id holds. */
  meetingNamed(momentName: string, names: readonly string[]): Meeting {
    const moment = this.moments().find(({ name }) => name === momentName);
    if (!moment) throw new Error(`no moment '${momentName}'`);
    const passes = /^(\d+) passes$/.exec(names.at(-1) ?? '')?.[1];
    const operations = passes === undefined ? names : names.slice(0, -1);
    return this.meeting(moment, operations.map(callNamed), Number(passes ?? 0));
  }

  #allowed(calls: readonly Call[]): Set<string> {
    const allowed = new Set<string>();
    for (const order of ordersOf(calls.length)) {
      const model = this.#model.clone();
      const prepared = calls.map((call) => call.prepare(model));
      const answers = new Array<string>(calls.length);
      for (const number of order) {
        const [method, ...args] = prepared[number] ?? ['parent'];
        try {
          answers[number] = answerText(invoke(model, method, args));
        } catch (error) {
          if (!(error instanceof FsError)) throw error;
          answers[number] = error.code;
        }
      }
      allowed.add(`${answers.join(' ; ')}\n${listing(model)}`);
    }
    return allowed;
  }

  #begin(moment: Moment, calls: readonly Call[], passes: number): Encounter {
    const { chip, fs } = this.mountAt(moment);
    const operations = calls.map((call) => {
      const [method, ...args] = call.prepare(fs);
      return invoke(fs.operations, method, args) as Startable<unknown>;
    });
    const collector: Startable<void> = function* (task) {
      try {
        for (let pass = 0; pass < passes; pass += 1) yield* fs.operations.collectNow()(task);
      } catch (error) {
        // Nothing is left to collect.
        if (!(error instanceof FsError && error.code === 'EIO')) throw error;
      }
    };
    return {
      operations: passes > 0 ? [...operations, collector] : operations,
      end: (jobs) => {
        const failed = jobs[calls.length]?.outcome;
        if (failed?.kind === 'failed')
          return { kind: 'fault', what: `the collector: ${String(failed.error)}` };
        return this.#end(chip, fs, jobs.slice(0, calls.length));
      },
    };
  }

  #end(chip: NorChip, fs: Jffs2FileSystem, jobs: readonly Job[]): End {
    const wrong = fs.notices.length > 0 ? fs.notices : fs.audit();
    if (wrong.length > 0) return { kind: 'fault', what: wrong.join('\n') };
    const shown = listing(fs);
    const text = `${jobs.map(answerOf).join(' ; ')}\n${shown}`;
    const key = createHash('sha1').update(text);
    for (let block = 0; block < blocks; block += 1) key.update(chip.block(block));
    const id = key.digest('base64');
    let end = this.#seen.get(id);
    if (!end) {
      const what = this.#afterwards(chip, fs, shown);
      end = what === undefined ? { kind: 'end', text } : { kind: 'fault', what };
      this.#seen.set(id, end);
    }
    return end;
  }

  /** Looks at another mount, and at what the collector makes of it all. */
  #afterwards(chip: NorChip, fs: Jffs2FileSystem, shown: string): string | undefined {
    const again = listing(this.mount(chip.fork()));
    if (again !== shown) return `another mount shows\n${again}\ninstead of\n${shown}`;
    const dirty = fs.space().dirty;
    for (let pass = 0; pass < 80 && fs.space().dirty > 0; pass += 1) fs.collectNow();
    const wrong = [...fs.notices, ...fs.audit()];
    if (wrong.length > 0) return `after collection: ${wrong.join('\n')}`;
    if (!this.#full && fs.space().dirty > dirty) return `${dirty} bytes of dirt became ${fs.space().dirty}`;
    for (const [who, mounted] of [
      ['', fs],
      ['another mount ', this.mount(chip.fork())],
    ] as const)
      if (listing(mounted) !== shown)
        return `after collection ${who}shows\n${listing(mounted)}\ninstead of\n${shown}`;
    const fresh = this.mount(chip.fork());
    while (fresh.space().unchecked > 0) fresh.collectNow();
    const { used } = fresh.space();
    // Another mount counts the cleanmarkers of blocks that are in use, and what the collector has dropped of one.
    const more = used - fs.space().used;
    if (more < 0 || more > blocks * CLEANMARKER_SIZE + eraseSize / 4)
      return `${fs.space().used} bytes in use, ${used} for another mount`;
    return undefined;
  }
}

function invoke(target: object, method: string, args: readonly unknown[]): unknown {
  const call: unknown = Reflect.get(target, method);
  if (typeof call !== 'function') throw new Error(`no method ${method}`);
  return Reflect.apply(call, target, args);
}

function answerOf({ outcome }: Job): string {
  if (outcome?.kind === 'failed') return outcome.error instanceof FsError ? outcome.error.code : 'error';
  return answerText(outcome?.value);
}

function listing(fs: FileSystem): string {
  return manifestOf(fs, { times: false }).join('\n');
}

/** Numbers of inodes differ between file systems; everything else that is answered is compared. */
function answerText(value: unknown): string {
  if (value instanceof Uint8Array)
    return `${value.length} bytes ${Buffer.from(value).toString('base64').slice(0, 4000)}`;
  if (Array.isArray(value))
    return value
      .map((entry: unknown) => (isRecord(entry) && 'name' in entry ? String(entry['name']) : String(entry)))
      .sort()
      .join(',');
  if (isRecord(value) && 'mode' in value) {
    const { type, mode, size, nlink } = value;
    return type === 'directory' ? `mode ${String(mode)}` : [mode, size, nlink].map(String).join(' ');
  }
  return value === undefined ? 'nothing' : 'done';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Makes one pass and tells what it did; undefined when nothing is left to do. */
function kindOfPass(chip: NorChip, fs: Jffs2FileSystem): string | undefined {
  const kinds: string[] = [];
  chip.observer = (operation) => {
    if (operation.kind === 'erase') kinds.push('erase');
    else if (operation.data.length > 12)
      kinds.push(
        `node ${Buffer.from(operation.data.subarray(2, 4)).toString('hex')}${operation.data.length > 600 ? ' long' : ''}`,
      );
  };
  try {
    fs.collectNow();
  } catch (error) {
    if (error instanceof FsError) return undefined;
    throw error;
  } finally {
    chip.observer = undefined;
  }
  return kinds.includes('erase') ? 'erase' : (kinds.at(-1) ?? 'nothing written');
}

function call(name: string, prepare: Call['prepare']): Call {
  return { name, prepare };
}

const at = (name: string, method: 'unlink' | 'rmdir' | 'lookup', directory: string, entry: string): Call =>
  call(name, (fs) => [method, find(fs, directory), b(entry)]);
const on = (
  name: string,
  path: string,
  method: keyof Jffs2Operations & keyof FileSystem,
  ...args: unknown[]
): Call => call(name, (fs) => [method, find(fs, path), ...args]);
const rename = (from: string, name: string, to: string, as: string, flags = {}): Call =>
  call(`rename ${from}/${name} ${to}/${as}${'exchange' in flags ? ' exchange' : ''}`, (fs) => [
    'rename',
    find(fs, from),
    b(name),
    find(fs, to),
    b(as),
    flags,
  ]);

/** All operations of a scene. */
export const calls: readonly Call[] = [
  on('write d/f', 'd/f', 'write', 600, pool.subarray(40, 340)),
  on('append d/f', 'd/f', 'write', 3000, pool.subarray(7, 2500)),
  on('write behind d/g', 'd/g', 'write', 9000, pool.subarray(0, 200)),
  on('truncate d/f', 'd/f', 'setattr', { size: 100 }),
  on('empty d/g', 'd/g', 'setattr', { size: 0 }),
  on('grow d/g', 'd/g', 'setattr', { size: 7000 }),
  on('chmod d/f', 'd/f', 'setattr', { mode: 0o400 }),
  on('chmod d/g', 'd/g', 'setattr', { mode: 0o400 }),
  on('chmod d', 'd', 'setattr', { mode: 0o700 }),
  on('create d/n', 'd', 'mknod', b('n'), newFile),
  on('mkdir d/n', 'd', 'mkdir', b('n'), newDirectoryAttributes),
  on('symlink d/t', 'd', 'symlink', b('t'), b('g'), { ...plain, mode: 0o777 }),
  at('unlink d/f', 'unlink', 'd', 'f'),
  at('unlink e/h', 'unlink', 'e', 'h'),
  at('unlink d/g', 'unlink', 'd', 'g'),
  at('rmdir d/empty', 'rmdir', 'd', 'empty'),
  call('create d/empty/n', (fs) => ['mknod', find(fs, 'd/empty'), b('n'), newFile]),
  call('link d/g e/l', (fs) => ['link', find(fs, 'd/g'), find(fs, 'e'), b('l')]),
  rename('d', 'g', 'e', 'g'),
  rename('d', 'g', 'd', 'f'),
  rename('d', 'empty', 'e', 'sub'),
  rename('d', 'f', 'e', 'h', {}),
  rename('d', 'f', 'd', 'g', { exchange: true }),
  on('setxattr d/f', 'd/f', 'setxattr', b('user.x'), Buffer.from('new')),
  on('setxattr d/g', 'd/g', 'setxattr', b('user.y'), Buffer.from('also of f')),
  on('removexattr d/f', 'd/f', 'removexattr', b('user.z')),
  on('getxattr d/f', 'd/f', 'getxattr', b('user.x')),
  on('read d/f', 'd/f', 'read', 0, 6000),
  on('read d/g', 'd/g', 'read', 0, 12_000),
  on('readdir d', 'd', 'readdir'),
  at('lookup d/f', 'lookup', 'd', 'f'),
  on('getattr d/f', 'd/f', 'getattr'),
];

/** Finds an operation by its name. */
export function callNamed(name: string): Call {
  const found = calls.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no operation '${name}'`);
  return found;
}
