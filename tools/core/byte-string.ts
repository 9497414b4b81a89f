/**
 * Names and paths as bytes: a string in which each char code is one byte (0 to 255).
 *
 * Image formats store names as bytes of no declared encoding. A byte string keeps them exactly, is hashable (a key
 * of a Map), and compares with `<` in the order of the raw bytes, which is the order that the formats sort by.
 * The brand keeps text (UTF-16) and byte strings apart at compile time.
 */

import { printable } from './printable.js';

declare const brand: unique symbol;

/** Bytes, one per char code; made only by the functions of this file. */
export type ByteString = string & { readonly [brand]: true };

/** Takes bytes as a byte string, unchanged. */
export function byteString(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1') as ByteString;
}

/** Splits a string of bytes into the byte strings in it, each ended by a zero byte. */
export function zeroEndedStrings(bytes: string): ByteString[] {
  if (bytes === '') return [];
  const strings = bytes.split('\0') as ByteString[];
  strings.pop();
  return strings;
}

/** Encodes text as UTF-8 and takes the result as a byte string. */
export function byteStringFromText(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1') as ByteString;
}

/** Returns the bytes of a byte string in a new array. */
export function bytesOf(name: ByteString): Uint8Array {
  return new Uint8Array(Buffer.from(name, 'latin1'));
}

/**
 * Decodes a byte string as UTF-8 for people to read. Bytes that are not UTF-8 become `\xNN`; so do, as `printable` writes them,
 * the characters with which a name could break a line or command a terminal.
 */
export function textOf(name: ByteString): string {
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString('utf8');
  if (!text.includes('\uFFFD') || Buffer.from(text, 'utf8').equals(bytes)) return printable(text);
  return name.replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Joins a directory path and a name; the root is `/`. */
export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return (directory === '/' ? `/${name}` : `${directory}/${name}`) as ByteString;
}

/** Orders byte strings by their raw bytes, for `Array.sort`. */
export function compareBytes(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
