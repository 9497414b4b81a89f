/**
 * Reads a YAML file that a user wrote: syntax, then shape by a schema, then lint; every fault with line and column, all
 * of them at once. Profiles, recipes and scenarios are read through here.
 */
import { isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { ZodObject } from 'zod';
import type { z } from 'zod';
import type { Diagnostic } from '../core/index.js';
import { soundPart } from './sound-part.js';
import { issueMessage, problemsOf } from './yaml-issues.js';
import type { YamlProblem } from './yaml-problem.js';

/** Values that one alias may stand for, with the aliases inside it. */
const aliasLimit = 100;

/** The value, unless there are errors; and all that is to be said about the file, by line, then column. */
export interface CheckedYaml<T> {
  readonly value?: T;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads and checks the text of a YAML file; never throws.
 *
 * @param file  names the text in the diagnostics
 * @param lint  problems that reach across fields; where the shape is wrong, asked about what of the file is right
 */
export function checkYamlFile<Schema extends z.ZodType>(
  text: string,
  file: string,
  schema: Schema,
  lint: (value: Partial<z.output<Schema>>) => readonly YamlProblem[] = () => [],
): CheckedYaml<z.output<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults: Diagnostic[] = [...document.errors, ...document.warnings].map((problem) => ({
    severity: problem.name === 'YAMLWarning' ? 'warning' : 'error',
    code: 'FW_PROFILE_YAML',
    message:
      problem.code === 'DUPLICATE_KEY'
        ? 'the key stands here for the second time'
        : (problem.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? problem.message),
    file,
    ...at(problem.pos[0]),
  }));
  // A key that stands twice leaves the rest of the file readable.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return { diagnostics: sorted(faults) };

  let unfolded: unknown;
  try {
    unfolded = document.toJS({ maxAliasCount: aliasLimit });
  } catch (error) {
    // The library's answer to aliases of aliases, which a few lines unfold into more than memory holds.
    if (!(error instanceof ReferenceError)) throw error;
    const message = `aliases stand for more than ${aliasLimit} values each`;
    return { diagnostics: [{ severity: 'error', code: 'FW_PROFILE_YAML', message, file, ...at(0) }] };
  }
  const parsed = schema.safeParse(unfolded, { error: issueMessage });
  const problems: readonly YamlProblem[] = parsed.success
    ? lint(parsed.data)
    : [
        ...parsed.error.issues.flatMap((issue) => problemsOf(issue, unfolded)),
        ...lintSoundPart(schema, unfolded, lint),
      ];
  for (const { severity, code, message, path, textOffset, notes } of problems) {
    const offset = offsetOf(document, path, severity === 'error' && code === 'FW_PROFILE_KEY', textOffset);
    faults.push({ severity, code, message, file, ...at(offset), ...(notes ? { notes } : {}) });
  }
  const failed = faults.some(({ severity }) => severity === 'error');
  return { ...(parsed.success && !failed ? { value: parsed.data } : {}), diagnostics: sorted(faults) };
}

function lintSoundPart<Schema extends z.ZodType>(
  schema: Schema,
  file: unknown,
  lint: (value: Partial<z.output<Schema>>) => readonly YamlProblem[],
): YamlProblem[] {
  if (!(schema instanceof ZodObject)) return [];
  const { value, pathInFile } = soundPart(schema.shape, file);
  // Each key of it has passed the schema of that key.
  return lint(value as Partial<z.output<Schema>>).map((problem) => ({
    ...problem,
    path: pathInFile(problem.path),
  }));
}

/** Finds where a value stands in the text; for a value that is missing, the nearest parent that is there. */
function offsetOf(document: Document, path: readonly PropertyKey[], atKey: boolean, textOffset = 0): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const steps = path.slice(0, length).map((step) => (typeof step === 'symbol' ? String(step) : step));
    const node = length === 0 ? document.contents : document.getIn(steps, true);
    if (!isNode(node) || !node.range) continue;
    if (atKey && length === path.length) {
      const key = keyOffset(document, steps);
      if (key !== undefined) return key;
    }
    const inside = length === path.length && isScalar(node) && node.type === 'PLAIN' ? textOffset : 0;
    return node.range[0] + inside;
  }
  return 0;
}

function keyOffset(document: Document, steps: readonly (string | number)[]): number | undefined {
  const parent = steps.length === 1 ? document.contents : document.getIn(steps.slice(0, -1), true);
  if (typeof parent !== 'object' || parent === null || !('items' in parent) || !Array.isArray(parent.items))
    return undefined;
  for (const pair of parent.items as readonly unknown[]) {
    if (typeof pair !== 'object' || pair === null || !('key' in pair)) continue;
    const { key } = pair;
    if (isScalar(key) && key.value === steps.at(-1) && key.range) return key.range[0];
  }
  return undefined;
}

function sorted(diagnostics: Diagnostic[]): Diagnostic[] {
  return diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
}
