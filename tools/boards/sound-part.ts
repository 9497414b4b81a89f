/**
 * The part of a file that has the right shape, for checks that reach across its fields: one wrong word must not hide that two
 * partitions overlap.
 */
import type { z } from 'zod';

/** What is sound, by top-level key; and where the items stood that were left out of a list. */
export interface SoundPart {
  readonly value: Readonly<Record<string, unknown>>;
  /** Gives a path into `value` as it was in the file. */
  readonly pathInFile: (path: readonly PropertyKey[]) => readonly PropertyKey[];
}

/** Every round leaves out at least one value; files of honest users need two or three. */
const roundLimit = 64;

/** Leaves out of a parsed file what its schema refuses: a value, else the item of a list, else the whole key. */
export function soundPart(shape: Readonly<Record<string, z.ZodType>>, file: unknown): SoundPart {
  const value: Record<string, unknown> = {};
  const removed = new Map<PropertyKey, number[]>();
  const fields = typeof file === 'object' && file !== null ? structuredClone(file) : {};
  for (const [key, schema] of Object.entries(shape)) {
    let part: unknown = Reflect.get(fields, key);
    let positions = Array.isArray(part) ? part.map((_, index) => index) : [];
    const gone: number[] = [];
    for (let round = 0; round < roundLimit; round += 1) {
      const parsed = schema.safeParse(part);
      if (parsed.success) {
        value[key] = parsed.data;
        break;
      }
      if (!Array.isArray(part)) {
        if (!prune(part, parsed.error.issues)) break;
        continue;
      }
      const faulty = new Set<unknown>();
      for (const issue of parsed.error.issues) {
        const [index, ...path] = issue.path;
        if (typeof index !== 'number') part = undefined;
        else if (!prune(Reflect.get(part ?? [], index), [{ ...issue, path }])) faulty.add(index);
      }
      if (!Array.isArray(part)) break;
      gone.push(...positions.filter((_, index) => faulty.has(index)));
      positions = positions.filter((_, index) => !faulty.has(index));
      part = part.filter((_, index) => !faulty.has(index));
    }
    removed.set(
      key,
      gone.sort((a, b) => a - b),
    );
  }
  return {
    value,
    pathInFile: ([key, index, ...rest]) => {
      if (key === undefined || typeof index !== 'number')
        return [key, index, ...rest].filter((step) => step !== undefined);
      let place = index;
      for (const position of removed.get(key) ?? []) if (position <= place) place += 1;
      return [key, place, ...rest];
    },
  };
}

/** Deletes what the issues are about, or what they are missing from; false when nothing is left then. */
function prune(value: unknown, issues: readonly z.core.$ZodIssue[]): boolean {
  let isPruned = false;
  for (const issue of issues) {
    const paths =
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    for (const path of paths) {
      if (!removeAt(value, path)) return false;
      isPruned = true;
    }
  }
  return isPruned;
}

/** Deletes the value at a path, or the nearest mapping around it that has a key of its own. */
function removeAt(value: unknown, path: readonly PropertyKey[]): boolean {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = path
      .slice(0, length - 1)
      .reduce<unknown>(
        (place, key) => (typeof place === 'object' && place !== null ? Reflect.get(place, key) : undefined),
        value,
      );
    const key = path[length - 1];
    if (typeof parent !== 'object' || parent === null || Array.isArray(parent) || key === undefined) continue;
    if (Reflect.has(parent, key)) return Reflect.deleteProperty(parent, key);
  }
  return false;
}
