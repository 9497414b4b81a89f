/**
 * How long an ELF file is: boot loaders of some boards start the kernel as one, and the root file system stands behind.
 *
 * @see System V ABI, "ELF header", "Program header"; Linux as patched by OpenWrt, drivers/mtd/mtdsplit/mtdsplit_elf.c
 */
import { startsWith } from './bytes.js';

const magic = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);

/** Places of the fields by class: width of an address, then offsets. */
const layouts = {
  1: { wide: false, phoff: 28, shoff: 32, phentsize: 42, header: 52, fileOffset: 4, fileSize: 16 },
  2: { wide: true, phoff: 32, shoff: 40, phentsize: 54, header: 64, fileOffset: 8, fileSize: 32 },
} as const;

/**
 * Computes the size of the ELF file at the start of `bytes`: up to the end of its section table, or, without one, of its
 * last segment.
 *
 * @returns undefined when no ELF file starts there, or when it says places beyond the bytes
 */
export function elfSize(bytes: Uint8Array): number | undefined {
  if (!startsWith(bytes, magic)) return undefined;
  const layout = bytes[4] === 1 ? layouts[1] : bytes[4] === 2 ? layouts[2] : undefined;
  if (layout === undefined || bytes.length < layout.header) return undefined;
  const little = bytes[5] === 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const address = (at: number): number =>
    layout.wide ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const half = (at: number): number => view.getUint16(at, little);
  const [programs, sections] = [address(layout.phoff), address(layout.shoff)];
  const entry = { programSize: half(layout.phentsize), programs: half(layout.phentsize + 2) };
  const section = { size: half(layout.phentsize + 4), count: half(layout.phentsize + 6) };
  let size = sections > 0 ? sections + section.size * section.count : 0;
  if (sections === 0) {
    for (let index = 0; index < entry.programs; index += 1) {
      const at = programs + index * entry.programSize;
      if (at + layout.fileSize + 8 > bytes.length) return undefined;
      size = Math.max(size, address(at + layout.fileOffset) + address(at + layout.fileSize));
    }
  }
  return size >= layout.header && size <= bytes.length ? size : undefined;
}
