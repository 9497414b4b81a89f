/** Every power cut of every kind of operation on a mounted JFFS2. */
import { describe, expect, test } from 'vitest';
import { explorePowerCuts } from '../../../tools/flash/index.js';
import { jffs2PowerCuts, powerCutWorkloads } from '../../support/jffs2-power-cuts.js';
import type { PowerCutInput } from '../../support/jffs2-power-cuts.js';

const kinds: readonly (Pick<PowerCutInput, 'endian' | 'inPlace'> & { readonly name: string })[] = [
  { name: 'little-endian', endian: 'little' },
  { name: 'big-endian', endian: 'big' },
  { name: 'obsoleting in place', endian: 'little', inPlace: true },
];
const large = new Set(['collection', 'fill']);
const file = 'test/unit/jffs2/power-cuts.test.ts';

/** FW_REPLAY is `KIND/WORKLOAD@CUT`, as a failure prints it. */
const replay = /^(?<kind>[^/]+)\/(?<workload>[^@]+)@(?<cut>.+)$/.exec(process.env['FW_REPLAY'] ?? '')?.groups;

function explore(kind: string, input: PowerCutInput): void {
  const cut = replay?.['cut'];
  const result = explorePowerCuts(
    jffs2PowerCuts({ ...input, ...(cut === undefined ? {} : { replayId: cut }) }),
  );
  const violations = result.violations.map(
    ({ replayId, message }) =>
      `FW_REPLAY='${kind}/${input.workload}@${replayId}' npx vitest run ${file}\n${message}`,
  );
  expect(violations).toEqual([]);
  if (cut === undefined)
    expect(result.cuts).toBeGreaterThan((result.operations * 4) / (input.stride ?? 1) - 8);
}

for (const { name, ...kind } of kinds) {
  describe(`${name}: after every cut the step is done or undone`, () => {
    for (const workload of Object.keys(powerCutWorkloads)) {
      if (replay && (replay['kind'] !== name || replay['workload'] !== workload)) continue;
      test(workload, () => {
        const size = large.has(workload) ? { eraseSize: 4096, blocks: 26 } : { eraseSize: 65536, blocks: 8 };
        // The long ones are cut everywhere once; in the other kinds at every third operation.
        const stride = large.has(workload) && name !== 'little-endian' ? 3 : 1;
        explore(name, { workload, ...kind, ...size, stride });
      });
    }
  });
}

describe('a second cut during recovery changes nothing', () => {
  for (const workload of ['append', 'rename over', 'xattr', 'collection']) {
    if (replay && (replay['kind'] !== 'twice' || replay['workload'] !== workload)) continue;
    test(workload, () => {
      const stride = large.has(workload) ? 40 : 2;
      explore('twice', { workload, endian: 'little', eraseSize: 4096, blocks: 26, depth: 2, stride });
    });
  }
});
