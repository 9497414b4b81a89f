/**
 * The bytes of every JFFS2 node: one table of fields a structure, from which encoder and parser both work.
 *
 * Offsets count from the start of the structure; widths are bytes; all numbers are unsigned and stand in the byte
 * order of the target CPU. SPEC.md describes what the fields mean.
 */

/** Byte order of an image: that of the CPU which mounts it. */
export type Endian = 'little' | 'big';

/** Magic half-word of every node. */
export const MAGIC = 0x1985;
/** The magic as it reads with the wrong byte order. */
export const MAGIC_SWAPPED = 0x8519;
/** Magic of the first JFFS; its nodes are skipped. */
export const MAGIC_OLD = 0x1984;

/** Bit of `nodetype` that is set while a node is live, and cleared in place to make it obsolete. */
export const ACCURATE = 0x2000;

/** Bits of `nodetype` that say what a driver must do that does not know the type. */
export const compatMask = 0xc000;

/** The compatibility classes, by the bits under `compatMask`. */
export const compatClasses = {
  incompat: 0xc000,
  rocompat: 0x8000,
  rwcompatCopy: 0x4000,
  rwcompatDelete: 0x0000,
} as const;

/** `nodetype` of each kind of node while it is live. */
export const nodeTypes = {
  dirent: 0xe001,
  inode: 0xe002,
  cleanmarker: 0x2003,
  padding: 0x2004,
  summary: 0x2006,
  xattr: 0xe008,
  xref: 0xe009,
} as const;

/** Number of the root directory. */
export const ROOT_INO = 1;
/** Longest name that Linux can look up in JFFS2, and the longest symlink target. */
export const JFFS2_NAME_MAX = 254;
/** Every node starts at a multiple of this. */
export const NODE_ALIGNMENT = 4;
/** A data node must stay inside one page of the target's CPU, or garbage collection zeroes it. */
export const CPU_PAGE_SIZE = 4096;

/** The numbers of the compressors, as the `compr` field holds them. */
export const comprNumbers = {
  none: 0,
  zero: 1,
  rtime: 2,
  rubinmips: 3,
  copy: 4,
  dynrubin: 5,
  zlib: 6,
  lzo: 7,
  lzma: 8,
} as const;

/** Where a field stands: offset and width in bytes. */
type Place = readonly [offset: number, width: 1 | 2 | 4];
type Layout = Readonly<Record<string, Place>>;

/** The values of a structure, by the names of its fields. */
export type Fields<L extends Layout> = { -readonly [Name in keyof L]: number };

/** Header of every node. `hdrCrc` covers bytes 0 to 7 as they are with ACCURATE set. */
export const headerLayout = {
  magic: [0, 2],
  nodetype: [2, 2],
  totlen: [4, 4],
  hdrCrc: [8, 4],
} as const satisfies Layout;

/** Size of the header, and of a cleanmarker on NOR. */
export const HEADER_SIZE = 12;

/** A name in a directory; the name follows. `nodeCrc` covers bytes 0 to 31. */
export const direntLayout = {
  pino: [12, 4],
  version: [16, 4],
  ino: [20, 4],
  mctime: [24, 4],
  nsize: [28, 1],
  type: [29, 1],
  nodeCrc: [32, 4],
  nameCrc: [36, 4],
} as const satisfies Layout;

export const DIRENT_SIZE = 40;
/** Bytes of a dirent that `nodeCrc` covers. */
export const DIRENT_CRC_SPAN = 32;

/** Metadata of an inode and a range of its content; the stored data follows. `nodeCrc` covers bytes 0 to 59. */
export const inodeLayout = {
  ino: [12, 4],
  version: [16, 4],
  mode: [20, 4],
  uid: [24, 2],
  gid: [26, 2],
  isize: [28, 4],
  atime: [32, 4],
  mtime: [36, 4],
  ctime: [40, 4],
  offset: [44, 4],
  csize: [48, 4],
  dsize: [52, 4],
  compr: [56, 1],
  usercompr: [57, 1],
  flags: [58, 2],
  dataCrc: [60, 4],
  nodeCrc: [64, 4],
} as const satisfies Layout;

export const INODE_SIZE = 68;
/** Bytes of an inode node that `nodeCrc` covers; `dataCrc` is not among them. */
export const INODE_CRC_SPAN = 60;

