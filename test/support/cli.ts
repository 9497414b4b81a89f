/** Runs the command line inside the test process and gives back what it printed and its exit code. */
import { runCommandLine } from '../../tools/cli/run.js';

/** What a command line left behind. */
export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `firmwright` with these words; the streams are no terminals unless `terminal` says so. */
export async function firmwright(
  argv: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
    readonly terminal?: boolean;
  } = {},
): Promise<CliResult> {
  const printed = { stdout: '', stderr: '' };
  const stream = (
    name: 'stdout' | 'stderr',
  ): { isTerminal: boolean; columns: number; write: (text: string | Uint8Array) => void } => ({
    isTerminal: options.terminal ?? false,
    columns: 100,
    write: (text) => {
      printed[name] += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
    },
  });
  const exitCode = await runCommandLine(argv, {
    env: options.env ?? {},
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    signal: options.signal ?? new AbortController().signal,
  });
  return { exitCode, ...printed };
}

/** The one JSON document that a `--json` run printed. */
export function jsonOf(result: CliResult): unknown {
  return JSON.parse(result.stdout);
}
