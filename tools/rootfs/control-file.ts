/**
 * Control files of packages: paragraphs of `Field: value` lines, continued by lines that start with a space, as in
 * `status`, `control` and `Packages`. Bytes in, bytes out: text is UTF-8 and stays as it is.
 */

/** One paragraph; field names are compared without case, the first wins, order is kept. */
export class ControlParagraph {
  readonly #fields: readonly (readonly [string, string])[];

  constructor(fields: readonly (readonly [string, string])[]) {
    this.#fields = fields;
  }

  /** Value of a field, its continuation lines joined with `\n`; undefined when it is absent. */
  get(name: string): string | undefined {
    return this.#fields.find(([field]) => field.toLowerCase() === name.toLowerCase())?.[1];
  }

  /** Items of a comma-separated field, trimmed; empty when it is absent. */
  list(name: string): string[] {
    const items = (this.get(name) ?? '').split(',').map((item) => item.trim());
    return items.filter((item) => item !== '');
  }

  /** Items of a field of lines or words, such as `Conffiles`. */
  lines(name: string): string[] {
    const lines = (this.get(name) ?? '').split('\n').map((line) => line.trim());
    return lines.filter((line) => line !== '');
  }
}

/** Reads all paragraphs; lines that are neither field nor continuation are passed over, as opkg does. */
export function parseControl(text: string): ControlParagraph[] {
  const paragraphs: ControlParagraph[] = [];
  for (const block of text.split(/\n(?:[ \t]*\n)+/)) {
    const fields: [string, string][] = [];
    for (const line of block.split('\n')) {
      const field = /^([A-Za-z0-9_-]+):[ \t]*(.*)$/.exec(line);
      const last = fields.at(-1);
      if (field?.[1] !== undefined) fields.push([field[1], (field[2] ?? '').trimEnd()]);
      else if (/^[ \t]/.test(line) && last) last[1] += `\n${line.slice(1)}`;
    }
    if (fields.length > 0) paragraphs.push(new ControlParagraph(fields));
  }
  return paragraphs;
}

/** Takes the name out of a dependency such as `libc (>= 1.0)`; alternatives (`a | b`) give several. */
export function dependencyNames(dependency: string): string[] {
  return dependency.split('|').map((part) => part.replace(/\(.*\)/, '').trim());
}
