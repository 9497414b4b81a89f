/** Where everything stands in a finished image: for those who ask what a file costs. */
import { joinPath } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { ImageSource } from './image.js';
import { SquashfsReader } from './reader.js';
import type { StoredBlock } from './writer.js';

/** A file of an image under all of its names, with its stored blocks. */
export interface StoredFileLayout {
  /** Hard links have several; in order of the walk. */
  readonly paths: readonly ByteString[];
  /** Bytes of content. */
  readonly size: number;
  /** Own blocks in order, without holes; other files of equal content may share them. */
  readonly blocks: readonly StoredBlock[];
  /** The tail, when it stands in a fragment: the bytes it takes there. */
  readonly fragment: { readonly index: number; readonly size: number } | undefined;
}

/** Stored blocks of an image; what they do not cover is metadata. */
export interface ImageLayout {
  readonly bytesUsed: number;
  readonly fragments: readonly StoredBlock[];
  readonly files: readonly StoredFileLayout[];
}

/**
 * Reads where each file of an image stands.
 *
 * @returns files in the order of the walk, names by bytes
 * @throws FormatError as `openSquashfs`, and for damage in the metadata
 */
export function readImageLayout(source: ImageSource): ImageLayout {
  const reader = new SquashfsReader(source);
  try {
    const files = new Map<number, StoredFileLayout & { readonly paths: ByteString[] }>();
    const pending: { readonly number: number; readonly path: ByteString }[] = [
      { number: reader.root, path: '/' as ByteString },
    ];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const inode = reader.inode(next.number);
      if (!inode) continue;
      const directories: typeof pending = [];
      for (const { name, number, type } of reader.listing(inode).names) {
        const path = joinPath(next.path, name);
        if (type === 'directory') directories.push({ number, path });
        if (type !== 'file') continue;
        const known = files.get(number);
        if (known) known.paths.push(path);
        else files.set(number, { paths: [path], ...fileLayout(reader, number) });
      }
      pending.push(...directories.reverse());
    }
    const { fragmentCount, bytesUsed } = reader.image.superBlock;
    const fragments: StoredBlock[] = [];
    for (let index = 0; index < fragmentCount; index += 1) {
      const { offset, size } = reader.image.fragment(index);
      fragments.push(storedBlock(offset, size));
    }
    return { bytesUsed, fragments, files: [...files.values()] };
  } finally {
    reader.image.close();
  }
}

function fileLayout(reader: SquashfsReader, number: number): Omit<StoredFileLayout, 'paths'> {
  const inode = reader.inode(number);
  if (!inode) return { size: 0, blocks: [], fragment: undefined };
  const { content, blocks } = reader.content(inode);
  const stored: StoredBlock[] = [];
  for (let index = 0; index < content.blockCount; index += 1) {
    const { offset, size } = blocks.at(index);
    const block = storedBlock(offset, size);
    if (block.size > 0) stored.push(block);
  }
  const { fragment, size } = content;
  return {
    size,
    blocks: stored,
    fragment: fragment && { index: fragment.index, size: size % reader.image.blockSize },
  };
}

/** Splits the size field of inodes and fragment table: bit 24 marks a block that is not compressed. */
function storedBlock(offset: number, field: number): StoredBlock {
  return { offset, size: field & 0xff_ffff, compressed: (field & 0x100_0000) === 0 };
}
