/**
 * Takes a vendor's container apart as the vendor's updater does: what it writes into the partition `firmware`.
 *
 * Formats that stand in the flash with their header (TRX, uImage, TP-Link, a Seama entity, WRGG) are no containers here.
 *
 * @see SPEC.md "Containers"
 */
import { FormatError } from '../core/index.js';
import type { ChipLayout } from './chip-layout.js';
import { isCombined, readCombined } from './combined.js';
import { readLxl } from './luxul.js';
import { isNamedChecksum } from './named-checksum.js';
import { chkTable, readChk } from './netgear-chk.js';
import { dniHeaderSize, isDni, readDni } from './netgear-dni.js';
import { refuseOtherWay } from './other-ways.js';
import { isSafeloader, readSafeloader } from './safeloader.js';
import { readSeama, seamaMagic } from './seama.js';
import { startsWith, wordBe } from './bytes.js';
import { isTplinkV2 } from './tplink-v2.js';
import { isUbiquiti, readUbiquiti } from './ubiquiti.js';

interface Firmware {
  readonly offset: number;
  readonly size: number;
}

interface Container {
  readonly name: string;
  readonly recognises: (file: Uint8Array, firmware: Firmware) => boolean;
  /** Content of `firmware`; undefined where the container does not say it. */
  readonly content: (file: Uint8Array, firmware: Firmware, board: ChipLayout) => Uint8Array | undefined;
}

/**
 * Finds what an image puts into the partition `firmware`.
 *
 * @param image  any image file; no dump of the chip
 * @returns the image itself when it is in no vendor's container, or the board has no such partition
 * @throws FormatError FW_FIRMWARE_CONTAINER for a container with a wrong checksum, and for one that does not say what goes
 *   into `firmware`; FW_FIRMWARE_OTHER_WAY for an image that does not go there at all; what the reader of the format throws for a damaged header
 */
export function firmwareContent(image: Uint8Array, board: ChipLayout): Uint8Array {
  const firmware = board.partitions.find(({ label }) => label === 'firmware');
  const container = firmware && containers.find(({ recognises }) => recognises(image, firmware));
  if (!firmware || !container) {
    refuseOtherWay(image, board);
    return image;
  }
  const content = container.content(image, firmware, board);
  if (content !== undefined) {
    refuseOtherWay(content, board);
    return content;
  }
  throw fault(
    `the image is ${container.name}, which does not say what goes into "firmware" of this board`,
    container.name,
  );
}

