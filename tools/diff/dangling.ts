/** Finds what leads nowhere in a root tree: libraries that a program needs and nobody has, and broken symlinks. */
import { textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { followPath } from '../rootfs/index.js';
import { walkTree } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';
import { readDynamicSection } from './elf.js';
import type { DynamicSection } from './elf.js';

/** A file and the library or loader it needs that is not there. */
export interface MissingLibrary {
  readonly path: ByteString;
  readonly library: string;
}

/** Folders that musl and uClibc search without being told, and those of 64-bit roots. */
const defaultFolders = ['/lib', '/usr/lib', '/lib64', '/usr/lib64', '/usr/local/lib'];

/** Lists each program and library of the tree with what it needs and does not find, by path. */
export function missingLibraries(root: TreeDirectory): MissingLibrary[] {
  const search = new LibrarySearch(root);
  const missing: MissingLibrary[] = [];
  for (const { path, inode } of walkTree(root)) {
    const dynamic = search.dynamicSection(inode);
    if (!dynamic) continue;
    const { needed, interpreter } = dynamic;
    const lost = [...new Set(needed)].filter((library) => !search.finds(library, path, dynamic));
    // uClibc's libraries name their loader without a folder; nobody starts them.
    if (interpreter?.startsWith('/') === true && !followPath(root, interpreter as ByteString))
      lost.push(interpreter);
    missing.push(...lost.map((library) => ({ path, library })));
  }
  return missing;
}

/** Searches libraries as the dynamic loader does; each file is read once. */
class LibrarySearch {
  readonly #root: TreeDirectory;
  readonly #sections = new Map<TreeInode, DynamicSection | undefined>();

  constructor(root: TreeDirectory) {
    this.#root = root;
  }

  dynamicSection(inode: TreeInode): DynamicSection | undefined {
    if (inode.type !== 'file') return undefined;
    if (!this.#sections.has(inode)) this.#sections.set(inode, readDynamicSection(inode.content));
    return this.#sections.get(inode);
  }

  /** A name with a slash is a path; any other is searched for, and a library of another kind is passed over. */
  finds(library: string, program: ByteString, { kind, searchPath }: DynamicSection): boolean {
    if (library.includes('/')) return followPath(this.#root, library as ByteString) !== undefined;
    const origin = program.slice(0, program.lastIndexOf('/'));
    const folders = searchPath.map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, origin));
    return [...folders, ...defaultFolders].some((folder) => {
      const found = followPath(this.#root, `${folder}/${library}` as ByteString);
      return found !== undefined && this.dynamicSection(found)?.kind === kind;
    });
  }
}

/** Lists the symlinks that led somewhere in `before` and stand in `after` but lead nowhere, by path. */
export function brokenSymlinks(before: TreeDirectory, after: TreeDirectory): ByteString[] {
  return [...walkTree(after)]
    .filter(
      ({ path, inode }) => inode.type === 'symlink' && !followPath(after, path) && followPath(before, path),
    )
    .map(({ path }) => path);
}

/** Writes a missing library for people. */
export function missingText({ path, library }: MissingLibrary): string {
  return `${textOf(path)} needs ${library}`;
}
