/**
 * Takes a file apart into the pieces that an inspection found, with a description to put them together again.
 *
 * Nothing is lost: headers, padding and unknown bytes are pieces too, and all pieces in order are the file.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { inspectFile } from './inspect.js';
import type { Part, PartKind } from './part.js';
import { leavesOf } from './strip-map.js';

const partKinds = [
  'buffalo-bgn',
  'chk',
  'combined',
  'cramfs',
  'device-tree',
  'dni',
  'elf',
  'end-marker',
  'fit',
  'fwtool-chunk',
  'gzip',
  'hdr1',
  'jffs2',
  'linksys-header',
  'lxl',
  'lzma',
  'named-checksum',
  'padding',
  'range',
  'safeloader',
  'seama',
  'squashfs',
  'tar',
  'tplink-v1',
  'tplink-v2',
  'trx',
  'ubi',
  'ubifs',
  'ubiquiti',
  'uimage',
  'unknown',
  'wrgg',
  'xz',
  'zip',
] as const satisfies readonly PartKind[];

const place = z.int().min(0);
const detailSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.string()),
  z.record(z.string(), z.number()),
]);
const partSchema: z.ZodType<Part> = z.lazy(() =>
  z.strictObject({
    kind: z.enum(partKinds),
    title: z.string(),
    offset: place,
    size: place,
    details: z.record(z.string(), detailSchema),
    checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean() })),
    parts: z.array(partSchema),
  }),
);

const fileName = /^[0-9a-zA-Z-]+(\.[a-z]+)?$/;

/** A file system that was unpacked beside its piece. */
const treeSchema = z.strictObject({
  /** Folder or tar archive, beside this document. */
  file: z.string().regex(fileName, 'must be a plain file name'),
  form: z.enum(['folder', 'tar']),
  kind: z.enum(['squashfs', 'jffs2']),
  /** The piece that holds it packed. */
  piece: z.string(),
  names: place,
  /** Of the archive, or of the record of owners and modes beside the folder. */
  sha256: z.string(),
});

/** Shape of `firmwright-unpack.json`. */
export const unpackDocumentSchema = z.strictObject({
  schemaVersion: z.literal(1),
  /** Name of the file, without folders. */
  source: z
    .string()
    .regex(/^[^/\0]+$/)
    .optional(),
  size: place,
  sha256: z.string(),
  /** In the order of the file. */
  pieces: z.array(
    z.strictObject({
      file: z.string().regex(/^[0-9a-zA-Z-]+\.bin$/, 'must be a plain file name'),
      kind: z.enum(partKinds),
      offset: place,
      size: place,
      sha256: z.string(),
    }),
  ),
  trees: z.array(treeSchema).default([]),
  /** What the inspection found; tells a rebuild which header covers which piece. */
  parts: z.array(partSchema),
});

/** The description beside the pieces. */
export type UnpackDocument = z.output<typeof unpackDocumentSchema>;

/** A file system of an unpacked set. */
export type UnpackedTree = UnpackDocument['trees'][number];

/** A file taken apart. */
export interface Unpacked {
  readonly document: UnpackDocument;
  /** By file name; views of the input. */
  readonly pieces: ReadonlyMap<string, Uint8Array>;
}

/** Takes a file apart; never throws for what is in it. */
export function unpackFile(bytes: Uint8Array): Unpacked {
  const inspection = inspectFile(bytes);
  const leaves = leavesOf(inspection.parts);
  const digits = bytes.length.toString(16).length;
  const pieces = new Map<string, Uint8Array>();
  const listed = leaves.map(({ part, offset, size }) => {
    const isWhole = part.offset === offset && part.size === size;
    const name = `0x${offset.toString(16).padStart(digits, '0')}-${part.kind}${isWhole ? '' : '-own'}.bin`;
    const content = bytes.subarray(offset, offset + size);
    pieces.set(name, content);
    return { file: name, kind: part.kind, offset, size, sha256: sha256(content) };
  });
  return {
    document: {
      schemaVersion: 1,
      size: inspection.size,
      sha256: inspection.sha256,
      pieces: listed,
      trees: [],
      parts: [...inspection.parts],
    },
    pieces,
  };
}

/** SHA-256 as hexadecimal text. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
