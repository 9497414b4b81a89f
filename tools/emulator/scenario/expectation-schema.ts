/** What an `expect` step may say, and the words that it shares with other steps. */
import { z } from 'zod';
import { findingTexts } from '../findings.js';

/** A path on the device. */
export const absolutePath = z.string().regex(/^\//, 'a path inside the device starts with /');
/** Permission bits. */
export const octalMode = z
  .union([z.string().regex(/^0?[0-7]{1,4}$/), z.number().int().min(0).max(0o7777)])
  .describe('permission bits, octal as text ("0644")');

/** Bytes of a file. */
export const content = {
  text: z.string().optional().describe('content as text'),
  base64: z.string().optional().describe('content as base64'),
  bytes: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('that many bytes of a fixed pattern, which do not compress'),
};

const findingCodes = Object.keys(findingTexts) as (keyof typeof findingTexts)[];

/** What must be true now. */
export const expectation = z
  .strictObject({
    state: z
      .enum(['failsafe', 'ram-overlay', 'jffs2-overlay', 'extroot', 'no-boot', 'off'])
      .optional()
      .describe('how the device runs'),
    stage: z
      .enum(['boot-loader', 'kernel', 'rootfs', 'preinit'])
      .optional()
      .describe('where a boot ended that did not come up'),
    volume: z
      .enum(['blank', 'end-marker', 'jffs2', 'snapshot', 'foreign', 'none'])
      .optional()
      .describe('what rootfs_data holds'),
    fsState: z.enum(['missing', 'unknown', 'pending', 'ready']).optional().describe('/overlay/.fs_state'),
    file: z
      .array(
        z.strictObject({
          path: absolutePath,
          on: z
            .string()
            .optional()
            .describe('device of a storage: the file on it, not the one that the root shows'),
          ...content,
          absent: z.boolean().optional(),
          mode: octalMode.optional(),
          layer: z.enum(['upper', 'lower', 'none']).optional(),
          contains: z.string().optional().describe('text that the file holds somewhere'),
        }),
      )
      .optional(),
    treeEqualsBase: z.boolean().optional().describe('the merged tree is the squashfs, entry by entry'),
    freeBytes: z.strictObject({ atLeast: z.number().int().min(0) }).optional(),
    findings: z.array(z.enum(findingCodes)).optional().describe('these findings, at least'),
    noFindings: z.array(z.enum(findingCodes)).optional().describe('none of these findings'),
    onRam: z
      .strictObject({ atMostSeconds: z.number().min(0) })
      .optional()
      .describe('how long the root was on RAM since the start'),
    restarts: z
      .strictObject({
        asked: z.number().int().min(0).optional().describe('reboots that users and programs asked for'),
        watchdog: z.number().int().min(0).optional(),
        panic: z.number().int().min(0).optional(),
      })
      .optional()
      .describe('how often the device restarted since the start, by cause'),
    unchanged: z.array(z.string()).optional().describe('partitions whose bytes are those of the start'),
  })
  .describe('what must be true now');

/** What an `expect` step may say. */
export type Expectation = z.output<typeof expectation>;
