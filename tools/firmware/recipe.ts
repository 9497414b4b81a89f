/**
 * Reads recipes and runs them.
 *
 * `parseRecipe` is pure and reports every fault of a recipe with its place in the text, so that a profile's loader can
 * point at it; `runRecipe` applies checked steps to bytes.
 */
import { FormatError, nearest } from '../core/index.js';
import { stepKinds } from './steps/registry.js';
import type { RecipeStep, StepArguments, StepContext, StepKind } from './steps/step.js';

/** One fault of a recipe's text; `offset` counts characters from the start of the text. */
export interface RecipeFault {
  readonly kind: 'unknown-step' | 'parameters';
  readonly message: string;
  readonly offset: number;
  readonly hint?: string;
}

/** A recipe read to its end: the steps that are right, and the faults of the others. */
export interface ParsedRecipe {
  readonly steps: readonly RecipeStep[];
  readonly faults: readonly RecipeFault[];
}

/** Reads a recipe such as `append-kernel | pad-to 64k | append-rootfs`; never throws. */
export function parseRecipe(text: string): ParsedRecipe {
  const steps: RecipeStep[] = [];
  const faults: RecipeFault[] = [];
  for (const { part, offset } of splitSteps(text)) {
    const words = splitWords(part);
    const [name, ...rest] = words;
    if (name === undefined) {
      faults.push({ kind: 'parameters', message: 'empty step between two bars', offset });
      continue;
    }
    const kind = stepKinds.get(name);
    if (kind === undefined) {
      const [near] = nearest(name, [...stepKinds.keys()]);
      faults.push({
        kind: 'unknown-step',
        message: `unknown step ${name}`,
        offset,
        ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
      });
      continue;
    }
    const outcome = readWords(kind, rest);
    if (typeof outcome === 'string') {
      faults.push({
        kind: 'parameters',
        message: `step ${name}: ${outcome}`,
        offset,
        hint: `usage: ${kind.usage}`,
      });
    } else {
      steps.push({ name, text: part, summary: kind.summary, given: outcome });
    }
  }
  return { steps, faults };
}

/**
 * Applies the steps of a recipe in order, starting from `file` (empty for an image recipe).
 *
 * @throws BudgetError FW_BUDGET_CHECK_SIZE when a size step refuses; FormatError FW_FIRMWARE_STEP when a step lacks what
 *   it needs
 */
export function runRecipe(
  steps: readonly RecipeStep[],
  context: StepContext,
  file: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return steps.reduce((bytes, step) => runStep(step, bytes, context), file);
}

/** Applies one step. */
export function runStep(step: RecipeStep, file: Uint8Array, context: StepContext): Uint8Array {
  const kind = stepKinds.get(step.name);
  if (kind === undefined)
    throw new FormatError('FW_FIRMWARE_STEP', `unknown step ${step.name}`, { data: { step: step.name } });
  return kind.run(file, context, step.given);
}

/**
 * Finishes a kernel: applies those steps of the kernel recipe that the file has not been through yet.
 *
 * A file that already is what a step makes (an LZMA stream, a uImage) enters the recipe behind that step; a finished
 * kernel file passes unchanged.
 */
export function finishKernel(
  steps: readonly RecipeStep[],
  file: Uint8Array,
  context: StepContext,
): Uint8Array {
  const done = steps.findLastIndex((step) =>
    stepKinds.get(step.name)?.recognises(file, context.board, step.given),
  );
  return runRecipe(steps.slice(done + 1), context, file);
}

/** Names the steps of a recipe that take a file of the board besides, each once. */
export function stepsWithFiles(steps: readonly RecipeStep[]): readonly string[] {
  return [...new Set(steps.map(({ name }) => name).filter((name) => stepKinds.get(name)?.takesFile))];
}

/** Lists every step that a recipe may use, by name. */
export function listSteps(): readonly {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
}[] {
  return [...stepKinds.values()]
    .map(({ name, usage, summary }) => ({ name, usage, summary }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readWords(kind: StepKind, words: readonly string[]): StepArguments | string {
  const { positions, options = {}, switches = {} } = kind.words;
  const given: Record<string, string | true> = {};
  let position = 0;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const option = options[word];
    const flag = switches[word];
    const joined = options[word.slice(0, 2)];
    const assignment = /^([a-z]+)=(.*)$/.exec(word);
    if (option !== undefined) {
      const value = words[(index += 1)];
      if (value === undefined) return `${word} needs a value`;
      given[option] = value;
    } else if (flag !== undefined) {
      given[flag] = true;
    } else if (joined !== undefined && word.length > 2) {
      given[joined] = word.slice(2);
    } else if (assignment?.[1] !== undefined && Object.hasOwn(options, `${assignment[1]}=`)) {
      given[options[`${assignment[1]}=`] ?? assignment[1]] = assignment[2] ?? '';
    } else {
      const name = positions[Math.min(position, positions.length - 1)];
      const isList = name?.endsWith('...') ?? false;
      if (name === undefined || (position >= positions.length && !isList)) return `unexpected ${word}`;
      const key = isList ? name.slice(0, -3) : name;
      const before = given[key];
      given[key] = typeof before === 'string' && isList ? `${before} ${word}` : word;
      position += 1;
    }
  }
  const parsed = kind.parameters.safeParse(given);
  if (parsed.success) return given;
  return parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}

function splitSteps(text: string): { part: string; offset: number }[] {
  const parts: { part: string; offset: number }[] = [];
  let start = 0;
  for (const raw of text.split('|')) {
    parts.push({ part: raw.trim(), offset: start + (raw.length - raw.trimStart().length) });
    start += raw.length + 1;
  }
  return parts;
}

function splitWords(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}
