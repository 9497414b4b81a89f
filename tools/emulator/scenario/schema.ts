/**
 * The scenario file: what the user writes to say what the device does, and what must be true then.
 *
 * A step is a one-key mapping (`write: {...}`) or, where it needs nothing, a bare word (`boot`). Strings may hold
 * `${name}`: a variable of the scenario or of its matrix.
 */
import { z } from 'zod';
import { branchNames } from '../branches.js';
import { findingTexts } from '../findings.js';
import { staleKinds } from '../check/stale-flash.js';
import { refusalReasons } from '../upgrade/image-checks.js';

const absolutePath = z.string().regex(/^\//, 'a path inside the device starts with /');
const octalMode = z
  .union([z.string().regex(/^0?[0-7]{1,4}$/), z.number().int().min(0).max(0o7777)])
  .describe('permission bits, octal as text ("0644")');

const content = {
  text: z.string().optional().describe('content as text'),
  base64: z.string().optional().describe('content as base64'),
  bytes: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('that many bytes of a fixed pattern, which do not compress'),
};

const findingCodes = Object.keys(findingTexts) as (keyof typeof findingTexts)[];

const expectation = z
  .strictObject({
    state: z
      .enum(['failsafe', 'ram-overlay', 'jffs2-overlay', 'no-boot', 'off'])
      .optional()
      .describe('how the device runs'),
    stage: z
      .enum(['boot-loader', 'kernel', 'rootfs'])
      .optional()
      .describe('where a boot ended that did not come up'),
    volume: z
      .enum(['blank', 'end-marker', 'jffs2', 'snapshot', 'foreign', 'none'])
      .optional()
      .describe('what rootfs_data holds'),
    fsState: z.enum(['missing', 'unknown', 'pending', 'ready']).optional().describe('/overlay/.fs_state'),
    file: z
      .array(
        z.strictObject({
          path: absolutePath,
          ...content,
          absent: z.boolean().optional(),
          mode: octalMode.optional(),
          layer: z.enum(['upper', 'lower', 'none']).optional(),
          contains: z.string().optional().describe('text that the file holds somewhere'),
        }),
      )
      .optional(),
    treeEqualsBase: z.boolean().optional().describe('the merged tree is the squashfs, entry by entry'),
    freeBytes: z.strictObject({ atLeast: z.number().int().min(0) }).optional(),
    findings: z.array(z.enum(findingCodes)).optional().describe('these findings, at least'),
    noFindings: z.array(z.enum(findingCodes)).optional().describe('none of these findings'),
    onRam: z
      .strictObject({ atMostSeconds: z.number().min(0) })
      .optional()
      .describe('how long the root was on RAM since the start'),
    unchanged: z.array(z.string()).optional().describe('partitions whose bytes are those of the start'),
  })
  .describe('what must be true now');

const steps = {
  boot: z
    .strictObject({
      failsafe: z.boolean().optional().describe('press the button in the failsafe window'),
      stop: z.enum(['preinit']).optional().describe('power is cut before the end of boot'),
    })
    .describe('power on, boot to the end'),
  reboot: z.strictObject({}).describe('orderly reboot'),
  'power-off': z.strictObject({}).describe('pull the plug between two operations'),
  write: z.strictObject({ path: absolutePath, ...content, mode: octalMode.optional() }),
  append: z.strictObject({ path: absolutePath, ...content }),
  rm: z.strictObject({ path: absolutePath, recursive: z.boolean().optional() }),
  mv: z.strictObject({ from: absolutePath, to: absolutePath }),
  mkdir: z.strictObject({ path: absolutePath, parents: z.boolean().optional(), mode: octalMode.optional() }),
  chmod: z.strictObject({ path: absolutePath, mode: octalMode }),
  ln: z.strictObject({ target: z.string().min(1), path: absolutePath, symbolic: z.boolean().optional() }),
  fill: z.strictObject({
    path: absolutePath.describe('folder to fill'),
    fileSize: z.number().int().min(1).optional().describe('bytes a file; default 65536'),
    keepFree: z.number().int().min(0).optional(),
  }),
  sync: z.strictObject({}),
  'factory-reset': z
    .strictObject({
      via: z.enum(['command', 'button', 'failsafe', 'mtd-erase']).optional().describe('default: command'),
      reboot: z.boolean().optional().describe('-r'),
      keepSettings: z.boolean().optional().describe('-k'),
      thorough: z.boolean().optional().describe('the reset as it should be, to compare'),
    })
    .describe('factory reset'),
  sysupgrade: z
    .strictObject({
      image: z.string().optional().describe('file; default: the image the device runs'),
      keepSettings: z.boolean().optional().describe('false is -n'),
      changedEtc: z.boolean().optional().describe('-c'),
      changedAll: z.boolean().optional().describe('-o'),
      skipEqual: z.boolean().optional().describe('-u'),
      settings: z.string().optional().describe('-f: archive to carry instead of a backup'),
      ignoreMinorCompat: z.boolean().optional().describe('--ignore-minor-compat-version'),
      branch: z.enum(branchNames).optional().describe('release that the new image runs; default: the same'),
      refused: z
        .array(z.enum(refusalReasons))
        .min(1)
        .optional()
        .describe('the image must be refused, for exactly these reasons'),
      listPackages: z.boolean().optional().describe('-k'),
      force: z.boolean().optional().describe('-F'),
      test: z.boolean().optional().describe('-T'),
    })
    .describe('upgrade'),
  'mount-root': z.strictObject({}).describe('in failsafe: mount the overlay by hand'),
  button: z
    .strictObject({ seconds: z.number().min(0).describe('how long the reset button is held') })
    .describe('press the reset button of the running system'),
  flash: z
    .strictObject({
      partition: z.string().min(1).describe('label; rootfs_data is where the kernel finds it'),
      offset: z.number().int().min(0).optional().describe('from the start of the partition; default: 0'),
      ...content,
      pattern: z
        .enum(staleKinds)
        .optional()
        .describe('old content of that kind, to the end of the partition'),
      erase: z.boolean().optional().describe('only erase, to the end of the partition'),
    })
    .describe('write flash from outside while the device is off, as a programmer does'),
  'recovery-flash': z
    .strictObject({ image: z.string().optional() })
    .describe('write the image to `firmware` from the boot loader'),
  'power-cut': z
    .strictObject({
      operation: z.number().int().min(1).describe('count of the flash operation in the next step'),
      tear: z
        .enum(['before', 'first-byte', 'half', 'last-byte', 'after'])
        .optional()
        .describe('default: half'),
    })
    .describe('the power fails inside the next step'),
  expect: expectation,
};

type StepName = keyof typeof steps;

/** One step: its name and its arguments, checked. */
export type ScenarioStep = {
  [Name in StepName]: { readonly kind: Name; readonly arguments: z.output<(typeof steps)[Name]> };
}[StepName];

/** What an `expect` step may say. */
export type Expectation = z.output<typeof expectation>;

const bareSteps = [
  'boot',
  'reboot',
  'power-off',
  'sync',
  'factory-reset',
  'sysupgrade',
  'recovery-flash',
  'mount-root',
] as const;

/** One step with its arguments. */
const stepSchema = z
  .strictObject(
    Object.fromEntries(Object.entries(steps).map(([name, schema]) => [name, schema.optional()])) as {
      [Name in StepName]: z.ZodOptional<(typeof steps)[Name]>;
    },
  )
  .refine((step) => Object.keys(step).length === 1, 'a step is exactly one word');

const value = z.union([z.string(), z.number(), z.boolean()]);

function scenarioOf<Step extends z.ZodType>(step: Step) {
  return z
    .strictObject({
      schemaVersion: z.literal(1).optional(),
      name: z.string().min(1),
      description: z.string().optional(),
      board: z.string().optional(),
      branch: z.enum(branchNames).optional(),
      image: z.string().optional().describe('file, relative to the scenario'),
      variables: z.record(z.string(), value).optional(),
      matrix: z
        .record(z.string(), z.array(value).min(1))
        .optional()
        .describe('every combination is run; `board` and `branch` choose those, others are variables'),
      steps: z.array(step).min(1),
    })
    .meta({ title: 'Firmwright scenario' });
}

/** Schema of a scenario file, version 1. A step that needs no arguments may be written as a bare word. */
export const scenarioSchema = scenarioOf(z.preprocess(withArguments, stepSchema));

/** A scenario file, bare words given their empty arguments. */
export type ScenarioFile = z.output<typeof scenarioSchema>;

function withArguments(step: unknown, context: z.RefinementCtx): unknown {
  if (typeof step !== 'string') return step;
  if (bareSteps.some((name) => name === step)) return { [step]: {} };
  const message = step in steps ? `step ${step} needs arguments` : `unknown step ${step}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}

/** Turns the steps of a file into name and arguments. */
export function scenarioSteps(file: ScenarioFile): readonly ScenarioStep[] {
  return file.steps.map((step) => {
    const [kind, args] = Object.entries(step)[0] ?? [];
    return { kind, arguments: args } as ScenarioStep;
  });
}

/** Makes the JSON Schema (draft 2020-12) of scenario files, for editors; a value may also be a `${variable}`. */
export function scenarioJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(scenarioOf(z.union([z.enum(bareSteps), stepSchema])), {
      io: 'input',
      target: 'draft-2020-12',
      override: allowVariables,
    }),
  };
}

/** Where a file may have a number, a choice or a truth, it may have the name of a variable. */
function allowVariables({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const { type, enum: choices } = jsonSchema;
  if (type !== 'integer' && type !== 'number' && type !== 'boolean' && choices === undefined) return;
  const { description, ...plain } = { ...jsonSchema };
  for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
  const variable = { type: 'string' as const, pattern: '\\$\\{\\w+\\}' };
  Object.assign(jsonSchema, {
    anyOf: [plain, variable],
    ...(description === undefined ? {} : { description }),
  });
}
