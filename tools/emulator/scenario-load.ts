/** Reads a scenario file: checks it, and makes one run of each combination of its matrix. */
import { z } from 'zod';
import { checkYamlFile } from '../boards/index.js';
import { ProfileError, type Diagnostic } from '../core/index.js';
import { branchNames, type BranchName } from './branches.js';
import { scenarioSchema, scenarioSteps, type ScenarioFile, type ScenarioStep } from './scenario-schema.js';

/** One run of a scenario: a combination of its matrix, variables filled in. */
export interface ScenarioRun {
  readonly name: string;
  readonly board: string | undefined;
  readonly branch: BranchName | undefined;
  readonly image: string | undefined;
  readonly steps: readonly ScenarioStep[];
}

/**
 * Reads the text of a scenario file.
 *
 * @param file  names the text in diagnostics
 * @returns one run per combination of the matrix, in the order of the file
 * @throws ProfileError FW_EMULATOR_SCENARIO with every fault of the file
 */
export function loadScenario(text: string, file: string): readonly ScenarioRun[] {
  const { value, diagnostics } = checkYamlFile(text, file, scenarioSchema);
  if (!value) {
    const [first] = diagnostics;
    throw new ProfileError(
      'FW_EMULATOR_SCENARIO',
      `scenario ${file} has ${diagnostics.length} faults`,
      diagnostics,
      {
        hint: first ? `first: line ${first.line}, ${first.message}` : 'see the schema of scenarios',
      },
    );
  }
  return combinations(value).map((variables) => scenarioRun(value, file, variables));
}

type Variables = Readonly<Record<string, string | number>>;

function combinations(file: ScenarioFile): readonly Variables[] {
  let all: Variables[] = [file.variables ?? {}];
  for (const [name, values] of Object.entries(file.matrix ?? {})) {
    all = all.flatMap((variables) => values.map((value) => ({ ...variables, [name]: value })));
  }
  return all;
}

function scenarioRun(file: ScenarioFile, path: string, variables: Variables): ScenarioRun {
  const missing = new Set<string>();
  const filled = fillIn(file, variables, missing);
  if (missing.size > 0) fault(path, `unknown variable ${[...missing].join(', ')}`, variables);
  const checked = scenarioSchema.safeParse(filled);
  if (!checked.success) fault(path, z.prettifyError(checked.error).replaceAll('\n', ' '), variables);
  const branch = variables['branch'] ?? checked.data.branch;
  const known = branchNames.find((name) => name === String(branch));
  if (branch !== undefined && known === undefined) fault(path, `unknown branch ${branch}`, variables);
  const board = variables['board'] ?? checked.data.board;
  const label = Object.keys(file.matrix ?? {})
    .map((name) => `${name}=${variables[name] ?? ''}`)
    .join(' ');
  return {
    name: label === '' ? checked.data.name : `${checked.data.name} [${label}]`,
    board: board === undefined ? undefined : String(board),
    branch: known,
    image: checked.data.image,
    steps: scenarioSteps(checked.data),
  };
}

/** Replaces `${name}` in every string; a string that is one variable takes its value as it is, a number too. */
function fillIn(value: unknown, variables: Variables, missing: Set<string>): unknown {
  if (typeof value === 'string') {
    const whole = /^\$\{(\w+)\}$/.exec(value)?.[1];
    if (whole !== undefined && whole in variables) return variables[whole];
    return value.replace(/\$\{(\w+)\}/g, (_, name: string) => {
      const found = variables[name];
      if (found === undefined) missing.add(name);
      return String(found ?? '');
    });
  }
  if (Array.isArray(value)) return value.map((item) => fillIn(item, variables, missing));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fillIn(item, variables, missing)]),
    );
  }
  return value;
}

function fault(file: string, message: string, variables: Variables): never {
  const diagnostic: Diagnostic = {
    severity: 'error',
    code: 'FW_EMULATOR_SCENARIO',
    message,
    file,
    line: 1,
    column: 1,
  };
  throw new ProfileError('FW_EMULATOR_SCENARIO', `scenario ${file}: ${message}`, [diagnostic], {
    data: { variables: { ...variables } },
  });
}
