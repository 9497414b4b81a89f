/** Our mount and real kernels work in turns on one flash; the whole sweep is test/sweep/jffs2-exchange.ts. */
import { describe, expect } from 'vitest';
import { exchange, exchangeCase } from '../support/jffs2-exchange.js';
import { oracle, requires } from '../support/requires.js';

describe('three rounds of our work and the kernel’s on one flash, both list the same', () => {
  const replay = process.env['FW_REPLAY'];
  const seeds = replay === undefined ? Array.from({ length: 12 }, (_, i) => 1000 + i) : [Number(replay)];
  for (const seed of seeds) {
    const made = exchangeCase(seed);
    requires(oracle('uml'))(
      `seed ${seed}: ${made.endian}-endian, ${made.eraseSize / 1024} KiB blocks`,
      async () => {
        const { faults, erases } = await exchange(made);
        expect(faults, `FW_REPLAY=${seed} npx vitest run test/oracle/jffs2-exchange.test.ts`).toEqual([]);
        expect(erases).toBeGreaterThan(0);
      },
    );
  }
});
