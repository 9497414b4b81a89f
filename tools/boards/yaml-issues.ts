/** What zod finds wrong with the shape of a file, in the words of who writes YAML: expected, found, at which key. */
import type { z } from 'zod';
import type { YamlProblem } from './yaml-problem.js';

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

/** The message of an issue, for zod's `error` option; undefined leaves it to zod. */
export function issueMessage(issue: RawIssue): string | undefined {
  const expected = expectedOf(issue);
  if (issue.input === undefined)
    return expected === undefined ? 'is missing' : `is missing: expected ${expected}`;
  return expected === undefined
    ? undefined
    : `expected ${expected}, found ${foundText(issue.input, expected)}`;
}

function expectedOf(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return oneOf(issue.values.map(String));
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'text that is not empty'
        : `at least ${String(issue.minimum)}${lengthUnit(issue.origin)}`;
    case 'too_big':
      return `at most ${String(issue.maximum)}${lengthUnit(issue.origin)}`;
    case 'invalid_union':
      return alternatives(issue.errors);
    default:
      return undefined;
  }
}

const lengthUnit = (origin: string): string =>
  origin === 'string' ? ' letters' : origin === 'array' ? ' items' : '';

function oneOf(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`;
}

/** What a union takes, where all of its members want another type of value. */
function alternatives(
  members: readonly (readonly { code?: string; expected?: unknown }[])[],
): string | undefined {
  const types = members.map(([issue]) =>
    issue?.code === 'invalid_type'
      ? (typeNames[String(issue.expected)] ?? String(issue.expected))
      : undefined,
  );
  const known = types.filter((type) => type !== undefined);
  return known.length === types.length && known.length > 0 ? oneOf([...new Set(known)]) : undefined;
}

/** What stands there; a number or a truth value that should be text, or the other way round, with how to write it. */
function foundText(value: unknown, expected: string): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  if (typeof value !== 'string') {
    const text = JSON.stringify(value);
    return expected === 'text' ? `${text}, which needs quotes to be text` : text;
  }
  if (expected === 'true or false' && /^(yes|no|on|off)$/i.test(value))
    return `${value}, which YAML 1.2 takes for text`;
  return value.length > 40 ? `${value.slice(0, 40)}…` : value === '' ? 'empty text' : value;
}

/** Turns an issue into the problems of the file: one for each unknown key, those of the nearest member for a union. */
export function problemsOf(issue: Issue, root: unknown): YamlProblem[] {
  const where = keyPath(issue.path);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      severity: 'error',
      code: 'FW_PROFILE_KEY',
      message: `unknown key ${key}${where === '' ? '' : ` in ${where}`}`,
      path: [...issue.path, key],
    }));
  const nearest = issue.code === 'invalid_union' ? nearestMember(issue, root) : undefined;
  if (nearest !== undefined)
    return nearest.flatMap((inner) => problemsOf({ ...inner, path: [...issue.path, ...inner.path] }, root));
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [
    {
      severity: 'error',
      code: 'FW_PROFILE_VALUE',
      message: `${where === '' ? 'the file' : where}${message.startsWith('is missing') ? ' ' : ': '}${message}`,
      path: issue.path,
    },
  ];
}

/** The issues of the union's member that the value comes nearest to, when its type is right for one. */
function nearestMember(
  issue: Issue & { code: 'invalid_union' },
  root: unknown,
): readonly Issue[] | undefined {
  if (valueAt(root, issue.path) === undefined) return undefined;
  const inside = issue.errors.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  return inside.toSorted((a, b) => a.length - b.length)[0];
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    root,
  );
}

/** Writes a path as `partitions[2].size`. */
function keyPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  );
}
