/**
 * Text of images on a screen. Names, versions and headers of an image are anyone's: an escape sequence in them would command the
 * terminal of whoever looks at the image, a line break would forge a line, a mark of writing direction would show another name.
 */

/** Controls (C0, DEL, C1), separators of lines and paragraphs, marks of the direction of writing. */
const commands = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const colours = new RegExp(String.raw`${String.fromCharCode(27)}\[\d+m|${commands.source}`, 'gu');

const shortForms: Readonly<Record<string, string>> = {
  '\n': String.raw`\n`,
  '\r': String.raw`\r`,
  '\t': String.raw`\t`,
};

/** Writes a text as one line that commands nothing: `\n`, `\x1b` and `\u202e` in place of the characters. */
export function printable(text: string): string {
  return text.replace(commands, escapeOf);
}

/** As `printable`, for whole pages: line breaks, tabs and colours stay. */
export function printablePage(text: string): string {
  return text.replace(colours, (found) =>
    found === '\n' || found === '\t' || found.length > 1 ? found : escapeOf(found),
  );
}

function escapeOf(char: string): string {
  const code = char.charCodeAt(0);
  const digits = code.toString(16);
  return (
    shortForms[char] ?? (code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`)
  );
}
