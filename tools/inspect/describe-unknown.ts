/** Says what unknown bytes look like: text, a dense stream, or a mixture. */

/** Bytes that are looked at; a sample tells as much as megabytes. */
const sampleSize = 64 * 1024;
/** Compressed and encrypted data have close to 8 bits a byte, machine code 5 to 6.5, text 4 to 5. */
const denseBits = 7.5;
/** Below this many bytes the count of bits says nothing. */
const leastForDensity = 1024;
const textShare = 0.95;
const shownText = 40;

/** One phrase for people. */
export function describeUnknown(bytes: Uint8Array): string {
  const sample = bytes.subarray(0, sampleSize);
  const text = textStart(sample);
  if (text !== undefined) return `text "${text}"`;
  if (sample.length >= leastForDensity && bitsPerByte(sample) >= denseBits)
    return 'unknown, dense as compressed or encrypted data';
  return 'unknown';
}

const isPrintable = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13);

/** The start of a text, if the bytes are one; a length in front and zeros behind are allowed. */
function textStart(bytes: Uint8Array): string | undefined {
  const start = bytes.findIndex(isPrintable);
  const zero = bytes.indexOf(0, start);
  const end = zero < 0 ? bytes.length : zero;
  const text = bytes.subarray(start, end);
  const rest = bytes.subarray(end).every((byte) => byte === 0 || byte === 0xff);
  if (start < 0 || start > 8 || text.length < 8 || !rest) return undefined;
  const printable = text.reduce((count, byte) => count + (isPrintable(byte) ? 1 : 0), 0);
  if (printable < text.length * textShare) return undefined;
  const shown = Buffer.from(text.subarray(0, shownText))
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return text.length > shownText ? `${shown}...` : shown;
}

/** Shannon entropy of the bytes. */
function bitsPerByte(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    counts[byte] = (counts[byte] ?? 0) + 1;
  }
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  return bits;
}
