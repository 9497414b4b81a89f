/** What used flash may hold where a new image expects nothing: as proofs and scenarios put it there. */
import type { BoardProfile } from '../../boards/index.js';
import { fillerBytes } from './filler.js';

/** Kinds of old content. */
export const staleKinds = ['random', 'jffs2-other-endian', 'jffs2-other-erase-size', 'ubi'] as const;

/** One of the kinds. */
export type StaleKind = (typeof staleKinds)[number];

const cleanmarkerBig = [0x19, 0x85, 0x20, 0x03, 0, 0, 0, 0x0c, 0xf0, 0x60, 0xdc, 0x98];
const cleanmarkerLittle = [0x85, 0x19, 0x03, 0x20, 0x0c, 0, 0, 0, 0xb1, 0xb0, 0x1e, 0xe4];
const ubiHeader = [0x55, 0x42, 0x49, 0x23, 1];

/**
 * Makes `size` bytes of old content: filler, with the header of the kind at the start of each of its erase blocks.
 *
 * @param size  bytes, from the start of an erase block
 */
export function staleBytes(
  kind: StaleKind,
  size: number,
  { flash: { eraseSize }, endianness }: Pick<BoardProfile, 'flash' | 'endianness'>,
): Uint8Array {
  const bytes = fillerBytes(size, 7);
  const [own, other] =
    endianness === 'big' ? [cleanmarkerBig, cleanmarkerLittle] : [cleanmarkerLittle, cleanmarkerBig];
  const every = kind === 'jffs2-other-erase-size' ? (eraseSize === 4096 ? 65536 : 4096) : eraseSize;
  for (let offset = 0; offset < size; offset += every) {
    bytes.fill(0xff, offset, offset + Math.min(every, 4096));
    bytes.set(headerOf(kind, offset, own, other).slice(0, size - offset), offset);
  }
  return bytes;
}

function headerOf(
  kind: StaleKind,
  offset: number,
  own: readonly number[],
  other: readonly number[],
): readonly number[] {
  switch (kind) {
    case 'random':
      return [...fillerBytes(64, offset + 1)];
    case 'jffs2-other-endian':
      return other;
    case 'jffs2-other-erase-size':
      return own;
    case 'ubi':
      return ubiHeader;
  }
}
