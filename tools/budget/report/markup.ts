/** Text as HTML: nothing that an image calls its files may become markup. */
import { groupDigits } from '../../core/index.js';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for elements and for quoted attributes; control and direction characters become visible. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (char) => entities[char] ?? char);
}

/**
 * Makes what cannot be seen visible: control characters, and those that turn the direction of text, with which a name
 * could pass for another.
 */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** Writes data for a script element of type application/json, which ends at the first `</script`. */
export function embeddedJson(data: unknown): string {
  return JSON.stringify(data)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}

/** Writes an integer in groups of three that no line break parts. */
export function digits(value: number): string {
  return groupDigits(value).replaceAll(' ', '\u202f');
}
