/** Reads what packages say of their licence as an SPDX expression. */
import parse from 'spdx-expression-parse';

/**
 * Finds the SPDX expression for a package's licence line; a list without operators means that all of them hold.
 *
 * @returns undefined when a word of it is no SPDX licence
 * @see SPDX 2.3 Annex D
 */
export function licenseExpression(text: string): string | undefined {
  const words = text.replaceAll(',', ' ').trim();
  const expression = /\b(AND|OR|WITH)\b/.test(words) ? words : words.split(/\s+/).join(' AND ');
  try {
    parse(expression);
    return expression;
  } catch {
    return undefined;
  }
}
