/** What `budget`, `build` and `build --verify` print with `--json`, as schemas that tests hold the documents against. */
import { z } from 'zod';

const size = z.int().min(0);

const packageSums = { names: size, size, stored: size };

/** What the squashfs holds; `unowned` and the packages add up to `size`, and so do the kinds. */
const rootfsCost = z.strictObject({
  size,
  kinds: z.strictObject({
    'super block': size,
    data: size,
    fragments: size,
    inodes: size,
    directories: size,
    tables: size,
    xattrs: size,
    padding: size,
    gaps: size,
  }),
  packages: z.array(z.strictObject({ name: z.string(), version: z.string(), ...packageSums })),
  unowned: z.strictObject(packageSums),
});

/** What one name costs; `data`, `tail` and `metadata` add up to `stored`. */
const nameCost = z.strictObject({
  path: z.string(),
  type: z.enum(['directory', 'file', 'symlink', 'block', 'char', 'fifo', 'socket']),
  package: z.string().optional(),
  size,
  stored: size,
  data: size,
  tail: size,
  metadata: size,
});

/** The flash budget of one board. */
const flashBudget = z.strictObject({
  board: z.string(),
  fits: z.boolean(),
  overBy: size,
  eraseSize: size,
  partitions: z.array(
    z.strictObject({
      label: z.string(),
      parent: z.string().optional(),
      offset: size,
      size,
      used: size,
      free: size,
      readOnly: z.boolean(),
    }),
  ),
  overlay: z
    .strictObject({
      offset: size,
      size,
      eraseBlocks: size,
      neededBlocks: size,
      reserveBlocks: size,
      mountable: z.boolean(),
      freeBytes: size,
    })
    .optional(),
  limits: z.array(z.strictObject({ what: z.string(), limit: size, use: size, headroom: size, overBy: size })),
  problem: z.string().optional(),
  rootfs: rootfsCost.optional(),
  files: z.array(nameCost),
});

const costChange = z.strictObject({
  name: z.string(),
  before: size.optional(),
  after: size.optional(),
  change: z.int(),
});

/** What `budget --json` prints; `savings` with --savings, `comparison` with --against. */
export const budgetDocument = z.strictObject({
  schemaVersion: z.literal(1),
  budgets: z.array(
    flashBudget.extend({
      savings: z
        .strictObject({
          size,
          packages: z.array(
            z.strictObject({
              name: z.string(),
              bytes: z.int(),
              eraseBlocks: z.int().optional(),
              neededBy: z.array(z.string()),
            }),
          ),
        })
        .optional(),
      comparison: z
        .strictObject({
          size: costChange,
          eraseBlocks: costChange,
          packages: z.array(costChange),
          files: z.array(costChange).optional(),
        })
        .optional(),
    }),
  ),
});

/** What `build --json` prints. */
export const buildDocument = z.strictObject({
  schemaVersion: z.literal(1),
  files: z.array(z.string()),
  boards: z.array(
    z.strictObject({
      board: z.string(),
      squashfs: z.strictObject({ size, sha256: z.string(), cached: z.boolean() }),
      files: z.array(z.strictObject({ name: z.string(), type: z.string(), size, sha256: z.string() })),
      budget: flashBudget,
    }),
  ),
});

/** What `build --verify --json` prints when the same bytes come out. */
export const verifyDocument = z.strictObject({
  schemaVersion: z.literal(1),
  /** The folder compared with. */
  verified: z.string(),
  boards: z.array(z.string()),
});
