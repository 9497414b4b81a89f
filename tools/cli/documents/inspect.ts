import { z } from 'zod';

const detail = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.string()),
  z.record(z.string(), z.number()),
]);

const part = z.strictObject({
  kind: z.string(),
  title: z.string(),
  offset: z.int(),
  size: z.int(),
  details: z.record(z.string(), detail),
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean() })),
  get parts() {
    return z.array(part);
  },
});

/** What `inspect --json` prints. */
export const inspectDocument = z.strictObject({
  schemaVersion: z.literal(1),
  file: z.string(),
  size: z.int(),
  sha256: z.string(),
  /** Cover the file in order; nested parts lie inside theirs. */
  parts: z.array(part),
  failedChecks: z.int(),
});
export type InspectDocument = z.output<typeof inspectDocument>;

/** What `unpack --json` prints. */
export const unpackResultDocument = z.strictObject({
  schemaVersion: z.literal(1),
  folder: z.string(),
  pieces: z.int(),
  /** The file systems that could be read, each in a folder or an archive beside the pieces. */
  trees: z.array(
    z.strictObject({
      file: z.string(),
      form: z.enum(['folder', 'tar']),
      kind: z.string(),
      piece: z.string(),
      names: z.int(),
    }),
  ),
});
export type UnpackResultDocument = z.output<typeof unpackResultDocument>;

/** What `repack --json` prints. */
export const repackResultDocument = z.strictObject({
  schemaVersion: z.literal(1),
  image: z.string(),
  size: z.int(),
  sha256: z.string(),
  edited: z.array(z.string()),
  notes: z.array(z.string()),
});
export type RepackResultDocument = z.output<typeof repackResultDocument>;
