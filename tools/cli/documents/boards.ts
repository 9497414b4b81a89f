import { z } from 'zod';

const partition = z.strictObject({
  label: z.string(),
  offset: z.int(),
  size: z.int(),
  readOnly: z.boolean(),
});

/** What `boards list --json` prints. */
export const boardListDocument = z.strictObject({
  schemaVersion: z.literal(1),
  boards: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      target: z.string(),
      arch: z.string(),
      endianness: z.enum(['big', 'little']),
      flashKind: z.enum(['nor', 'nand']),
      flashSize: z.int(),
      eraseSize: z.int(),
      imageSize: z.int().optional(),
    }),
  ),
});

/** What `boards show ID --json` prints. */
export const boardDocument = z.strictObject({
  schemaVersion: z.literal(1),
  id: z.string(),
  name: z.string(),
  target: z.string(),
  arch: z.string(),
  endianness: z.enum(['big', 'little']),
  boardName: z.string(),
  supportedDevices: z.array(z.string()),
  compatVersion: z.string(),
  flash: z.strictObject({ kind: z.enum(['nor', 'nand']), size: z.int(), eraseSize: z.int() }),
  partitions: z.array(partition),
  split: z.strictObject({ mode: z.string(), parser: z.string().optional() }),
  kernelRecipe: z.string(),
  /** What the files of steps are that take one besides, by the name of the step. */
  loaders: z.record(z.string(), z.string()),
  artefacts: z.record(z.string(), z.string()),
});

/** What `boards lint --json` prints. */
export const boardLintDocument = z.strictObject({
  schemaVersion: z.literal(1),
  files: z.int(),
  errors: z.int(),
  diagnostics: z.array(
    z.strictObject({
      severity: z.enum(['error', 'warning']),
      code: z.string(),
      message: z.string(),
      file: z.string(),
      line: z.int(),
      column: z.int(),
      notes: z.array(z.string()).optional(),
    }),
  ),
});

/** What `boards steps --json` prints. */
export const stepListDocument = z.strictObject({
  schemaVersion: z.literal(1),
  steps: z.array(z.strictObject({ name: z.string(), usage: z.string(), summary: z.string() })),
});

/** Result of `boards list`. */
export type BoardListDocument = z.infer<typeof boardListDocument>;
/** Result of `boards show`. */
export type BoardDocument = z.infer<typeof boardDocument>;
/** Result of `boards lint`. */
export type BoardLintDocument = z.infer<typeof boardLintDocument>;
/** Result of `boards steps`. */
export type StepListDocument = z.infer<typeof stepListDocument>;
