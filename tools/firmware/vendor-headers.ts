/**
 * What a board's vendor headers hold: the identifiers that a boot loader or a vendor's upgrade page compares.
 *
 * The sections are named for the header; a profile gives those that its recipes use. Sizes and numbers may be
 * written as integers or as text (`0x2000`, `64k`).
 */
import { parseSize } from '../core/index.js';
import { z } from 'zod';

/** An integer below 2^32, or text such as `0xc7000002`. */
export const wordSchema = z
  .union([z.int().min(0).max(0xffffffff), z.string().regex(/^(0x[0-9a-fA-F]{1,8}|\d{1,10})$/)])
  .transform((value) => Number(value))
  .meta({ description: 'integer, or hexadecimal text such as 0xc7000002' });

/** A size in bytes: an integer or text such as `64k`, `64 KiB`, `0x10000`. */
export const sizeSchema = z
  .union([z.int().min(0), z.string()])
  .transform((value, context) => {
    const size = typeof value === 'number' ? value : parseSize(value);
    if (size === undefined) {
      context.addIssue({
        code: 'custom',
        message: `not a size: ${String(value)}; write 65536, 0x10000 or 64 KiB`,
      });
      return z.NEVER;
    }
    return size;
  })
  .meta({ description: 'size in bytes: an integer, 0x10000, 64k or 64 KiB' });

const shortText = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[\x20-\x7e]*$/, 'printable ASCII only');

/** Identifiers by header; every section is optional. */
export const vendorHeadersSchema = z.strictObject({
  uimage: z
    .strictObject({
      magic: wordSchema.optional(),
      load: wordSchema.optional(),
      entry: wordSchema.optional(),
      name: shortText(32).optional(),
      type: wordSchema.optional().describe('type number that the splitter looks for; 2 is kernel'),
      padding: sizeSchema.optional().describe('bytes behind the image that belong to it (openwrt,padding)'),
    })
    .optional(),
  tplink: z
    .strictObject({
      header_version: z.union([z.literal(1), z.literal(2), z.literal(3)]),
      hardware_id: wordSchema,
      hardware_revision: wordSchema,
      hardware_revision_add: wordSchema.optional(),
      flash_layout: z.string(),
      version: shortText(47).optional(),
    })
    .optional(),
  safeloader: z.strictObject({ board: z.string() }).optional(),
  seama: z.strictObject({ signature: shortText(128), mtdblock: z.int().min(0).max(31) }).optional(),
  wrgg: z
    .strictObject({ signature: shortText(32), device: shortText(32), version: shortText(16).optional() })
    .optional(),
  netgear: z
    .strictObject({
      board_id: shortText(64),
      hardware_id: shortText(64).optional(),
      region: z.union([shortText(8), z.int().min(0).max(255)]).optional(),
    })
    .optional(),
  ubiquiti: z
    .strictObject({
      magic: shortText(4).optional(),
      board: shortText(16),
      chip: shortText(16).optional(),
      type: shortText(8).optional(),
      version: shortText(64),
    })
    .optional(),
  luxul: z.strictObject({ board: shortText(16) }).optional(),
  fit: z.strictObject({ config: z.string().optional() }).optional(),
  trx: z.strictObject({ magic: wordSchema.optional() }).optional(),
});

/** Identifiers by header, as read from a profile. */
export type VendorHeaders = z.output<typeof vendorHeadersSchema>;
