/**
 * The recipe `images/<name>/image.yaml`: what goes into an image, whatever the board. Paths in it are relative to the
 * recipe's own folder; `loadRecipe` makes them absolute.
 */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { checkYamlFile } from '../boards/index.js';
import type { YamlProblem } from '../boards/index.js';
import { countOf, ProfileError } from '../core/index.js';
import type { StepVersion } from '../firmware/index.js';
import { attributeRuleFault } from '../rootfs/index.js';
import type { AttributeRule, RootSource } from '../rootfs/index.js';

const modeSchema = z
  .string({ error: 'write the mode in quotes, such as "0755": YAML reads a bare 0755 as a decimal number' })
  .regex(/^0?[0-7]{3,4}$/, 'expected three or four octal digits')
  .transform((text) => Number.parseInt(text, 8));

const deviceSchema = z
  .string()
  .regex(/^\d+:\d+$/, 'expected major:minor')
  .transform((text) => {
    const [major = 0, minor = 0] = text.split(':').map(Number);
    return { major, minor };
  });

const xattrSchema = z
  .string()
  .transform((text) =>
    /^0x([0-9a-f]{2})*$/i.test(text)
      ? new Uint8Array(Buffer.from(text.slice(2), 'hex'))
      : new Uint8Array(Buffer.from(text, 'utf8')),
  );

const ruleSchema = z.strictObject({
  path: z.string().regex(/^\//, 'must be an absolute path in the image'),
  type: z.enum(['directory', 'file', 'symlink', 'char', 'block', 'fifo', 'socket']).optional(),
  recursive: z.boolean().optional().describe('also everything below the directory'),
  mode: modeSchema.optional(),
  uid: z.int().min(0).optional(),
  gid: z.int().min(0).optional(),
  device: deviceSchema.optional().describe('major:minor of a device node'),
  target: z.string().min(1).optional().describe('target of a symlink'),
  xattrs: z.record(z.string(), xattrSchema).optional().describe('values as text, or 0x and hex digits'),
  capabilities: z.string().optional().describe('as setcap takes them: cap_net_raw+ep'),
});

const sourceSchema = z.union([
  z.string().min(1).describe('a folder, an archive or a squashfs image, told apart by its content'),
  z.strictObject({ folder: z.string().min(1), attributes: z.enum(['clean', 'keep']).optional() }),
  z.strictObject({ archive: z.string().min(1) }),
  z.strictObject({ squashfs: z.string().min(1), offset: z.int().min(0).optional() }),
  z.strictObject({ feeds: z.array(z.string()).min(1), packages: z.array(z.string()).min(1) }),
]);

const dateSchema = z
  .union([z.int().min(0), z.iso.date(), z.iso.datetime({ offset: true })], {
    error: ({ input }) =>
      `${input === undefined ? 'is missing: ' : ''}expected seconds since 1970, 2026-01-31 or 2026-01-31T12:00:00Z`,
  })
  .transform((date) => (typeof date === 'number' ? date : Math.floor(Date.parse(date) / 1000)));

const boardFilesSchema = z.strictObject({
  kernel: z.string().min(1).optional(),
  device_tree: z.string().min(1).optional().describe('compiled device tree, for append-dtb'),
  loader: z
    .union([z.string().min(1), z.record(z.string(), z.string().min(1))])
    .optional()
    .describe('file that a step of the board takes besides, such as loader-kernel; by step when there are several'),
  flash: z.record(z.string(), z.string()).optional().describe('files for other partitions, by label'),
});

/** A recipe as users write it. */
const imageRecipeSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, 'must be of letters, digits, dot, dash and underscore'),
    version: z
      .strictObject({
        dist: z.string().min(1).optional().describe('name of the distribution; the name of the recipe when absent'),
        version: z.string().min(1).default('SNAPSHOT'),
        revision: z.string().min(1).default('r0'),
        kernel: z.string().optional().describe('version of the kernel'),
      })
      .prefault({}),
    date: dateSchema.describe('build time: seconds since 1970, or an ISO date; SOURCE_DATE_EPOCH overrides it'),
    rootfs: z.array(sourceSchema).default([]).describe('sources of the root tree, later ones over earlier ones'),
    files: z.array(z.string()).default([]).describe('folders laid over the root tree'),
    table: z.array(ruleSchema).default([]).describe('owners, modes, device nodes, xattrs, capabilities'),
    drop_packages: z.array(z.string()).default([]),
    kernel: z.string().min(1).optional().describe('kernel for every board that has none of its own'),
    boards: z.record(z.string(), boardFilesSchema).default({}).describe('files of single boards'),
  })
  .meta({ title: 'Firmwright image recipe' });

