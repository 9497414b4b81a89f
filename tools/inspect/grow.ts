/**
 * Lets containers grow: makes room in the middle of a file, and corrects the lengths and places that headers around it
 * hold. Checksums are another matter (seal.ts).
 */
import {
  chkTable,
  combinedTable,
  growSafeloader,
  seamaTable,
  tplinkV1Table,
  tplinkV2Table,
  trxTable,
  ubiquitiPartTable,
  uImageTable,
  wrggTable,
} from '../firmware/index.js';
import { makePart } from './part.js';
import type { Part } from './part.js';

/** Room made in a file: `delta` bytes at `at`, an offset of the file before. */
export interface Insertion {
  readonly at: number;
  readonly delta: number;
}

/** Lists the parts that a range lies in, outer ones first. */
export function partsAround(parts: readonly Part[], start: number, end: number): Part[] {
  const around = parts.find(({ offset, size }) => offset <= start && offset + size >= end);
  return around === undefined ? [] : [around, ...partsAround(around.parts, start, end)];
}

/**
 * Makes room in the parts: what stands behind moves, parts around it become longer, and the room is padding.
 *
 * @param byte  fill of the room, as the details of padding name it
 */
export function insertRoom(parts: readonly Part[], { at, delta }: Insertion, byte: string): Part[] {
  const room = makePart('padding', `padding ${byte}`, at, delta, { details: { byte } });
  const holder = parts.find(
    (part) => part.parts.length > 0 && part.offset < at && part.offset + part.size >= at,
  );
  const moved = parts.map((part): Part => {
    if (part === holder)
      return { ...part, size: part.size + delta, parts: insertRoom(part.parts, { at, delta }, byte) };
    return part.offset >= at ? shift(part, delta) : part;
  });
  return holder === undefined ? [...moved, room].sort((a, b) => a.offset - b.offset) : moved;
}

function shift(part: Part, delta: number): Part {
  return { ...part, offset: part.offset + delta, parts: part.parts.map((child) => shift(child, delta)) };
}

/** How a container changes: its own length, and what moved inside it. */
export interface Growth extends Insertion {
  /** Bytes that the container becomes longer by. */
  readonly growth: number;
}

/**
 * Corrects the length and the places that a container's header holds, in place.
 *
 * @param bytes  the file after room was made
 * @param part   the container as it was before; its header has not moved
 * @returns false for a container that cannot grow
 */
export function growContainer(bytes: Uint8Array, part: Part, { at, delta, growth }: Growth): boolean {
  const { offset } = part;
  const set = (content: Uint8Array): void => bytes.set(content, offset);
  /** A place inside the container, counted from its start. */
  const moved = (place: number): number => (place > 0 && offset + place >= at ? place + delta : place);
  switch (part.kind) {
    case 'uimage': {
      const header = uImageTable.read(bytes, offset);
      set(uImageTable.write({ ...header, size: header.size + growth }));
      return true;
    }
    case 'trx': {
      const header = trxTable.read(bytes, offset);
      set(
        trxTable.write({
          ...header,
          length: header.length + growth,
          offset0: moved(header.offset0),
          offset1: moved(header.offset1),
          offset2: moved(header.offset2),
        }),
      );
      return true;
    }
    case 'seama': {
      const header = seamaTable.read(bytes, offset);
      if (header.imageSize > 0) set(seamaTable.write({ ...header, imageSize: header.imageSize + growth }));
      return true;
    }
    case 'wrgg': {
      const header = wrggTable.read(bytes, offset);
      set(wrggTable.write({ ...header, size: header.size + growth }));
      return true;
    }
    case 'chk': {
      const header = chkTable.read(bytes, offset);
      const kernelEnd = offset + header.headerLength + header.kernelLength;
      const inKernel = header.rootfsLength === 0 || at <= kernelEnd;
      set(
        chkTable.write({
          ...header,
          kernelLength: header.kernelLength + (inKernel ? growth : 0),
          rootfsLength: header.rootfsLength + (inKernel ? 0 : growth),
        }),
      );
      return true;
    }
    case 'combined': {
      const header = combinedTable.read(bytes, offset);
      const kernelEnd = offset + combinedTable.size + parseInt(header.kernelLength, 16);
      const key = at <= kernelEnd ? 'kernelLength' : 'rootfsLength';
      const length = parseInt(header[key], 16) + growth;
      set(combinedTable.write({ ...header, [key]: length.toString(16).padStart(8, '0') }));
      return true;
    }
    case 'tplink-v1': {
      const header = tplinkV1Table.read(bytes, offset);
      const { kernelLength, rootfsOffset } = header;
      set(
        tplinkV1Table.write({
          ...header,
          kernelLength: kernelLength + growth,
          rootfsOffset: moved(rootfsOffset),
        }),
      );
      return true;
    }
    case 'tplink-v2': {
      const header = tplinkV2Table.read(bytes, offset);
      const { kernelLength, rootfsOffset } = header;
      set(
        tplinkV2Table.write({
          ...header,
          kernelLength: kernelLength + growth,
          rootfsOffset: moved(rootfsOffset),
        }),
      );
      return true;
    }
    case 'ubiquiti':
      return growUbiquiti(bytes, part, { at, delta, growth });
    case 'safeloader':
      return growSafeloader(bytes, offset, at, growth);
    // These hold no length of what is in them.
    case 'range':
    case 'dni':
    case 'named-checksum':
      return true;
    default:
      return false;
  }
}

/** The record of the part that grows stands in front of its data. */
function growUbiquiti(bytes: Uint8Array, part: Part, { at, growth }: Growth): boolean {
  const grown = part.parts.find(({ offset, size }) => offset < at && offset + size >= at);
  if (grown === undefined) return false;
  const place = grown.offset - ubiquitiPartTable.size;
  const record = ubiquitiPartTable.read(bytes, place);
  const dataSize = record.dataSize + growth;
  if (dataSize > record.partitionSize) return false;
  bytes.set(ubiquitiPartTable.write({ ...record, dataSize }), place);
  return true;
}
