import { z } from 'zod';

/** What `doctor --json` prints. */
export const doctorDocument = z.strictObject({
  schemaVersion: z.literal(1),
  ready: z.boolean(),
  checks: z.array(
    z.strictObject({
      subject: z.string(),
      state: z.enum(['good', 'missing', 'optional']),
      found: z.string(),
      neededFor: z.string(),
      install: z.string().optional(),
    }),
  ),
});

/** Result of `doctor`. */
export type DoctorDocument = z.infer<typeof doctorDocument>;
