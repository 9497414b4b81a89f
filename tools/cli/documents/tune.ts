import { z } from 'zod';

const size = z.int().min(0);

/** What `tune --json` prints. */
export const tuneDocument = z.strictObject({
  schemaVersion: z.literal(1),
  boards: z.array(
    z.strictObject({
      board: z.string(),
      /** In the order tried; the first is what the profile says. */
      results: z.array(
        z.strictObject({
          id: z.string(),
          parameters: z.strictObject({
            compressor: z.looseObject({ kind: z.enum(['xz', 'lzma', 'gzip', 'zstd', 'lz4']) }),
            blockSize: size,
            effort: z.enum(['normal', 'more', 'most']),
          }),
          similarity: z.boolean(),
          excluded: z.string().optional(),
          size,
          eraseBlocks: size.optional(),
          packMs: size,
          decodeMs: size,
          readMemory: size,
        }),
      ),
      picked: z.string(),
      savedBytes: z.int(),
      savedEraseBlocks: z.int().optional(),
      reasons: z.array(z.string()),
      profileLines: z.array(z.string()),
    }),
  ),
});
