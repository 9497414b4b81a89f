/**
 * How long a chip takes, so that an emulated device can say how long formatting or an upgrade takes.
 *
 * Figures are the typical ones that data sheets of the kind give; a real chip, worn or cold, may need several times that.
 */
export interface FlashTiming {
  /** Programming works on buffers of this many bytes; a part of a buffer costs as much as a whole. */
  readonly programUnit: number;
  readonly programUnitNs: number;
  readonly eraseBlockNs: number;
  readonly readByteNs: number;
  /** Command and address of any operation. */
  readonly commandNs: number;
}

const MS = 1_000_000;

/**
 * Gives the timing of a usual SPI NOR chip (25-series, 256-byte pages, 50 MHz single-bit reads).
 *
 * Erase times by erase size: 4 KiB 45 ms, 32 KiB 120 ms, 64 KiB 150 ms, larger in proportion to 64 KiB.
 */
export function spiNorTiming(eraseSize: number): FlashTiming {
  const eraseMs = eraseSize <= 4096 ? 45 : eraseSize <= 32768 ? 120 : 150 * Math.max(1, eraseSize / 65536);
  return {
    programUnit: 256,
    programUnitNs: 0.7 * MS,
    eraseBlockNs: eraseMs * MS,
    readByteNs: 160,
    commandNs: 1_000,
  };
}

/** Computes the time of programming `length` bytes at `offset`. */
export function programTimeNs(timing: FlashTiming, offset: number, length: number): number {
  if (length === 0) return timing.commandNs;
  const first = Math.floor(offset / timing.programUnit);
  const last = Math.floor((offset + length - 1) / timing.programUnit);
  return (last - first + 1) * (timing.programUnitNs + timing.commandNs);
}