/** Files that belong to one board; absolute paths. */
export interface RecipeBoard {
  readonly kernel?: string | undefined;
  readonly deviceTree?: string | undefined;
  /** Files of steps that take one besides, by the name of the step; under an empty name for the only such step. */
  readonly loaders: Readonly<Record<string, string>>;
  /** Content of other partitions, by label. */
  readonly flash: Readonly<Record<string, string>>;
}

/** A recipe as the program sees it: absolute paths, `detect` for sources that tell their kind by content. */
export interface ImageRecipe {
  readonly name: string;
  readonly version: StepVersion;
  /** Seconds since 1970 UTC. */
  readonly date: number;
  readonly rootfs: readonly (RootSource | { readonly kind: 'detect'; readonly path: string })[];
  readonly files: readonly string[];
  readonly attributes: readonly AttributeRule[];
  readonly dropPackages: readonly string[];
  readonly kernel?: string | undefined;
  readonly boards: Readonly<Record<string, RecipeBoard>>;
}

/**
 * Reads the text of a recipe.
 *
 * @param file  path of the recipe: names it in diagnostics, and its folder is where relative paths start
 * @throws ProfileError FW_PROFILE_RECIPE with a diagnostic for every fault of the file
 */
export function loadRecipe(text: string, file: string): ImageRecipe {
  const { value, diagnostics } = checkYamlFile(text, file, imageRecipeSchema, lintRecipe);
  if (value === undefined) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    throw new ProfileError(
      'FW_PROFILE_RECIPE',
      `${file}: ${countOf(errors, 'error')} in the recipe`,
      diagnostics,
    );
  }
  const at = (path: string): string => resolve(dirname(file), path);
  const atOptional = (path: string | undefined): string | undefined => (path === undefined ? path : at(path));
  const { version } = value;
  return {
    name: value.name,
    version: {
      dist: version.dist ?? value.name,
      version: version.version,
      revision: version.revision,
      kernelVersion: version.kernel,
    },
    date: value.date,
    rootfs: value.rootfs.map((source) => rootSource(source, at)),
    files: value.files.map(at),
    attributes: value.table.map(attributeRule),
    dropPackages: value.drop_packages,
    kernel: atOptional(value.kernel),
    boards: Object.fromEntries(
      Object.entries(value.boards).map(([id, board]) => [
        id,
        {
          kernel: atOptional(board.kernel),
          deviceTree: atOptional(board.device_tree),
          loaders: loadersOf(board.loader, at),
          flash: Object.fromEntries(
            Object.entries(board.flash ?? {}).map(([label, path]) => [label, at(path)]),
          ),
        },
      ]),
    ),
  };
}

/** Faults of single rules; whether a path is there shows when the tree is. */
function lintRecipe({ table = [] }: Partial<z.output<typeof imageRecipeSchema>>): YamlProblem[] {
  return table.flatMap((rule, index) => {
    const message = attributeRuleFault(attributeRule(rule));
    return message === undefined
      ? []
      : [{ severity: 'error', code: 'FW_ROOTFS_TABLE', message: `${rule.path}: ${message}`, path: ['table', index] }];
  });
}

function attributeRule({ device, ...rule }: z.output<typeof ruleSchema>): AttributeRule {
  return { ...definedOnly(rule), path: rule.path, ...(device === undefined ? {} : { rdev: device }) };
}

function loadersOf(
  loader: string | Readonly<Record<string, string>> | undefined,
  at: (path: string) => string,
): Record<string, string> {
  const named = typeof loader === 'string' ? { '': loader } : (loader ?? {});
  return Object.fromEntries(Object.entries(named).map(([step, path]) => [step, at(path)]));
}

/** Makes the JSON Schema (draft 2020-12) of recipe files, for editors. */
export function imageRecipeJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(imageRecipeSchema, { io: 'input', target: 'draft-2020-12' }) };
}

function rootSource(
  source: z.output<typeof sourceSchema>,
  at: (path: string) => string,
): ImageRecipe['rootfs'][number] {
  if (typeof source === 'string') return { kind: 'detect', path: at(source) };
  if ('folder' in source) {
    const { folder, attributes } = source;
    return { kind: 'folder', path: at(folder), ...(attributes === undefined ? {} : { attributes }) };
  }
  if ('archive' in source) return { kind: 'archive', path: at(source.archive) };
  if ('squashfs' in source) {
    const { squashfs, offset } = source;
    return { kind: 'squashfs', path: at(squashfs), ...(offset === undefined ? {} : { offset }) };
  }
  return { kind: 'packages', feeds: source.feeds.map(at), packages: source.packages };
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Leaves out keys whose value is undefined. */
function definedOnly<T extends object>(value: T): Partial<Defined<T>> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<Defined<T>>;
}
