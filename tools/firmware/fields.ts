/**
 * Field tables: one declaration of a structure, from which it is both read and written.
 *
 * A table names each field with its offset, width and byte order. Bytes that no field covers are preserved as the
 * table's fill byte on writing; `unclaimed` tells a reader whether they hold something else.
 */
import { FormatError } from '../core/index.js';

/** One field: where it stands, and how its value is read from and written to the structure's own bytes. */
export interface Field<Value> {
  readonly offset: number;
  readonly size: number;
  read(bytes: Uint8Array): Value;
  write(bytes: Uint8Array, value: Value): void;
}

/** The plain object that a table reads to and writes from. */
export type FieldValues<Fields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends Field<infer Value> ? Value : never;
};

/** A structure of fixed size. */
export interface FieldTable<Fields> {
  readonly name: string;
  readonly size: number;
  readonly fields: Fields;
  /** Reads every field of the structure that starts at `offset`; FW_FIRMWARE_TRUNCATED when it runs past the end. */
  read(bytes: Uint8Array, offset?: number): FieldValues<Fields>;
  /** Writes a new structure. */
  write(values: FieldValues<Fields>): Uint8Array;
  /** Says whether every byte outside the fields is the fill byte. */
  isPlain(bytes: Uint8Array, offset?: number): boolean;
}

/** Declares a structure of `size` bytes; bytes outside the fields are written as `fill`. */
export function fieldTable<
  const Fields extends Readonly<Record<string, Field<number> | Field<string> | Field<Uint8Array>>>,
>(name: string, size: number, fields: Fields, fill = 0): FieldTable<Fields> {
  const entries = Object.entries<Field<number> | Field<string> | Field<Uint8Array>>(fields);
  const covered = new Uint8Array(size);
  for (const [, field] of entries) covered.fill(1, field.offset, field.offset + field.size);
  const slice = (bytes: Uint8Array, offset: number): Uint8Array => {
    if (offset < 0 || offset + size > bytes.length)
      throw new FormatError(
        'FW_FIRMWARE_TRUNCATED',
        `${name} at 0x${offset.toString(16)} needs ${size} bytes, found ${Math.max(0, bytes.length - offset)}`,
        { data: { structure: name, offset, expected: size, found: Math.max(0, bytes.length - offset) } },
      );
    return bytes.subarray(offset, offset + size);
  };
  return {
    name,
    size,
    fields,
    read(bytes, offset = 0) {
      const own = slice(bytes, offset);
      // The mapped type pairs each name with its field's own value type; Object.fromEntries loses that pairing.
      return Object.fromEntries(entries.map(([key, field]) => [key, field.read(own)])) as FieldValues<Fields>;
    },
    write(values) {
      const own = new Uint8Array(size).fill(fill);
      for (const [key, field] of entries) {
        const value: unknown = values[key as keyof Fields];
        (field as Field<unknown>).write(own, value);
      }
      return own;
    },
    isPlain(bytes, offset = 0) {
      return slice(bytes, offset).every((byte, index) => covered[index] === 1 || byte === fill);
    },
  };
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** One byte. */
export const u8 = (offset: number): Field<number> => ({
  offset,
  size: 1,
  read: (bytes) => view(bytes).getUint8(offset),
  write: (bytes, value) => view(bytes).setUint8(offset, value),
});

/** 16 bits, big-endian. */
export const u16be = (offset: number): Field<number> => ({
  offset,
  size: 2,
  read: (bytes) => view(bytes).getUint16(offset),
  write: (bytes, value) => view(bytes).setUint16(offset, value),
});

/** 16 bits, little-endian. */
export const u16le = (offset: number): Field<number> => ({
  offset,
  size: 2,
  read: (bytes) => view(bytes).getUint16(offset, true),
  write: (bytes, value) => view(bytes).setUint16(offset, value, true),
});

/** 32 bits, big-endian. */
export const u32be = (offset: number): Field<number> => ({
  offset,
  size: 4,
  read: (bytes) => view(bytes).getUint32(offset),
  write: (bytes, value) => view(bytes).setUint32(offset, value),
});

/** 64 bits, big-endian; values are lengths and places below 2^53. */
export const u64be = (offset: number): Field<number> => ({
  offset,
  size: 8,
  read: (bytes) => Number(view(bytes).getBigUint64(offset)),
  write: (bytes, value) => view(bytes).setBigUint64(offset, BigInt(value)),
});

/** 32 bits, little-endian. */
export const u32le = (offset: number): Field<number> => ({
  offset,
  size: 4,
  read: (bytes) => view(bytes).getUint32(offset, true),
  write: (bytes, value) => view(bytes).setUint32(offset, value, true),
});

/** Raw bytes; shorter values are filled up with `fill`, longer ones are refused. */
export const raw = (offset: number, size: number, fill = 0): Field<Uint8Array> => ({
  offset,
  size,
  // A copy also of a Buffer, whose own `slice` would be a view.
  read: (bytes) => Uint8Array.from(bytes.subarray(offset, offset + size)),
  write: (bytes, value) => {
    requireRoom(value.length, size);
    bytes.fill(fill, offset, offset + size);
    bytes.set(value, offset);
  },
});

/**
 * Text of one byte a character; the fill behind it is dropped on reading. Zeros in the middle are kept, so that what
 * was read writes back the same.
 */
export const text = (offset: number, size: number, fill = 0): Field<string> => ({
  offset,
  size,
  read: (bytes) => {
    let end = offset + size;
    while (end > offset && bytes[end - 1] === fill) end -= 1;
    return Buffer.from(bytes.subarray(offset, end)).toString('latin1');
  },
  write: (bytes, value) => {
    requireRoom(value.length, size);
    bytes.fill(fill, offset, offset + size);
    bytes.set(Buffer.from(value, 'latin1'), offset);
  },
});

function requireRoom(length: number, size: number): void {
  if (length > size)
    throw new FormatError('FW_FIRMWARE_FIELD', `value of ${length} bytes does not fit a field of ${size}`, {
      data: { expected: size, found: length },
    });
}
