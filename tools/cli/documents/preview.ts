import { z } from 'zod';

const file = z.strictObject({ path: z.string(), fate: z.string() });

/** What `reset --json` prints. */
export const resetDocument = z.strictObject({
  schemaVersion: z.literal(1),
  board: z.string(),
  /** False when the dump was reset, true when that was only told. */
  preview: z.boolean(),
  path: z.enum(['deleted', 'marked', 'erased', 'nothing']),
  entries: z.array(
    z.strictObject({
      path: z.string(),
      fate: z.enum(['removed', 'base', 'survives', 'archive', 'runs-again']),
      reason: z.string().optional(),
    }),
  ),
  untouched: z.number().int(),
  verdict: z.string(),
});

/** Result of `reset`. */
export type ResetDocument = z.infer<typeof resetDocument>;

/** What `upgrade --json` prints. */
export const upgradeDocument = z.strictObject({
  schemaVersion: z.literal(1),
  board: z.string(),
  /** False when the dump was upgraded, true when that was only told. */
  preview: z.boolean(),
  verdict: z.enum(['safe', 'attention', 'no-boot', 'refused']),
  reasons: z.array(z.string()),
  kept: z.array(file),
  lost: z.array(z.string()),
  droppedPackages: z.array(z.strictObject({ name: z.string(), from: z.string() })),
  archive: z
    .strictObject({
      size: z.number().int(),
      eraseBlocks: z.number().int(),
      eraseBlocksLeft: z.number().int(),
      unpacked: z.number().int(),
      rootfsData: z.number().int(),
    })
    .nullable(),
});

/** Result of `upgrade`. */
export type UpgradeDocument = z.infer<typeof upgradeDocument>;
