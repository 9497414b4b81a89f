/** A sample of the comparison with the running kernel's overlay; all of it is test/sweep/union-kernel.ts. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { kernelFileSystem, mountNamespace, requires, root } from '../support/requires.js';

const program = fileURLToPath(new URL('../sweep/union-kernel.ts', import.meta.url));
const sequences = 100;
requires(
  root(),
  mountNamespace(),
  kernelFileSystem('overlay'),
)(`${sequences} random sequences answer and end as on the kernel's overlay, also after another mount`, () => {
  const { FW_REPLAY: seed } = process.env;
  const which = seed === undefined ? [String(sequences), '1'] : ['1', seed];
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', program, ...which], {
    encoding: 'utf8',
  });
  const failed = /^seed (\d+):/m.exec(stdout)?.[1];
  expect(stdout, `FW_REPLAY=${failed} npx vitest run test/oracle/union-kernel.test.ts`).toContain(
    `${which[0]} sequences, 0 differences`,
  );
  expect(status).toBe(0);
});
