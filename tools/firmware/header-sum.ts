/**
 * The sum in the header that a boot loader reads in the flash: TRX, Seama and WRGG cover the image behind it. What it covers must
 * not be written, so OpenWrt's first boot shrinks it to the kernel (`mtd fixtrx`, `fixseama`, `fixwrgg`).
 *
 * @see SPEC.md "TRX", "Seama", "WRGG"; OpenWrt package/system/mtd, src/trx.c, src/seama.c, src/wrgg.c
 */
import { createHash } from 'node:crypto';
import { concatBytes, sameBytes, wordBe, wordLe } from './bytes.js';
import { readSeama, seamaMagic, seamaTable } from './seama.js';
import type { SplitBoard } from './split.js';
import { readTrx, sealTrx, trxMagic, trxTable } from './trx.js';
import { isWrgg, readWrgg, sealWrgg, wrggTable } from './wrgg.js';

/** The sum in a header, compared. */
export interface HeaderSum {
  /** Header and sum, in words. */
  readonly what: string;
  readonly isRight: boolean;
  /** Where the covered bytes end, from the start of the header. */
  readonly end: number;
}

/**
 * Compares the sum of the header at the start of `firmware`.
 *
 * @param firmware  the partition's bytes, or an image for it
 * @returns undefined where the board's header has no sum over its image, or there is no such header
 * @throws FormatError for a header whose lengths are impossible
 */
export function headerSum(firmware: Uint8Array, { split, headers }: SplitBoard): HeaderSum | undefined {
  const magic = headers.trx?.magic ?? trxMagic;
  switch (split.parser) {
    case 'seama': {
      if (wordBe(firmware, 0) !== seamaMagic) return undefined;
      const { digestOk, imageOffset, imageSize } = readSeama(firmware);
      return digestOk === undefined
        ? undefined
        : { what: 'MD5 of the Seama image', isRight: digestOk, end: imageOffset + imageSize };
    }
    case 'trx':
    case 'mainline-trx': {
      if (wordLe(firmware, 0) !== magic) return undefined;
      const { crcOk, header } = readTrx(firmware, 0, magic);
      return { what: 'CRC of the TRX', isRight: crcOk, end: header.length };
    }
    case 'wrgg': {
      if (!isWrgg(firmware)) return undefined;
      const { digestOk, header } = readWrgg(firmware);
      return { what: 'MD5 of the WRGG image', isRight: digestOk, end: wrggTable.size + header.size };
    }
    default:
      return undefined;
  }
}

/**
 * Makes the header at the start of `firmware` as the `fix` commands of `mtd` write it.
 *
 * @param dataSize  bytes that stay covered, and never more than before (TRX: whatever was before); absent: as many as before, for
 *   an image whose content was changed
 * @returns the header; undefined when it is right already, or there is none with a sum
 * @throws FormatError as `headerSum`
 */
export function fixHeader(
  firmware: Uint8Array,
  board: SplitBoard,
  dataSize?: number,
): Uint8Array | undefined {
  if (headerSum(firmware, board) === undefined) return undefined;
  const header = fixedHeader(firmware, board, dataSize);
  return sameBytes(header, firmware.subarray(0, header.length)) ? undefined : header;
}

function fixedHeader(firmware: Uint8Array, { split }: SplitBoard, dataSize: number | undefined): Uint8Array {
  switch (split.parser) {
    case 'seama': {
      const { imageOffset, imageSize } = readSeama(firmware);
      const size = Math.min(dataSize ?? imageSize, imageSize);
      const digest = createHash('md5')
        .update(firmware.subarray(imageOffset, imageOffset + size))
        .digest();
      return concatBytes(seamaTable.write({ ...seamaTable.read(firmware), imageSize: size }), digest);
    }
    case 'wrgg': {
      const header = wrggTable.read(firmware);
      const size = Math.min(dataSize ?? header.size, header.size);
      const image = firmware.subarray(wrggTable.size, wrggTable.size + size);
      return sealWrgg(concatBytes(wrggTable.write({ ...header, size }), image)).subarray(0, wrggTable.size);
    }
    default: {
      const length = dataSize === undefined ? trxTable.read(firmware).length : dataSize + trxTable.size;
      return sealTrx(firmware.subarray(0, length), length).subarray(0, trxTable.size);
    }
  }
}
