/** The steps of a scenario in which a user works with files. */
import { fillerBytes } from '../device/filler.js';
import type { UserOperation } from '../device/user-operations.js';
import type { UserStep } from './schema.js';

/** Turns a step into the operation that it stands for. */
export function operationOfStep({ kind, arguments: args }: UserStep): UserOperation {
  switch (kind) {
    case 'write': {
      const mode = modeOf(args.mode);
      return { kind, path: args.path, data: contentOf(args), ...(mode === undefined ? {} : { mode }) };
    }
    case 'append':
      return { kind, path: args.path, data: contentOf(args) };
    case 'rm':
      return { kind, path: args.path, recursive: args.recursive ?? false };
    case 'mv':
      return { kind, from: args.from, to: args.to };
    case 'mkdir': {
      const mode = modeOf(args.mode);
      return {
        kind,
        path: args.path,
        parents: args.parents ?? false,
        ...(mode === undefined ? {} : { mode }),
      };
    }
    case 'chmod':
      return { kind, path: args.path, mode: modeOf(args.mode) ?? 0o644 };
    case 'ln':
      return { kind, target: args.target, path: args.path, symbolic: args.symbolic ?? false };
  }
}

/** Names an operation in reports. */
export function operationText(operation: UserOperation): string {
  switch (operation.kind) {
    case 'mv':
      return `mv ${operation.from} ${operation.to}`;
    case 'ln':
      return `ln ${operation.target} ${operation.path}`;
    default:
      return `${operation.kind} ${operation.path}`;
  }
}

/** Bytes that a step tells as text, as base64, or by their count. */
export function contentOf(args: {
  readonly text?: string | undefined;
  readonly base64?: string | undefined;
  readonly bytes?: number | undefined;
}): Uint8Array {
  if (args.base64 !== undefined) return new Uint8Array(Buffer.from(args.base64, 'base64'));
  if (args.bytes !== undefined) return fillerBytes(args.bytes);
  return new Uint8Array(Buffer.from(args.text ?? '', 'utf8'));
}

/** Reads a mode that a file gives as octal text or as a number. */
function modeOf(mode: string | number | undefined): number | undefined {
  return typeof mode === 'string' ? Number.parseInt(mode, 8) : mode;
}
