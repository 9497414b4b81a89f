import type { ByteString } from '../core/index.js';

/** Names known to be absent that one directory remembers. */
const absentMax = 1024;

/** What a directory remembers of its names: the alias, or null for a name that is known to be absent (27). */
export class NameCache<Alias extends { readonly name: ByteString }> {
  readonly #known = new Map<ByteString, Alias | null>();
  #absent = 0;

  get(name: ByteString): Alias | null | undefined {
    return this.#known.get(name);
  }

  add(alias: Alias): void {
    if (this.#known.get(alias.name) === null) this.#absent -= 1;
    this.#known.set(alias.name, alias);
  }

  addAbsent(name: ByteString): void {
    if (this.#known.get(name) === null) return;
    if (this.#absent >= absentMax) this.#dropAbsent();
    this.#known.set(name, null);
    this.#absent += 1;
  }

  /** Forgets a name, so that it is looked up again; returns the alias that it had. */
  forget(name: ByteString): Alias | undefined {
    const known = this.#known.get(name);
    if (known === null) this.#absent -= 1;
    this.#known.delete(name);
    return known ?? undefined;
  }

  #dropAbsent(): void {
    for (const [name, alias] of this.#known) if (alias === null) this.#known.delete(name);
    this.#absent = 0;
  }
}
