/** Says what came out of an unpacked set. */
import { createHash } from 'node:crypto';
import { groupDigits } from '../../core/index.js';
import type { Session } from '../command.js';
import type { RepackResultDocument } from '../documents/inspect.js';
import type { RepackedSet } from './read-set.js';

/** Prints the result of putting a set together. */
export function reportRepacked({ bytes, edited, notes }: RepackedSet, image: string, session: Session): void {
  for (const note of notes) session.warn(note);
  const result: RepackResultDocument = {
    schemaVersion: 1,
    image,
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    edited: [...edited],
    notes: [...notes],
  };
  const what = edited.length === 0 ? 'identical to the original' : `edited ${edited.join(', ')}`;
  session.result(result, () => `${image}: ${groupDigits(bytes.length)} bytes, ${what}\n`);
}
