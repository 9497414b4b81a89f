import { z } from 'zod';

/** What `sign --json` prints of an image. */
export const signDocument = z.strictObject({
  schemaVersion: z.literal(1),
  image: z.string(),
  /** 16 hexadecimal digits that name the key pair. */
  fingerprint: z.string(),
  outcome: z.enum(['signed', 'valid', 'invalid', 'other-key']),
});

/** Result of `sign`. */
export type SignDocument = z.output<typeof signDocument>;
