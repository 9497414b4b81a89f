import { z } from 'zod';
import { textOf } from '../../core/index.js';
import type { ImageDiff } from '../../diff/index.js';

const size = z.int().min(0);
const place = z.strictObject({ offset: size, size });
const identity = z.strictObject({
  compatVersion: z.string(),
  compatMessage: z.string().optional(),
  supportedDevices: z.array(z.string()),
  version: z.string().optional(),
});
const side = z.strictObject({ board: z.string(), identity });

/** What `diff --json` prints; paths are text, bytes that are not UTF-8 as `\xNN`. */
export const diffDocument = z.strictObject({
  schemaVersion: z.literal(1),
  before: side,
  after: side,
  fits: z.boolean(),
  verdict: z.string(),
  breaches: z.array(z.strictObject({ limit: z.string(), text: z.string() })),
  figures: z.array(z.strictObject({ what: z.string(), before: size, after: size })),
  partitions: z.array(
    z.strictObject({ label: z.string(), before: place.optional(), after: place.optional() }),
  ),
  packages: z.array(
    z.strictObject({
      name: z.string(),
      change: z.enum(['added', 'removed', 'upgraded', 'downgraded', 'rebuilt']),
      before: z.string().optional(),
      after: z.string().optional(),
      storedBefore: size,
      storedAfter: size,
    }),
  ),
  files: z.array(
    z.strictObject({
      path: z.string(),
      change: z.enum(['added', 'removed', 'changed']),
      aspects: z.array(z.enum(['type', 'content', 'target', 'device', 'mode', 'owner', 'xattrs'])),
      sizeBefore: size.optional(),
      sizeAfter: size.optional(),
      package: z.string().optional(),
    }),
  ),
  filesUnchanged: size,
  newDefaults: z.array(z.string()),
  missingLibraries: z.array(z.strictObject({ path: z.string(), library: z.string() })),
  brokenSymlinks: z.array(z.string()),
});

/** Writes a comparison as the document. */
export function diffDocumentOf(diff: ImageDiff): { schemaVersion: 1 } & Record<string, unknown> {
  return {
    schemaVersion: 1,
    ...diff,
    files: diff.files.map((change) => ({ ...change, path: textOf(change.path) })),
    newDefaults: diff.newDefaults.map(textOf),
    missingLibraries: diff.missingLibraries.map(({ path, library }) => ({ path: textOf(path), library })),
    brokenSymlinks: diff.brokenSymlinks.map(textOf),
  };
}
