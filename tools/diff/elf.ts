/**
 * The part of an ELF file that the dynamic loader reads first: which libraries it needs, and where it looks for them.
 *
 * Source: System V ABI, chapters 4 and 5 (ELF header, program header, dynamic section); gABI 4.1.
 */
import type { Content } from '../vfs/index.js';

/** What the dynamic section of a program or library says. */
export interface DynamicSection {
  /** `elf32-big` and so on: a library serves only programs of its own kind. */
  readonly kind: string;
  readonly needed: readonly string[];
  /** Folders of RUNPATH, or of RPATH where there is no RUNPATH; may start with `$ORIGIN`. */
  readonly searchPath: readonly string[];
  /** Path of the dynamic loader, of programs. */
  readonly interpreter?: string;
}

const programHeader = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tag = { end: 0, needed: 1, strings: 5, rpath: 15, runpath: 29 } as const;
/** No real file comes near: a program has some ten headers, a dynamic section some forty entries, paths are short. */
const limits = { headers: 128, dynamic: 64 * 1024, text: 4096 } as const;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/**
 * Reads the dynamic section.
 *
 * @returns undefined for what is no ELF file, is linked statically, or is damaged: such a file needs nothing
 */
export function readDynamicSection(content: Content): DynamicSection | undefined {
  const reader = ElfReader.open(content);
  if (!reader) return undefined;
  const segments = reader.segments();
  const dynamic = segments.find(({ type }) => type === programHeader.dynamic);
  if (!dynamic) return undefined;
  const entries = reader.dynamicEntries(dynamic);
  const strings = entries.find(({ id }) => id === tag.strings)?.value;
  const table = strings === undefined ? undefined : offsetOf(strings, segments);
  if (table === undefined) return undefined;
  const texts = (id: number): string[] =>
    entries.filter((entry) => entry.id === id).map(({ value }) => reader.text(table + value));
  const paths = texts(tag.runpath).length > 0 ? texts(tag.runpath) : texts(tag.rpath);
  const interpreter = segments.find(({ type }) => type === programHeader.interpreter);
  return {
    kind: reader.kind,
    needed: texts(tag.needed),
    searchPath: paths.flatMap((path) => path.split(':')).filter((path) => path !== ''),
    ...(interpreter ? { interpreter: reader.text(interpreter.offset) } : {}),
  };
}

/** Where an address of the running program stands in the file. */
function offsetOf(address: number, segments: readonly Segment[]): number | undefined {
  const home = segments.find(
    (segment) =>
      segment.type === programHeader.load &&
      address >= segment.address &&
      address < segment.address + segment.size,
  );
  return home && home.offset + (address - home.address);
}

/** Reads fields of either class and byte order; beyond the end of the file everything is zero. */
class ElfReader {
  readonly #content: Content;
  readonly #wide: boolean;
  readonly #little: boolean;

  private constructor(content: Content, wide: boolean, little: boolean) {
    this.#content = content;
    this.#wide = wide;
    this.#little = little;
  }

  static open(content: Content): ElfReader | undefined {
    if (content.size < 52) return undefined;
    const [m0, m1, m2, m3, width, order] = content.read(0, 6);
    if (m0 !== 0x7f || m1 !== 0x45 || m2 !== 0x4c || m3 !== 0x46) return undefined;
    if ((width !== 1 && width !== 2) || (order !== 1 && order !== 2)) return undefined;
    return new ElfReader(content, width === 2, order === 1);
  }

  get kind(): string {
    const machine = this.#view(18, 2).getUint16(0, this.#little);
    return `elf${this.#wide ? 64 : 32}-${this.#little ? 'little' : 'big'}-${machine}`;
  }

  segments(): Segment[] {
    const start = this.#address(this.#wide ? 32 : 28);
    const counts = this.#view(this.#wide ? 54 : 42, 4);
    const size = counts.getUint16(0, this.#little);
    const count = Math.min(counts.getUint16(2, this.#little), limits.headers);
    return Array.from({ length: count }, (_, i) => {
      const at = start + i * size;
      const [offset, address, length] = this.#wide ? [8, 16, 32] : [4, 8, 16];
      return {
        type: this.#view(at, 4).getUint32(0, this.#little),
        offset: this.#address(at + offset),
        address: this.#address(at + address),
        size: this.#address(at + length),
      };
    });
  }

  dynamicEntries({ offset, size }: Segment): { id: number; value: number }[] {
    const width = this.#wide ? 8 : 4;
    const entries: { id: number; value: number }[] = [];
    for (let at = 0; at + 2 * width <= Math.min(size, limits.dynamic); at += 2 * width) {
      const id = this.#address(offset + at);
      if (id === tag.end) break;
      entries.push({ id, value: this.#address(offset + at + width) });
    }
    return entries;
  }

  text(offset: number): string {
    const bytes = Buffer.from(this.#content.read(offset, Math.min(limits.text, this.#left(offset))));
    const end = bytes.indexOf(0);
    return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
  }

  #address(offset: number): number {
    const view = this.#view(offset, this.#wide ? 8 : 4);
    return this.#wide ? Number(view.getBigUint64(0, this.#little)) : view.getUint32(0, this.#little);
  }

  #view(offset: number, length: number): DataView {
    const bytes = new Uint8Array(length);
    bytes.set(this.#content.read(offset, Math.min(length, this.#left(offset))));
    return new DataView(bytes.buffer);
  }

  #left(offset: number): number {
    return Math.max(0, this.#content.size - offset);
  }
}
