#!/usr/bin/env node
/** Entry of the `firmwright` program: connects the process to the command line. */
import process from 'node:process';
import { isatty } from 'node:tty';
import { runCommandLine } from './run.js';
import type { Output } from './run.js';

function output(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  // `stream.isTTY` is undefined on a pipe, whatever its type says.
  const isTerminal = isatty(stream.fd);
  // A reader that goes away early (`| head`) is no failure of ours.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    isTerminal,
    columns: isTerminal ? stream.columns : 100,
    write: (text) => stream.write(text),
  };
}

const cancel = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    // A second signal takes the default way out: at once.
    cancel.abort();
  });
}

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  signal: cancel.signal,
});
