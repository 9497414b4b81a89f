/** The metadata of an image as a device finds it. */
import { byteString, FormatError } from '../../core/index.js';
import { readChunks } from '../../firmware/index.js';

/** Reads the text of the metadata chunk; undefined when the image has none that a device would find. */
export function imageMetadata(image: Uint8Array): string | undefined {
  try {
    const chunk = readChunks(image).find(({ type }) => type === 'metadata');
    return chunk && byteString(chunk.payload);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
