/** The file in which `check --resume` keeps the power cuts that are done. */
import { z } from 'zod';
import { cutOutcomes, findingTexts, type CutProgress, type FindingCode } from '../../emulator/index.js';

const outcomes = z.record(z.enum(cutOutcomes), z.number().int());

const share = z.strictObject({
  tallies: z.array(
    z.strictObject({
      phase: z.string(),
      during: z.enum(['flow', 'recovery']),
      operations: z.number().int(),
      cuts: z.number().int(),
      states: z.array(z.string()),
      outcomes,
      violations: z.array(z.strictObject({ replay: z.string(), reason: z.string() })),
    }),
  ),
  findings: z.array(
    z.strictObject({
      code: z.string().refine((code): code is FindingCode => code in findingTexts),
      where: z.string(),
    }),
  ),
});

/** What the file holds. */
export const cutProgress: z.ZodType<CutProgress> = z.strictObject({
  key: z.string(),
  shares: z.number().int(),
  done: z.record(z.string(), share),
});
