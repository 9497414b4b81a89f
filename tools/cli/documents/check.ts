/** What `check` and `emulate` print with `--json`, as schemas that tests hold the documents against. */
import { z } from 'zod';

const finding = z.strictObject({ code: z.string(), where: z.string(), text: z.string() });

/** Outcomes of the power cuts of one phase. */
const cutTable = z.strictObject({
  phase: z.string(),
  during: z.enum(['flow', 'recovery']),
  operations: z.number().int(),
  cuts: z.number().int(),
  states: z.number().int(),
  outcomes: z.record(z.string(), z.number().int()),
  violations: z.array(z.strictObject({ replay: z.string(), reason: z.string() })),
});

/** What `check --json` prints. */
export const checkDocument = z.strictObject({
  schemaVersion: z.literal(1),
  board: z.string(),
  branch: z.string(),
  passed: z.boolean(),
  proofs: z.array(z.strictObject({ id: z.string(), title: z.string(), problems: z.array(z.string()) })),
  cuts: z.array(cutTable),
  findings: z.array(finding),
});

/** Result of `check`. */
export type CheckDocument = z.infer<typeof checkDocument>;

/** What `emulate --json` prints: one entry a run of the scenario. */
export const emulateDocument = z.strictObject({
  schemaVersion: z.literal(1),
  passed: z.boolean(),
  runs: z.array(
    z.strictObject({
      name: z.string(),
      board: z.string(),
      branch: z.string(),
      passed: z.boolean(),
      steps: z.array(
        z.strictObject({
          step: z.number().int(),
          kind: z.string(),
          outcome: z.enum(['done', 'power-cut', 'hang', 'failed']),
          problems: z.array(z.string()),
          seed: z.number().int().optional(),
        }),
      ),
      /** With `--power-cuts`: two tables for each step that changes the flash. */
      cuts: z.array(cutTable),
      findings: z.array(finding),
      timeline: z.array(z.strictObject({ atMs: z.number(), phase: z.string(), text: z.string() })),
      onRamMs: z.number(),
      restarts: z.strictObject({
        asked: z.number().int(),
        watchdog: z.number().int(),
        panic: z.number().int(),
      }),
      wear: z.array(z.number().int()),
      wearByPartition: z.array(
        z.strictObject({
          label: z.string(),
          eraseBlocks: z.number().int(),
          erases: z.number().int(),
          most: z.number().int(),
        }),
      ),
      replay: z.string(),
    }),
  ),
});

/** Result of `emulate`. */
export type EmulateDocument = z.infer<typeof emulateDocument>;

/** What `which --json` prints. */
export const whichDocument = z.strictObject({
  schemaVersion: z.literal(1),
  path: z.string(),
  layer: z.enum(['upper', 'lower', 'none']),
  causes: z.array(z.string()),
});

/** Result of `which`. */
export type WhichDocument = z.infer<typeof whichDocument>;
