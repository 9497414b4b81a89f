/**
 * The costs as the treemap shows them: image, packages, folders, files, each level laid out once for wide and once for
 * narrow screens, so that the page only has to place rectangles.
 */
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import type { FlashBudget } from '../count.js';
import { visible } from './markup.js';

/** Edges in thousandths of the rectangle of the parent: left, top, right, bottom. */
type Rectangle = readonly [number, number, number, number];

/** One tile; short names, because the page holds thousands. */
export interface CostTile {
  /** Name of a package, of a folder with those it alone holds (`usr/lib`), or of a file. */
  readonly n: string;
  /** Bytes in the image. */
  readonly b: number;
  /** p: package, d: folder, f: file or another object, r: the rest, too small for tiles. */
  readonly k: 'p' | 'd' | 'f' | 'r';
  /** Tiles inside, the costliest first. */
  readonly c?: readonly CostTile[];
  /** Where it stands in its parent on wide and on narrow screens. */
  readonly w?: Rectangle;
  readonly t?: Rectangle;
}

interface Folder {
  readonly folders: Map<string, Folder>;
  readonly files: { readonly name: string; readonly bytes: number }[];
  /** The folder's own inode and listing. */
  own: number;
}

/** Tiles of one level; what is smaller stands together. */
const mostTiles = 120;
/** Width to height of the treemap. */
const wideAspect = 1.9;
const narrowAspect = 0.85;

/** Name that stands for all that no package lists. */
export const noPackage = '(no package)';

/** Builds the tiles of an image from all of its names. */
export function costTree({ files, rootfs }: FlashBudget): CostTile {
  const packages = new Map<string, Folder>();
  const folderOf = (owner: string): Folder => {
    const known = packages.get(owner) ?? newFolder();
    packages.set(owner, known);
    return known;
  };
  for (const { path, type, stored, package: owner } of files) {
    if (stored === 0) continue;
    put(folderOf(owner ?? noPackage), path, type === 'directory', stored);
  }
  const tiles = [...packages].map(([name, folder]): CostTile => ({
    n: visible(name),
    ...inside(folder),
    k: 'p',
  }));
  return level({ n: 'squashfs', b: rootfs?.size ?? 0, k: 'd', c: tiles });
}

function newFolder(): Folder {
  return { folders: new Map(), files: [], own: 0 };
}

function put(root: Folder, path: string, isFolder: boolean, bytes: number): void {
  const names = path.split('/').filter((name) => name !== '');
  const file = isFolder ? undefined : names.pop();
  let folder = root;
  for (const name of names) {
    const next = folder.folders.get(name) ?? newFolder();
    folder.folders.set(name, next);
    folder = next;
  }
  if (file === undefined) folder.own += bytes;
  else folder.files.push({ name: file, bytes });
}

function inside(folder: Folder): { b: number; c: CostTile[] } {
  const folders = [...folder.folders].map(([name, child]) => folderTile(name, child));
  const files = folder.files.map(({ name, bytes }): CostTile => ({ n: visible(name), b: bytes, k: 'f' }));
  const own: CostTile[] = folder.own > 0 ? [{ n: '(the folder itself)', b: folder.own, k: 'f' }] : [];
  const c = [...folders, ...files, ...own];
  return { b: c.reduce((sum, { b }) => sum + b, 0), c };
}

/** A folder that holds one folder and nothing else stands with it: `usr/lib`. */
function folderTile(name: string, folder: Folder): CostTile {
  const [only, ...others] = folder.folders;
  if (only && others.length === 0 && folder.files.length === 0) {
    const [inner, child] = only;
    child.own += folder.own;
    return folderTile(`${name}/${inner}`, child);
  }
  return { n: visible(name), ...inside(folder), k: 'd' };
}

/** Sorts and lays out the tiles of a level and of those below. */
function level(tile: CostTile): CostTile {
  if (!tile.c || tile.c.length === 0) return tile;
  const children = withRest(tile.c.toSorted((a, b) => b.b - a.b || (a.n < b.n ? -1 : 1)));
  const wide = layout(children, wideAspect);
  const narrow = layout(children, narrowAspect);
  const c = children.map((child, i) => {
    const [w, t] = [wide[i], narrow[i]];
    return { ...level(child), ...(w && t ? { w, t } : {}) };
  });
  return { ...tile, c };
}

function withRest(tiles: readonly CostTile[]): readonly CostTile[] {
  if (tiles.length <= mostTiles) return tiles;
  const small = tiles.slice(mostTiles);
  const bytes = small.reduce((sum, { b }) => sum + b, 0);
  return [...tiles.slice(0, mostTiles), { n: `${small.length} smaller ones`, b: bytes, k: 'r' }];
}

function layout(tiles: readonly CostTile[], aspect: number): Rectangle[] {
  const root = hierarchy<{ b: number; children?: { b: number }[] }>({
    b: 0,
    children: tiles.map(({ b }) => ({ b })),
  }).sum(({ b }) => b);
  const laid = treemap<{ b: number }>().size([aspect, 1]).tile(treemapSquarify.ratio(1.4))(root);
  const thousandth = (value: number, whole: number): number => Math.round((value / whole) * 1000);
  return (laid.children ?? []).map(({ x0, y0, x1, y1 }) => [
    thousandth(x0, aspect),
    thousandth(y0, 1),
    thousandth(x1, aspect),
    thousandth(y1, 1),
  ]);
}
