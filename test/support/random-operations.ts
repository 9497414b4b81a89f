/** Random work on a file system, most of which finds what it needs; see file-operations.ts for how it is done. */
import type { RandomSource } from '../../tools/core/index.js';
import { MemoryFileSystem } from '../../tools/vfs/index.js';
import type { FileSystem, FileType, Ino } from '../../tools/vfs/index.js';
import { applyOperation, POOL_SIZE } from './file-operations.js';
import type { FileOperation } from './file-operations.js';

/** What the random work looks like. */
export interface Mix {
  readonly count: number;
  /** Names in one directory; few names make collisions likely. */
  readonly names?: number;
  /** Largest write. */
  readonly writeMax?: number;
  /** Largest offset or size. */
  readonly sizeMax?: number;
  readonly xattrs?: boolean;
  /** Renames that exchange or must not replace, which a shell cannot ask for. */
  readonly renameFlags?: boolean;
}

/**
 * Makes random operations: most of them find what they need, some do not, which is part of the work.
 *
 * @param model  what is there before; changed as the operations would
 */
export function randomOperations(
  random: RandomSource,
  mix: Mix,
  model = new MemoryFileSystem(),
): FileOperation[] {
  const names = mix.names ?? 6;
  const writeMax = mix.writeMax ?? 9000;
  const sizeMax = mix.sizeMax ?? 30_000;
  const pool = new Uint8Array(POOL_SIZE);
  const pick = <T>(from: readonly T[], otherwise: T): T =>
    from[random.below(Math.max(1, from.length))] ?? otherwise;
  const name = (): string => 'abcdefghijklmnopqrstuvwxyz'.charAt(random.below(names));
  const anyPath = (): string => {
    const directory = pick(pathsOf(model, 'directory'), '/');
    return directory === '/' || directory.split('/').length > 3 ? `/${name()}` : `${directory}/${name()}`;
  };
  const existing = (type?: FileType): string =>
    random.below(12) === 0 ? anyPath() : pick(pathsOf(model, type), anyPath());
  const mode = (): number => pick([0o644, 0o600, 0o755, 0o4711, 0o000], 0o644);
  const range = (): { from: number; length: number } => {
    const length = random.below(3) === 0 ? random.below(writeMax) : random.below(Math.min(600, writeMax));
    return { from: random.below(POOL_SIZE - length), length };
  };
  const attributes = (): { readonly name: string } => ({ name: `user.${name()}` });
  const makers: readonly [weight: number, make: () => FileOperation][] = [
    [6, () => ({ kind: 'create', path: anyPath(), mode: mode() })],
    [9, () => ({ kind: 'write', path: existing('file'), offset: random.below(sizeMax), ...range() })],
    [7, () => ({ kind: 'append', path: existing('file'), ...range() })],
    [
      4,
      () => ({
        kind: 'truncate',
        path: existing('file'),
        size: random.below(4) === 0 ? 0 : random.below(sizeMax),
      }),
    ],
    [4, () => ({ kind: 'mkdir', path: anyPath(), mode: mode() })],
    [2, () => ({ kind: 'symlink', path: anyPath(), target: `../${name()}/to` })],
    [
      1,
      () => ({
        kind: 'mknod',
        path: anyPath(),
        type: pick(['char', 'block', 'fifo'] as const, 'char'),
        major: random.below(3) * 100,
        minor: random.below(3) * 200,
      }),
    ],
    [2, () => ({ kind: 'link', from: existing('file'), path: anyPath() })],
    [3, () => ({ kind: 'unlink', path: existing() })],
    [2, () => ({ kind: 'rmdir', path: existing('directory') })],
    [5, () => ({ kind: 'rename', from: existing(), path: random.below(2) === 0 ? existing() : anyPath() })],
    [
      mix.renameFlags === true ? 3 : 0,
      () => ({
        kind: 'rename',
        from: existing(),
        path: existing(),
        flag: pick(['exchange', 'noreplace'] as const, 'exchange'),
      }),
    ],
    [2, () => ({ kind: 'chmod', path: existing(), mode: mode() })],
    [1, () => ({ kind: 'chown', path: existing(), uid: random.below(2000), gid: random.below(2000) })],
    [1, () => ({ kind: 'utime', path: existing(), seconds: 1_000_000_000 + random.below(1_000_000) })],
    [
      (mix.xattrs ?? true) ? 5 : 0,
      () => ({
        kind: 'setxattr',
        path: existing(),
        ...attributes(),
        value: 'v'.repeat(1 + random.below(40)) + name(),
      }),
    ],
    [(mix.xattrs ?? true) ? 2 : 0, () => ({ kind: 'removexattr', path: existing(), ...attributes() })],
  ];
  const choices = makers.flatMap(([weight, make]) => new Array<() => FileOperation>(weight).fill(make));
  return Array.from({ length: mix.count }, () => {
    const operation = choices[random.below(choices.length)]?.() ?? {
      kind: 'create',
      path: anyPath(),
      mode: 0o644,
    };
    applyOperation(model, operation, pool);
    return operation;
  });
}

/** Lists the paths of a tree, of one type or of all. */
function pathsOf(fs: FileSystem, type?: FileType): string[] {
  const paths: string[] = [];
  const visit = (ino: Ino, path: string): void => {
    for (const entry of fs.readdir(ino)) {
      const inner = `${path}/${entry.name}`;
      if (type === undefined || entry.type === type) paths.push(inner);
      if (entry.type === 'directory') visit(entry.ino, inner);
    }
  };
  visit(fs.root, '');
  return paths;
}
