/** Steps in which users work with files: one at a time, or several in flight. */
import { z } from 'zod';
import { errnoNumbers, type Errno } from '../../vfs/index.js';
import { tears } from '../device/cut-recording.js';
import { absolutePath, content, expectation, octalMode } from './expectation-schema.js';

/** What users do with files: as a step alone, or several together. */
export const userSteps = {
  write: z.strictObject({ path: absolutePath, ...content, mode: octalMode.optional() }),
  append: z.strictObject({ path: absolutePath, ...content }),
  rm: z.strictObject({ path: absolutePath, recursive: z.boolean().optional() }),
  mv: z.strictObject({ from: absolutePath, to: absolutePath }),
  mkdir: z.strictObject({ path: absolutePath, parents: z.boolean().optional(), mode: octalMode.optional() }),
  chmod: z.strictObject({ path: absolutePath, mode: octalMode }),
  ln: z.strictObject({ target: z.string().min(1), path: absolutePath, symbolic: z.boolean().optional() }),
};

/** How far a flash operation gets in which the power fails. */
export const tear = z.enum(tears).optional().describe('default: half');

/** Several operations in flight. */
export const together = z
  .strictObject({
    operations: z.array(oneWord(userSteps)).min(1),
    seed: z.number().int().min(0).optional().describe('chooses the order of their steps; default: 1'),
    explore: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe('so many orders, each from the same state, with the seeds from `seed` on'),
    cut: z
      .strictObject({
        operation: z
          .number()
          .int()
          .min(1)
          .optional()
          .describe('count of the flash operation of all together; default: the seed chooses'),
        tear,
      })
      .optional()
      .describe('the power fails in their midst'),
    mayFail: z
      .array(z.enum(Object.keys(errnoNumbers) as Errno[]))
      .optional()
      .describe('errnos that an operation may end with; default: none may fail'),
    expect: expectation.optional().describe('after every order; where the power failed, after the next boot'),
    oneOf: z.array(expectation).min(1).optional().describe('one of these ends, after every order'),
  })
  .describe('several operations in flight at one time');

/** A mapping of one word to its arguments. */
export function oneWord<Words extends Readonly<Record<string, z.ZodType>>>(words: Words) {
  return z
    .strictObject(
      Object.fromEntries(Object.entries(words).map(([name, schema]) => [name, schema.optional()])) as {
        [Name in keyof Words]: z.ZodOptional<Words[Name]>;
      },
    )
    .refine((step) => Object.keys(step).length === 1, 'a step is exactly one word');
}
