/** Reads a scenario file: checks it, and makes one run of each combination of its matrix. */
import { z } from 'zod';
import { checkYamlFile } from '../../boards/index.js';
import { ProfileError, type Diagnostic } from '../../core/index.js';
import type { BranchName } from '../branches.js';
import type { ScriptEffect } from '../device/device.js';
import type { Expectation } from './expectation-schema.js';
import { scenarioSchema, scenarioSteps, type ScenarioFile, type ScenarioStep } from './schema.js';

/** One run of a scenario: a combination of its matrix, variables filled in. */
export interface ScenarioRun {
  readonly name: string;
  readonly board: string | undefined;
  readonly branch: BranchName | undefined;
  readonly image: string | undefined;
  /** What the run-once scripts of the image do. */
  readonly scriptEffects: readonly ScriptEffect[];
  readonly steps: readonly ScenarioStep[];
  /** What must be true of the device that boots after a power cut, besides what holds for all devices. */
  readonly afterCut?: Expectation;
}

type Variable = string | number | boolean;
type Variables = Readonly<Record<string, Variable>>;

const values = z.union([z.string(), z.number(), z.boolean()]);
/** The part of a scenario that is read before variables are filled in. */
const variablesSchema = z.looseObject({
  variables: z.record(z.string(), values).default({}),
  matrix: z.record(z.string(), z.array(values)).default({}),
});

const placeholder = /\$\{(\w+)\}/g;

/**
 * Reads the text of a scenario file.
 *
 * Variables are filled into the text before it is read as YAML, so that they can stand for anything, a number or a
 * choice too; places in diagnostics are those of the file.
 *
 * @param file  names the text in diagnostics
 * @param set   values that take the place of those in the file, also of a whole matrix line
 * @returns one run per combination of the matrix, in the order of the file
 * @throws ProfileError FW_EMULATOR_SCENARIO with every fault of the file, of all combinations
 */
export function loadScenario(
  text: string,
  file: string,
  set: Readonly<Record<string, string>> = {},
): readonly ScenarioRun[] {
  const head = checkYamlFile(text.replace(placeholder, '$1'), file, variablesSchema);
  if (!head.value) throw faulty(file, head.diagnostics);
  const variables = { ...head.value.variables, ...set };
  const matrix = Object.fromEntries(
    Object.entries(head.value.matrix).map(([name, choices]) => [
      name,
      name in set ? [set[name] ?? ''] : choices,
    ]),
  );
  const known = new Set([...Object.keys(variables), ...Object.keys(matrix)]);
  const faults = new Map<string, Diagnostic>();
  const note = (found: readonly Diagnostic[]): void => {
    for (const fault of found) faults.set(`${fault.line}:${fault.column}:${fault.message}`, fault);
  };
  note(unknownVariables(text, file, known));
  const runs = combinations(variables, matrix).map((combination) => {
    const filled = text.replace(placeholder, (_, name: string) => String(combination[name] ?? name));
    const { value, diagnostics } = checkYamlFile(filled, file, scenarioSchema);
    if (!value) note(diagnostics.map((fault) => inFile(fault, text, combination)));
    return value && scenarioRun(value, combination);
  });
  if (faults.size > 0) {
    throw faulty(
      file,
      [...faults.values()].sort((a, b) => a.line - b.line || a.column - b.column),
    );
  }
  return runs.filter((run) => run !== undefined);
}

/** Finds the place in the file of a fault that was found in its filled-in text. */
function inFile(fault: Diagnostic, text: string, combination: Variables): Diagnostic {
  const line = text.split('\n')[fault.line - 1] ?? '';
  let { column } = fault;
  for (const match of line.matchAll(placeholder)) {
    const filled = String(combination[match[1] ?? ''] ?? match[1]).length;
    if (match.index + 1 >= column) break;
    // Inside the value: its placeholder. Behind it: moved by what the placeholder is longer.
    column = Math.max(match.index + 1, column + match[0].length - filled);
  }
  return { ...fault, column };
}

function combinations(
  variables: Variables,
  matrix: Readonly<Record<string, readonly Variable[]>>,
): readonly Variables[] {
  let all: Variables[] = [variables];
  for (const [name, choices] of Object.entries(matrix)) {
    all = all.flatMap((combination) => choices.map((choice) => ({ ...combination, [name]: choice })));
  }
  return all;
}

function scenarioRun(file: ScenarioFile, combination: Variables): ScenarioRun {
  const label = Object.keys(file.matrix ?? {})
    .map((name) => `${name}=${combination[name] ?? ''}`)
    .join(' ');
  // `board` and `branch` of a matrix choose those of the run, also where the file does not mention them again.
  const { board = file.board, branch = file.branch } = combination;
  return {
    name: label === '' ? file.name : `${file.name} [${label}]`,
    board: board === undefined ? undefined : String(board),
    branch: branch === undefined ? undefined : scenarioSchema.shape.branch.parse(String(branch)),
    image: file.image,
    scriptEffects: Object.entries(file.runOnce ?? {}).map(([script, writes]) => ({ script, writes })),
    steps: scenarioSteps(file),
    ...(file.afterCut ? { afterCut: file.afterCut } : {}),
  };
}

function unknownVariables(text: string, file: string, known: ReadonlySet<string>): readonly Diagnostic[] {
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(placeholder)]
      .filter(([, name]) => name !== undefined && !known.has(name))
      .map((match) => ({
        severity: 'error' as const,
        code: 'FW_EMULATOR_SCENARIO' as const,
        message: `unknown variable ${match[1] ?? ''}`,
        file,
        line: index + 1,
        column: match.index + 1,
      })),
  );
}

function faulty(file: string, diagnostics: readonly Diagnostic[]): ProfileError {
  const [first] = diagnostics;
  return new ProfileError(
    'FW_EMULATOR_SCENARIO',
    `scenario ${file} has ${diagnostics.length} faults${first ? `, first in line ${first.line}: ${first.message}` : ''}`,
    diagnostics,
  );
}
