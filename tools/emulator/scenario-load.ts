/** Reads a scenario file: checks it, and makes one run of each combination of its matrix. */
import { z } from 'zod';
import { checkYamlFile } from '../boards/index.js';
import { ProfileError, type Diagnostic } from '../core/index.js';
import type { BranchName } from './branches.js';
import { scenarioSchema, scenarioSteps, type ScenarioFile, type ScenarioStep } from './scenario-schema.js';

/** One run of a scenario: a combination of its matrix, variables filled in. */
export interface ScenarioRun {
  readonly name: string;
  readonly board: string | undefined;
  readonly branch: BranchName | undefined;
  readonly image: string | undefined;
  readonly steps: readonly ScenarioStep[];
}

type Variables = Readonly<Record<string, string | number>>;

const values = z.union([z.string(), z.number()]);
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
 * choice too; lines stay what they are in the file.
 *
 * @param file  names the text in diagnostics
 * @returns one run per combination of the matrix, in the order of the file
 * @throws ProfileError FW_EMULATOR_SCENARIO with every fault of the file
 */
export function loadScenario(text: string, file: string): readonly ScenarioRun[] {
  const head = checkYamlFile(text.replace(placeholder, '$1'), file, variablesSchema);
  if (!head.value) throw faulty(file, head.diagnostics);
  const { variables, matrix } = head.value;
  const unknown = unknownVariables(text, file, new Set([...Object.keys(variables), ...Object.keys(matrix)]));
  if (unknown.length > 0) throw faulty(file, unknown);
  return combinations(variables, matrix).map((combination) => {
    const filled = text.replace(placeholder, (_, name: string) => String(combination[name]));
    const { value, diagnostics } = checkYamlFile(filled, file, scenarioSchema);
    if (!value) throw faulty(file, diagnostics);
    return scenarioRun(value, combination);
  });
}

function combinations(
  variables: Variables,
  matrix: Readonly<Record<string, readonly (string | number)[]>>,
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
    steps: scenarioSteps(file),
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
