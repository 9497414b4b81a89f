#!/usr/bin/env node
/** Entry of the `firmwright` program: connects the process to the command line. */
import process from 'node:process';
import { isatty } from 'node:tty';
import { describeFailure, renderFailure } from './render/failure.js';
import type { Failure } from './render/failure.js';
import { styleFor } from './render/style.js';
import { runCommandLine } from './run.js';
import type { Output } from './run.js';

/** The failure of a result that could not be printed, as on a full disk; it shows after the verb is done. */
let unwritten: Failure | undefined;
process.once('exit', () => {
  if (unwritten) process.exitCode = unwritten.exitCode;
});

function output(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  // `stream.isTTY` is undefined on a pipe, whatever its type says.
  const isTerminal = isatty(stream.fd);
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that goes away early (`| head`) is no failure of ours; where errors cannot be told, nothing can.
    if (error.code === 'EPIPE' || unwritten || stream === process.stderr) return;
    unwritten = describeFailure(Object.assign(error, { path: 'standard output' }), false);
    process.stderr.write(renderFailure(unwritten, styleFor(isatty(process.stderr.fd), process.env)));
  });
  return {
    isTerminal,
    columns: isTerminal ? stream.columns : 100,
    write: (text) => stream.write(text),
  };
}

/**
 * A second signal takes the default way out, at once and without a clean-up, but only after so long: `npx` and `timeout` pass
 * on what the terminal also sends to the whole group, and one Ctrl-C arrives twice.
 */
const impatienceMs = 1000;
const cancel = new AbortController();
let cancelledAt = Number.POSITIVE_INFINITY;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (!cancel.signal.aborted) {
      cancelledAt = performance.now();
      cancel.abort();
    } else if (performance.now() - cancelledAt > impatienceMs) {
      process.removeAllListeners(name);
      process.kill(process.pid, name);
    }
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  signal: cancel.signal,
});
