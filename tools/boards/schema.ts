/**
 * The shape of a board profile file, from which the types, the checks and the JSON Schema for editors all come.
 *
 * Keys are spelt as users write them (snake_case, as in OpenWrt's profiles.json); `profile.ts` gives the rest of the
 * program the profile with names and defaults of its own.
 */
import { z } from 'zod';
import { isMarkerAlignment, sizeSchema, splitParsers, vendorHeadersSchema } from '../firmware/index.js';

const idPattern = /^[a-z0-9][a-z0-9._+-]*_[a-z0-9][a-z0-9._+-]*$/i;

const partitionSchema = z.strictObject({
  label: z.string().min(1).max(63),
  offset: sizeSchema.describe('from the start of the chip, or of the parent partition'),
  size: sizeSchema,
  read_only: z.boolean().default(false),
  parser: z.string().optional().describe('compatible string of the partition, which names its parser'),
  parent: z.string().optional().describe('label of the partition that this one is part of'),
  note: z.string().optional(),
});

const flashSchema = z.strictObject({
  kind: z.enum(['nor', 'nand']),
  size: sizeSchema,
  erase_size: sizeSchema,
  minor_erase_size: sizeSchema.optional().describe('smaller erase unit usable at partition edges'),
  write_size: sizeSchema.optional().describe('page of a NAND chip; 1 on NOR'),
  oob_size: sizeSchema.optional().describe('spare bytes per NAND page'),
});

const squashfsSchema = z
  .strictObject({
    compressor: z.enum(['xz', 'gzip', 'zstd', 'lz4', 'lzma', 'lzo']).default('xz'),
    block_size: sizeSchema.default(256 * 1024),
    dictionary_size: sizeSchema.optional().describe('default: the block size'),
    level: z.int().min(0).max(22).optional().describe("default: the compressor's strongest"),
    lc: z.int().min(0).max(4).default(0).describe('literal context bits of xz'),
    lp: z.int().min(0).max(4).default(2).describe('literal position bits of xz'),
    pb: z.int().min(0).max(4).default(2).describe('position bits of xz'),
    bcj: z
      .array(z.enum(['x86', 'powerpc', 'ia64', 'arm', 'armthumb', 'sparc']))
      .default([])
      .describe('branch filters that the xz decoder of the board kernel has'),
    effort: z
      .enum(['normal', 'more', 'most'])
      .default('normal')
      .describe('work for a smaller image; more and most try several coder parameters on every block'),
    read_memory: sizeSchema
      .optional()
      .describe('most memory that reading one block may take; default: a sixteenth of ram'),
  })
  .prefault({});

const jffs2Schema = z
  .strictObject({
    compressors: z
      .array(z.enum(['rtime', 'zlib', 'lzo', 'lzma']))
      .default(['rtime', 'lzma'])
      .describe('compressors that the board kernel has'),
    summary: z.boolean().default(true).describe('the board kernel writes erase block summaries'),
  })
  .prefault({});

/** A profile as users write it. */
export const boardProfileSchema = z
  .strictObject({
    id: z.string().regex(idPattern, 'must be vendor_model, such as tplink_archer-c7-v2'),
    name: z.string().min(1),
    target: z.string().regex(/^[a-z0-9]+\/[a-z0-9_]+$/, 'must be target/subtarget, such as ath79/generic'),
    arch: z.string().min(1),
    endianness: z.enum(['big', 'little']),
    board_name: z.string().optional().describe('first compatible string of the device tree'),
    supported_devices: z.array(z.string()),
    compat_version: z
      .string()
      .regex(/^\d+\.\d+$/, 'must be major.minor')
      .default('1.0'),
    compat_message: z.string().optional(),
    ram: sizeSchema.optional().describe('main memory of the board'),
    flash: flashSchema,
    partitions: z.array(partitionSchema).min(1),
    split: z.strictObject({
      mode: z
        .enum(['nested', 'by-name', 'none'])
        .describe('nested: kernel and rootfs are children of firmware; by-name: siblings of it'),
      parser: z.enum(splitParsers).optional(),
    }),
    block_size: sizeSchema
      .refine((size) => isMarkerAlignment(size), 'must be a power of two from 1 KiB to 16 MiB')
      .optional()
      .describe('BLOCKSIZE of the recipes: alignment of pad-rootfs'),
    image_size: sizeSchema.optional().describe('IMAGE_SIZE: default limit of check-size'),
    kernel_size: sizeSchema.optional().describe('KERNEL_SIZE: limit of the finished kernel file'),
    squashfs: squashfsSchema,
    jffs2: jffs2Schema,
    overlay: z
      .strictObject({
        reserve: sizeSchema
          .default(0)
          .describe('bytes asked for the overlay beyond the 5 erase blocks JFFS2 needs'),
      })
      .prefault({}),
    headers: vendorHeadersSchema.default({}),
    loaders: z
      .record(z.string(), z.string())
      .default({})
      .describe('what the file is that a step takes besides, by the name of the step'),
    kernel: z.string().describe('recipe of the kernel file').default('kernel-bin'),
    firmware: z
      .string()
      .optional()
      .describe(
        'recipe of what stands in the firmware partition; default: the sysupgrade image without metadata',
      ),
    artefacts: z.record(
      z
        .string()
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
          'an artefact is named with letters, digits, dot, dash and underscore',
        ),
      z.string(),
    ),
    sources: z.array(z.string()).default([]).describe('where the facts come from'),
    notes: z.array(z.string()).default([]),
  })
  .meta({ title: 'Firmwright board profile' });

/** A profile after the schema, before recipes are read. */
export type BoardProfileFile = z.output<typeof boardProfileSchema>;

/** Makes the JSON Schema (draft 2020-12) of profile files, for editors. */
export function boardProfileJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(boardProfileSchema, { io: 'input', target: 'draft-2020-12' }) };
}
