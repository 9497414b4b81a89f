/** The same work cut at the same byte on a real kernel and here; the whole sweep is test/sweep/jffs2-cuts.ts. */
import { describe, expect } from 'vitest';
import { bytesOfWork, cutBoth, traceBoth } from '../support/jffs2-oracle-cuts.js';
import { oracle, requires } from '../support/requires.js';

const file = 'test/oracle/jffs2-cuts.test.ts';

describe.each(['little', 'big'] as const)('%s-endian', (endian) => {
  requires(oracle('uml'))('the kernel and we program the same bytes in the same order', async () => {
    const { ours, kernel } = await traceBoth(endian);
    expect(ours.length).toBeGreaterThan(10);
    expect(ours).toEqual(kernel);
  });
});

describe('a cut at the same byte leaves the same on a real kernel’s flash and on ours, and each reads the other’s', () => {
  const total = bytesOfWork();
  const replay = process.env['FW_REPLAY'];
  // Spread over the work, off any round number.
  const cuts =
    replay === undefined
      ? [1, 3, 5, 7, 9, 11].map((i) => Math.floor((total * i) / 12) + i * 13)
      : [Number(replay)];
  for (const bytes of cuts) {
    requires(oracle('uml'))(`after ${bytes} bytes`, async () => {
      const faults = await cutBoth({ endian: bytes % 2 === 0 ? 'little' : 'big', bytes });
      expect(faults, `FW_REPLAY=${bytes} npx vitest run ${file} -t 'a cut'`).toEqual([]);
    });
  }
});
