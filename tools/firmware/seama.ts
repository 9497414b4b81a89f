/**
 * Seama, the container of D-Link and Alpha boot loaders: header, meta strings, MD5 of the image.
 *
 * @see SPEC.md "Seama"; OpenWrt firmware-utils src/seama.c
 */
import { createHash } from 'node:crypto';
import { FormatError, roundUp } from '../core/index.js';
import { concatBytes, sameBytes } from './bytes.js';
import { fieldTable, u16be, u32be } from './fields.js';

/** Common part of entities and seals; an entity's MD5 follows, then the meta strings. */
export const seamaTable = fieldTable('Seama header', 12, {
  magic: u32be(0),
  reserved: u16be(4),
  metaSize: u16be(6),
  imageSize: u32be(8),
});

/** First word of a Seama header. */
export const seamaMagic = 0x5ea3a417;
const md5Size = 16;

function metaBytes(meta: readonly string[]): Uint8Array {
  const text = Buffer.from(meta.map((entry) => `${entry}\0`).join(''), 'latin1');
  return concatBytes(text, new Uint8Array(roundUp(text.length, 4) - text.length));
}

/** Wraps an image in an entity; `meta` are `key=value` texts. */
export function buildSeama(meta: readonly string[], image: Uint8Array): Uint8Array {
  const strings = metaBytes(meta);
  return concatBytes(
    seamaTable.write({ magic: seamaMagic, reserved: 0, metaSize: strings.length, imageSize: image.length }),
    md5(image),
    strings,
    image,
  );
}

/** Puts a seal in front of one or more entities. */
export function buildSeamaSeal(meta: readonly string[], entities: Uint8Array): Uint8Array {
  const strings = metaBytes(meta);
  const header = { magic: seamaMagic, reserved: 0, metaSize: strings.length, imageSize: 0 };
  return concatBytes(seamaTable.write(header), strings, entities);
}

const md5 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('md5').update(bytes).digest());

/** A header read from bytes. */
export interface SeamaReading {
  readonly kind: 'entity' | 'seal';
  readonly meta: readonly string[];
  /** Start of the image, or of what a seal covers, in the file. */
  readonly imageOffset: number;
  readonly imageSize: number;
  /** Undefined for a seal, which has no digest; false also when the image is cut. */
  readonly digestOk: boolean | undefined;
}

/**
 * Reads the Seama header that starts at `offset`.
 *
 * @throws FormatError FW_FIRMWARE_MAGIC or FW_FIRMWARE_TRUNCATED
 */
export function readSeama(bytes: Uint8Array, offset = 0): SeamaReading {
  const header = seamaTable.read(bytes, offset);
  if (header.magic !== seamaMagic)
    throw new FormatError('FW_FIRMWARE_MAGIC', `no Seama header at 0x${offset.toString(16)}`, {
      data: { structure: 'Seama header', offset, expected: seamaMagic, found: header.magic },
    });
  const isSeal = header.imageSize === 0;
  const metaOffset = offset + seamaTable.size + (isSeal ? 0 : md5Size);
  const imageOffset = metaOffset + header.metaSize;
  if (imageOffset > bytes.length)
    throw new FormatError('FW_FIRMWARE_TRUNCATED', 'the meta strings of a Seama header run past the end', {
      data: {
        structure: 'Seama header',
        offset,
        expected: header.metaSize,
        found: bytes.length - metaOffset,
      },
    });
  const meta = Buffer.from(bytes.subarray(metaOffset, imageOffset))
    .toString('latin1')
    .split('\0')
    .filter((entry) => entry !== '');
  const image = bytes.subarray(imageOffset, imageOffset + header.imageSize);
  const digest = bytes.subarray(offset + seamaTable.size, offset + seamaTable.size + md5Size);
  return {
    kind: isSeal ? 'seal' : 'entity',
    meta,
    imageOffset,
    imageSize: header.imageSize,
    digestOk: isSeal ? undefined : image.length === header.imageSize && sameBytes(md5(image), digest),
  };
}