/** One extended attribute; name, NUL and value follow. `nodeCrc` covers bytes 0 to 27. */
export const xattrLayout = {
  xid: [12, 4],
  version: [16, 4],
  xprefix: [20, 1],
  nameLen: [21, 1],
  valueLen: [22, 2],
  dataCrc: [24, 4],
  nodeCrc: [28, 4],
} as const satisfies Layout;

export const XATTR_SIZE = 32;
/** Bytes of an xattr node that `nodeCrc` covers. */
export const XATTR_CRC_SPAN = 28;

/** Ties an extended attribute to an inode. `nodeCrc` covers bytes 0 to 23. */
export const xrefLayout = {
  ino: [12, 4],
  xid: [16, 4],
  xseqno: [20, 4],
  nodeCrc: [24, 4],
} as const satisfies Layout;

export const XREF_SIZE = 28;
/** Bytes of an xref node that `nodeCrc` covers. */
export const XREF_CRC_SPAN = 24;

/** Summary of an erase block; entries, filler and marker follow. `nodeCrc` covers bytes 0 to 23. */
export const summaryLayout = {
  sumNum: [12, 4],
  clnMkr: [16, 4],
  padded: [20, 4],
  sumCrc: [24, 4],
  nodeCrc: [28, 4],
} as const satisfies Layout;

export const SUMMARY_SIZE = 32;
/** Bytes of a summary that `nodeCrc` covers. */
export const SUMMARY_CRC_SPAN = 24;

/** The last eight bytes of a block that has a summary. */
export const summaryMarkerLayout = { offset: [0, 4], magic: [4, 4] } as const satisfies Layout;
export const SUMMARY_MARKER_SIZE = 8;
export const SUMMARY_MARKER_MAGIC = 0x02851885;

/** Entries of a summary, packed without alignment; the name of a dirent follows its entry. */
export const summaryInodeLayout = {
  nodetype: [0, 2],
  ino: [2, 4],
  version: [6, 4],
  offset: [10, 4],
  totlen: [14, 4],
} as const satisfies Layout;
export const SUMMARY_INODE_SIZE = 18;

export const summaryDirentLayout = {
  nodetype: [0, 2],
  totlen: [2, 4],
  offset: [6, 4],
  pino: [10, 4],
  version: [14, 4],
  ino: [18, 4],
  nsize: [22, 1],
  type: [23, 1],
} as const satisfies Layout;
export const SUMMARY_DIRENT_SIZE = 24;

export const summaryXattrLayout = {
  nodetype: [0, 2],
  xid: [2, 4],
  version: [6, 4],
  offset: [10, 4],
  totlen: [14, 4],
} as const satisfies Layout;
export const SUMMARY_XATTR_SIZE = 18;

export const summaryXrefLayout = { nodetype: [0, 2], offset: [2, 4] } as const satisfies Layout;
export const SUMMARY_XREF_SIZE = 6;

/** Makes a view of bytes for `readFields` and `writeFields`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads every field of a structure that starts at `base`; the caller has checked that it fits. */
export function readFields<L extends Layout>(
  layout: L,
  view: DataView,
  base: number,
  endian: Endian,
): Fields<L> {
  const little = endian === 'little';
  const values: Record<string, number> = {};
  for (const name in layout) {
    const [offset, width] = placeOf(layout, name);
    values[name] =
      width === 4
        ? view.getUint32(base + offset, little)
        : width === 2
          ? view.getUint16(base + offset, little)
          : view.getUint8(base + offset);
  }
  // Every name of the layout, and no other, was just set.
  return values as Fields<L>;
}

/** Writes the given fields of a structure that starts at `base`; fields left out keep their bytes. */
export function writeFields<L extends Layout>(
  layout: L,
  view: DataView,
  base: number,
  values: Partial<Fields<L>>,
  endian: Endian,
): void {
  const little = endian === 'little';
  for (const name in layout) {
    const value = values[name];
    if (value === undefined) continue;
    const [offset, width] = placeOf(layout, name);
    if (width === 4) view.setUint32(base + offset, value, little);
    else if (width === 2) view.setUint16(base + offset, value, little);
    else view.setUint8(base + offset, value);
  }
}

function placeOf<L extends Layout>(layout: L, name: keyof L): Place {
  return layout[name] as Place;
}

/** Rounds up to where the next node may start. */
export function padToNode(size: number): number {
  return Math.ceil(size / NODE_ALIGNMENT) * NODE_ALIGNMENT;
}
