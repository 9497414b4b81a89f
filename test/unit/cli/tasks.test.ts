/** What a task shows off a terminal. */
import { expect, test } from 'vitest';
import { taskDisplay } from '../../../tools/cli/render/tasks.js';

const signal = new AbortController().signal;

test('off a terminal a long task says every ten seconds how far it is, a short one that it ended', async () => {
  let [now, printed] = [0, ''];
  const write = (text: string): void => void (printed += text);
  const display = taskDisplay({ isTerminal: false, quiet: false, write, now: () => now, signal });
  await display.run('pack', (task) => {
    for (let done = 1; done <= 12; done += 1) {
      now += 2500;
      task.progress(done, 12);
    }
    return Promise.resolve();
  });
  await display.run('count', () => Promise.resolve());
  expect(printed).toBe('pack 33 %\npack 66 %\npack 100 %\npack (30.0 s)\ncount (0.0 s)\n');
});

test('quiet shows nothing', async () => {
  let printed = '';
  const write = (text: string): void => void (printed += text);
  const display = taskDisplay({ isTerminal: true, quiet: true, write, now: () => 0, signal });
  expect(await display.run('pack', () => Promise.resolve(7))).toBe(7);
  expect(printed).toBe('');
});
