/** Bytes of one unit of allocation. */
export const PAGE_SIZE = 4096;

const zeroPage = new Uint8Array(PAGE_SIZE);

/**
 * The content of a file in memory, with holes.
 *
 * A page is never changed in place, only replaced: two copies made by `clone` may share pages without knowing it. A
 * page may be shorter than PAGE_SIZE; what it lacks is zero.
 */
export class SparseBytes {
  #size = 0;
  readonly #pages: Map<number, Uint8Array>;

  constructor(pages = new Map<number, Uint8Array>(), size = 0) {
    this.#pages = pages;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** Pages that hold data; the rest is holes. */
  get pageCount(): number {
    return this.#pages.size;
  }

  clone(): SparseBytes {
    return new SparseBytes(new Map(this.#pages), this.#size);
  }

  read(offset: number, length: number): Uint8Array {
    const end = Math.min(this.#size, offset + length);
    if (offset >= end) return new Uint8Array(0);
    const result = new Uint8Array(end - offset);
    for (let at = offset; at < end;) {
      const index = Math.floor(at / PAGE_SIZE);
      const from = at - index * PAGE_SIZE;
      const to = Math.min(PAGE_SIZE, from + end - at);
      const page = this.#pages.get(index);
      if (page && page.length > from) {
        result.set(from === 0 && page.length <= to ? page : page.subarray(from, to), at - offset);
      }
      at += to - from;
    }
    return result;
  }

  write(offset: number, data: Uint8Array): void {
    const end = offset + data.length;
    // Not data.slice(): that of a Buffer shares its memory.
    const copy = new Uint8Array(data);
    for (let at = offset; at < end;) {
      const index = Math.floor(at / PAGE_SIZE);
      const from = at - index * PAGE_SIZE;
      const to = Math.min(PAGE_SIZE, from + end - at);
      const fresh = copy.subarray(at - offset, at - offset + to - from);
      at += to - from;
      const old = this.#pages.get(index);
      if (from === 0 && (!old || old.length <= to)) {
        this.#pages.set(index, fresh);
      } else {
        const page = new Uint8Array(Math.max(old?.length ?? 0, to));
        if (old) page.set(old);
        page.set(fresh, from);
        this.#pages.set(index, page);
      }
    }
    this.#size = Math.max(this.#size, end);
  }

  /** Cuts, or extends with a hole. */
  truncate(size: number): void {
    if (size < this.#size) this.punch(size, this.lastAllocated());
    this.#size = size;
  }

  /** Puts zeros where nothing is, from `from` to `to`; the size stays. */
  allocate(from: number, to: number): void {
    for (let index = Math.floor(from / PAGE_SIZE); index * PAGE_SIZE < to; index++) {
      if (!this.#pages.has(index)) this.#pages.set(index, zeroPage);
    }
  }

  /** Makes whole pages of the range holes, and fills the rest of it with zeros; the size stays. */
  punch(from: number, to: number): void {
    const first = Math.floor(from / PAGE_SIZE);
    const last = Math.floor((to - 1) / PAGE_SIZE);
    for (const index of this.#pagesIn(first, last)) {
      const page = this.#pages.get(index);
      const base = index * PAGE_SIZE;
      if (!page) continue;
      if (from <= base && to >= base + PAGE_SIZE) {
        this.#pages.delete(index);
      } else {
        const copy = page.slice();
        copy.fill(0, Math.max(0, from - base), Math.min(PAGE_SIZE, to - base));
        this.#pages.set(index, copy);
      }
    }
  }

  /** How many pages a write of the range would add. */
  missingPages(from: number, to: number): number {
    let count = 0;
    for (let index = Math.floor(from / PAGE_SIZE); index * PAGE_SIZE < to; index++) {
      if (!this.#pages.has(index)) count += 1;
    }
    return count;
  }

  /** End of the longest prefix of the range that needs at most `room` new pages. */
  fitting(from: number, to: number, room: number): number {
    let left = room;
    for (let index = Math.floor(from / PAGE_SIZE); left < Infinity && index * PAGE_SIZE < to; index++) {
      if (!this.#pages.has(index) && --left < 0) return Math.max(from, index * PAGE_SIZE);
    }
    return to;
  }

  /** Next offset with data at or after `offset`, or undefined when only a hole follows. */
  nextData(offset: number): number | undefined {
    const index = Math.floor(offset / PAGE_SIZE);
    let next = Infinity;
    if (this.#pages.has(index)) next = index;
    else for (const page of this.#pages.keys()) if (page > index && page < next) next = page;
    const found = Math.max(offset, next * PAGE_SIZE);
    return found < this.#size ? found : undefined;
  }

  /** Next offset without data at or after `offset`; the end of the file counts as one. */
  nextHole(offset: number): number {
    let index = Math.floor(offset / PAGE_SIZE);
    if (!this.#pages.has(index)) return offset;
    while (this.#pages.has(index)) index += 1;
    return Math.min(index * PAGE_SIZE, this.#size);
  }

  /** End of the last page; beyond the size where pages were reserved. */
  lastAllocated(): number {
    let end = this.#size;
    for (const index of this.#pages.keys()) end = Math.max(end, (index + 1) * PAGE_SIZE);
    return end;
  }

  /** Page numbers of the range that hold data: by number or by what is there, whichever is less work. */
  #pagesIn(first: number, last: number): number[] {
    if (last - first > this.#pages.size) {
      return [...this.#pages.keys()].filter((index) => index >= first && index <= last);
    }
    const found: number[] = [];
    for (let index = first; index <= last; index++) if (this.#pages.has(index)) found.push(index);
    return found;
  }
}
