/**
 * What a recipe step is: a name, declared parameters, and a pure function from bytes to bytes.
 *
 * A recipe is written as in OpenWrt's makefiles, `append-kernel | pad-to 64k | append-rootfs`. A step's words are its
 * positional arguments in order, then flags; a zod schema turns them into typed parameters.
 */
import { z } from 'zod';
import type { VendorHeaders } from '../vendor-headers.js';

/** What the steps know of the board. */
export interface StepBoard {
  readonly id: string;
  /** First `compatible` string; what sysupgrade compares. */
  readonly boardName: string;
  readonly supportedDevices: readonly string[];
  /** `major.minor`. */
  readonly compatVersion: string;
  readonly compatMessage?: string | undefined;
  /** `target/subtarget`. */
  readonly target: string;
  /** Architecture as OpenWrt names it, for example `mips_24kc`. */
  readonly arch: string;
  readonly endianness: 'big' | 'little';
  /** BLOCKSIZE of the recipes; undefined where the profile has none. */
  readonly blockSize?: number | undefined;
  /** IMAGE_SIZE: the default limit of `check-size`. */
  readonly imageSize?: number | undefined;
  readonly kernelSize?: number | undefined;
  /** Offset of the partition `firmware` on the chip. */
  readonly firmwareOffset?: number | undefined;
  readonly headers: VendorHeaders;
  /** What the files of steps that take one are, by the name of the step. */
  readonly loaders: Readonly<Record<string, string>>;
}

/** Version texts that headers and metadata carry. */
export interface StepVersion {
  /** `OpenWrt` or the distribution's own name. */
  readonly dist: string;
  /** `24.10.2` or `SNAPSHOT`. */
  readonly version: string;
  /** `r28739-d9340319c6`. */
  readonly revision: string;
  /** Version of the kernel for the uImage name, `6.6.93`. */
  readonly kernelVersion?: string | undefined;
}

/** Everything a step may use besides the file under construction. */
export interface StepContext {
  /** The finished kernel file (IMAGE_KERNEL); empty while the kernel recipe itself runs. */
  readonly kernel: Uint8Array;
  /** The root file system (IMAGE_ROOTFS): a squashfs without padding. */
  readonly rootfs: Uint8Array;
  readonly board: StepBoard;
  readonly version: StepVersion;
  /** Build clock, SOURCE_DATE_EPOCH in seconds. */
  readonly time: number;
  /** Compiled device tree for `append-dtb` and `fit`. */
  readonly deviceTree?: Uint8Array | undefined;
  /** Files that single steps take besides, such as the loader of `loader-kernel`, by the name of the step. */
  readonly stepFiles?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Text of a usign secret key; with it `append-metadata` signs the image too. */
  readonly signingKey?: string | undefined;
  /** Says what the user should know although the build goes on. */
  readonly warn?: ((message: string) => void) | undefined;
}

/** How words become named raw values before the schema sees them. */
export interface StepWords {
  /** Names of the positional arguments, in order. */
  readonly positions: readonly string[];
  /** Flag to the name of its value; `switches` take no value. */
  readonly options?: Readonly<Record<string, string>>;
  readonly switches?: Readonly<Record<string, string>>;
}

/** Words of a step under the names of its parameters, before the schema has read them. */
export type StepArguments = Readonly<Record<string, string | true>>;

/** What a step's author declares. */
export interface StepDeclaration<Parameters> {
  readonly name: string;
  /** `pad-to SIZE`. */
  readonly usage: string;
  /** One sentence on what it does to the bytes. */
  readonly summary: string;
  readonly words?: StepWords;
  readonly parameters: z.ZodType<Parameters>;
  /** The step takes a file of the board besides (a loader): see `stepFiles` of the context. */
  readonly takesFile?: boolean;
  /** Applies the step; the input is not modified. */
  run(file: Uint8Array, context: StepContext, parameters: Parameters): Uint8Array;
  /**
   * Says whether a file already is what this step makes, so that a kernel given half-made enters its recipe at the
   * right place. Only kernel steps have it.
   */
  recognises?(file: Uint8Array, board: StepBoard, parameters: Parameters): boolean;
}

/** A kind of step, its parameter type closed over. */
export interface StepKind {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly words: StepWords;
  readonly parameters: z.ZodType;
  readonly takesFile: boolean;
  run(file: Uint8Array, context: StepContext, given: StepArguments): Uint8Array;
  recognises(file: Uint8Array, board: StepBoard, given: StepArguments): boolean;
}

/** A step of a recipe, its words checked: plain data, ready to print or to run. */
export interface RecipeStep {
  readonly name: string;
  /** As written in the recipe. */
  readonly text: string;
  readonly summary: string;
  readonly given: StepArguments;
}

/** Declares a step; its parameter type is inferred from the schema and stays inside. */
export function defineStep<Parameters>(declaration: StepDeclaration<Parameters>): StepKind {
  const { name, usage, summary, parameters } = declaration;
  return {
    name,
    usage,
    summary,
    parameters,
    words: declaration.words ?? { positions: [] },
    takesFile: declaration.takesFile ?? false,
    run: (file, context, given) => declaration.run(file, context, parameters.parse(given)),
    recognises: (file, board, given) =>
      declaration.recognises?.(file, board, parameters.parse(given)) ?? false,
  };
}

/** Schema of a step without parameters. */
export const noParameters = z.strictObject({});
