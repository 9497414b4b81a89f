import { z } from 'zod';
import { readChunks } from './fwtool.js';

/** What is read of the metadata; unknown keys are left alone. */
const metadataSchema = z.object({
  compat_version: z.string().optional(),
  compat_message: z.string().optional(),
  supported_devices: z.array(z.string()).optional(),
  new_supported_devices: z.array(z.string()).optional(),
  version: z
    .object({
      dist: z.string().optional(),
      version: z.string().optional(),
      revision: z.string().optional(),
    })
    .optional()
    .catch(undefined),
});

/** Metadata as an image carries it. With a compat version other than 1.0 `supported_devices` holds a sentence. */
export type CarriedMetadata = z.output<typeof metadataSchema>;

/**
 * Reads the JSON of a metadata chunk.
 *
 * @returns undefined for what is not the JSON that sysupgrade reads
 */
export function parseMetadata(json: string): CarriedMetadata | undefined {
  try {
    return metadataSchema.safeParse(JSON.parse(json)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Reads the metadata behind an image; undefined when there is none, or none that can be read. */
export function readMetadata(image: Uint8Array): CarriedMetadata | undefined {
  const chunk = readChunks(image).find(({ type }) => type === 'metadata');
  return chunk && parseMetadata(Buffer.from(chunk.payload).toString('utf8'));
}

/** Names the devices that an image is for; undefined when it does not say. */
export function deviceNames(image: Uint8Array): readonly string[] | undefined {
  const metadata = readMetadata(image);
  return metadata?.new_supported_devices ?? metadata?.supported_devices;
}