const containers: readonly Container[] = [
  {
    name: 'a Ubiquiti container',
    recognises: (file) => isUbiquiti(file),
    content: (file, firmware, { flash }) => {
      const { headerCrcOk, parts, end } = readUbiquiti(file);
      requireIntact('a Ubiquiti container', {
        header: headerCrcOk,
        ...Object.fromEntries(parts.map(({ name, crcOk }) => [name, crcOk])),
        end: end?.crcOk ?? false,
      });
      // The CPU sees the chip at a multiple of its size.
      const pieces = parts.map((part) => ({ ...part, base: part.flashAddress % flash.size }));
      return pieces.every((piece) => isInside(piece, firmware)) ? placed(file, pieces, firmware) : undefined;
    },
  },
  {
    name: 'a TP-Link SafeLoader image',
    recognises: (file) => isSafeloader(file),
    content: (file, firmware) => {
      const { digestOk, parts, partitions } = readSafeloader(file);
      requireIntact('a TP-Link SafeLoader image', { MD5: digestOk });
      // The small parts have partitions of their own; they say who may take the image, not what runs.
      const pieces = parts.flatMap((part) => {
        const base = partitions.find(({ name }) => name === part.name)?.base;
        return base !== undefined && isInside({ base }, firmware) ? [{ ...part, base }] : [];
      });
      return placed(file, pieces, firmware);
    },
  },
  {
    name: 'a TP-Link recovery image',
    // The place of the boot loader is left blank, so that the file is what the chip holds from its start.
    recognises: (file, { offset }) =>
      offset > 0 && isTplinkV2(file, offset) && file.subarray(0, offset).every((byte) => byte === 0),
    content: (file, { offset }) => file.subarray(offset),
  },
  {
    name: 'a sealed Seama image',
    recognises: (file) => wordBe(file, 0) === seamaMagic && readSeama(file).kind === 'seal',
    content: (file) => {
      const entity = file.subarray(readSeama(file).imageOffset);
      if (wordBe(entity, 0) !== seamaMagic) return undefined;
      requireIntact('a sealed Seama image', { MD5: readSeama(entity).digestOk ?? false });
      return entity;
    },
  },
  {
    name: 'a Netgear DNI image',
    recognises: (file) => isDni(file),
    content: (file) => {
      requireIntact('a Netgear DNI image', { 'checksum byte': readDni(file).checksumOk });
      return file.subarray(dniHeaderSize, -1);
    },
  },
  {
    name: 'a Netgear CHK image',
    recognises: (file) => startsWith(file, chkMagic) && file.length >= chkTable.size,
    content: (file) => {
      const { header, headerOk, kernelOk, imageOk } = readChk(file);
      requireIntact('a Netgear CHK image', { header: headerOk, kernel: kernelOk, image: imageOk });
      // A second part is a root file system with a place that only the vendor's boot loader knows.
      if (header.rootfsLength > 0) return undefined;
      return file.subarray(header.headerLength, header.headerLength + header.kernelLength);
    },
  },
  {
    name: 'a Luxul LXL image',
    recognises: (file) => startsWith(file, Buffer.from('LXL#')),
    content: (file) => file.subarray(readLxl(file).headerSize),
  },
  {
    name: 'a combined image',
    recognises: (file) => isCombined(file),
    content: (file) => {
      const { kernel, rootfs, digestOk } = readCombined(file);
      requireIntact('a combined image', { MD5: digestOk });
      // `mtd -F kernel:...,rootfs` writes them as one stream.
      return file.subarray(kernel.offset, rootfs.offset + rootfs.size);
    },
  },
  {
    name: 'a Xiaomi HDR1 image',
    recognises: (file) => startsWith(file, Buffer.from('HDR1')),
    content: () => undefined,
  },
  {
    name: 'an image behind a name and checksum header',
    recognises: (file) => isNamedChecksum(file),
    content: () => undefined,
  },
];

const chkMagic = Uint8Array.of(0x2a, 0x23, 0x24, 0x5e);

/** A part of a file, and where on the chip it goes. */
interface Piece {
  readonly offset: number;
  readonly size: number;
  readonly base: number;
}

function isInside({ base }: Pick<Piece, 'base'>, { offset, size }: Firmware): boolean {
  return base >= offset && base < offset + size;
}

/** Lays pieces out as they come to stand in `firmware`; undefined when they do not begin with it, or two meet in one place. */
function placed(file: Uint8Array, pieces: readonly Piece[], firmware: Firmware): Uint8Array | undefined {
  const sorted = pieces.filter(({ size }) => size > 0).sort((a, b) => a.base - b.base);
  const [first, last] = [sorted[0], sorted.at(-1)];
  const meets = ({ base, size }: Piece, index: number): boolean =>
    base + size > (sorted[index + 1]?.base ?? Infinity);
  if (!last || first?.base !== firmware.offset || sorted.some(meets)) return undefined;
  const content = new Uint8Array(last.base + last.size - firmware.offset).fill(0xff);
  for (const { offset, size, base } of sorted)
    content.set(file.subarray(offset, offset + size), base - firmware.offset);
  return content;
}

/** An updater looks at the checksums before it writes anything. */
function requireIntact(name: string, checks: Readonly<Record<string, boolean>>): void {
  const wrong = Object.keys(checks).filter((check) => checks[check] !== true);
  if (wrong.length > 0)
    throw fault(`the image is ${name}, and damaged: wrong checksum (${wrong.join(', ')})`, name);
}

function fault(message: string, container: string): FormatError {
  return new FormatError('FW_FIRMWARE_CONTAINER', message, {
    hint: 'firmwright unpack FILE -C DIR takes it apart; or give the sysupgrade image',
    data: { container },
  });
}
