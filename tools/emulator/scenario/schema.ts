/**
 * The scenario file: what the user writes to say what the device does, and what must be true then.
 *
 * A step is a one-key mapping (`write: {...}`) or, where it needs nothing, a bare word (`boot`). Strings may hold
 * `${name}`: a variable of the scenario or of its matrix.
 */
import { z } from 'zod';
import { branchNames } from '../branches.js';
import { staleKinds } from '../device/stale-flash.js';
import { refusalReasons } from '../upgrade/image-checks.js';
import { absolutePath, content, expectation } from './expectation-schema.js';
import { oneWord, tear, together, userSteps } from './user-step-schema.js';

/** Name of a block device. */
const blockDevice = z.string().regex(/^[a-z]+[0-9a-z]*$/, 'the name of a block device, as sda1');

/** A file that a run-once script writes. */
const writtenFile = z.strictObject({ path: absolutePath, text: z.string() });

const steps = {
  boot: z
    .strictObject({
      failsafe: z.boolean().optional().describe('press the button in the failsafe window'),
      stop: z.enum(['preinit']).optional().describe('power is cut before the end of boot'),
      hangs: z
        .enum(['script', 'kernel'])
        .optional()
        .describe('what never ends in preinit: a script of it, or the whole system'),
    })
    .describe('power on, boot to the end'),
  reboot: z.strictObject({}).describe('orderly reboot'),
  hang: z
    .strictObject({
      operation: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe('count of the flash operation in the next step; default: now'),
    })
    .describe('the whole system stops; the watchdog restarts the device'),
  plug: z
    .strictObject({
      device: blockDevice,
      type: z.string().optional().describe('file system on it, as the kernel calls it; default: ext4'),
      uuid: z.string().optional().describe('default: 5eed0000-0000-4000-8000-000000000001'),
      label: z.string().optional(),
      readyAfter: z
        .number()
        .min(0)
        .optional()
        .describe('seconds from power-on until the kernel has found it; default: 0'),
      capacity: z.number().int().min(1).optional().describe('room for content in bytes; default: 64 MiB'),
      tar: z.string().optional().describe('file: archive of what is on it at first; default: nothing'),
    })
    .describe('plug in a storage besides the flash; the one that was there before, with its content'),
  unplug: z.strictObject({ device: blockDevice }).describe('pull a storage out'),
  'copy-overlay': z
    .strictObject({ to: blockDevice })
    .describe('copy all of /overlay to a storage, as users do before they switch to it'),
  'power-off': z.strictObject({}).describe('pull the plug between two operations'),
  ...userSteps,
  together,
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
      safeCarrier: z
        .boolean()
        .optional()
        .describe('carry settings in a form that survives garbage collection, unlike `mtd -j`'),
      branch: z
        .enum(branchNames)
        .optional()
        .describe('release that the new image runs; default: as the device was told, or as the image says'),
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
      tear,
    })
    .describe('the power fails inside the next step'),
  expect: expectation,
};

type StepOf<Words extends Readonly<Record<string, z.ZodType>>> = {
  [Name in keyof Words & string]: { readonly kind: Name; readonly arguments: z.output<Words[Name]> };
}[keyof Words & string];

/** A step in which a user works with files. */
export type UserStep = StepOf<typeof userSteps>;

/** What a step `together` says. */
export type TogetherArguments = Omit<z.output<typeof together>, 'operations'> & {
  readonly operations: readonly UserStep[];
};

/** One step: its name and its arguments, checked. */
export type ScenarioStep =
  | StepOf<Omit<typeof steps, 'together'>>
  | { readonly kind: 'together'; readonly arguments: TogetherArguments };

const bareSteps = [
  'boot',
  'reboot',
  'power-off',
  'hang',
  'sync',
  'factory-reset',
  'sysupgrade',
  'recovery-flash',
  'mount-root',
] as const;

const stepSchema = oneWord(steps);

const value = z.union([z.string(), z.number(), z.boolean()]);

function scenarioOf<Step extends z.ZodType>(step: Step) {
  return z
    .strictObject({
      schemaVersion: z.literal(1).optional(),
      name: z.string().min(1),
      description: z.string().optional(),
      board: z.string().optional(),
      branch: z
        .enum(branchNames)
        .optional()
        .describe(
          'release whose flows run; default: the one that /etc/openwrt_release of the image names, or 25.12',
        ),
      image: z.string().optional().describe('file, relative to the scenario'),
      variables: z.record(z.string(), value).optional(),
      matrix: z
        .record(z.string(), z.array(value).min(1))
        .optional()
        .describe('every combination is run; `board` and `branch` choose those, others are variables'),
      runOnce: z
        .record(
          z.string().regex(/^[^/]+$/, 'the name of a script in /etc/uci-defaults'),
          z.array(writtenFile),
        )
        .optional()
        .describe(
          'what scripts of /etc/uci-defaults do when a boot runs them: the files they write, by script',
        ),
      afterCut: expectation
        .optional()
        .describe(
          'what must be true of the device that boots after a power cut at any flash operation (`--power-cuts`)',
        ),
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
    if (step.together === undefined) return stepOf(step);
    const { operations, ...how } = step.together;
    const parsed = operations.map((operation) => stepOf(operation) as UserStep);
    return { kind: 'together', arguments: { ...how, operations: parsed } };
  });
}

function stepOf(step: Readonly<Record<string, unknown>>): ScenarioStep {
  const [kind, args] = Object.entries(step)[0] ?? [];
  return { kind, arguments: args } as ScenarioStep;
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
