import { expect, test } from 'vitest';
import {
  explorePowerCuts,
  explorePowerCutsInPool,
  NorChip,
  norGeometry,
} from '../../../tools/flash/index.js';
import { mergeExplorations } from '../../../tools/flash/power-cut-explorer.js';
import type { ChipWorkload, ExploreOptions, ExploreResult } from '../../../tools/flash/index.js';
import { counterExploration } from '../../support/counter-exploration.js';

const chip = (): NorChip => new NorChip({ geometry: norGeometry(4 * 4096, 4096) });

/** Writes a record, then a mark that makes it valid. */
const careful: ChipWorkload = (device, mark) => {
  for (const [step, value] of [11, 22, 33].entries()) {
    device.program(step * 8, new Uint8Array([value, value]));
    device.program(step * 8 + 4, new Uint8Array([0]));
    mark(`record ${step}`);
  }
};
const validRecords = (device: NorChip): number[] =>
  [0, 8, 16].flatMap((at) => (device.read(at + 4, 1)[0] === 0 ? [device.read(at, 1)[0] ?? -1] : []));

const options = (over: Partial<ExploreOptions> = {}): ExploreOptions => ({
  chip: chip(),
  workload: careful,
  check: ({ chip: device, stepsDone }) => {
    const found = validRecords(device);
    const expected = [11, 22, 33].slice(0, found.length);
    if (found.length < stepsDone || found.length > stepsDone + 1 || String(found) !== String(expected))
      throw new Error(`found ${String(found)} after ${stepsDone} steps`);
    return found.length === stepsDone ? 'undone' : 'done';
  },
  ...over,
});

test('work that is careful passes every cut, and outcomes are counted', () => {
  const result = explorePowerCuts(options());
  expect(result.violations).toEqual([]);
  expect(result.operations).toBe(6);
  expect(result.cuts).toBe(3 * (1 + 1 + 1 + 1) + 3 * (1 + 1));
  expect(result.outcomes['done']).toBeGreaterThanOrEqual(3);
  expect(result.outcomes['undone']).toBeGreaterThan(6);
});

test('work that marks before it writes is caught, and the replay id repeats that one cut', () => {
  const hasty: ChipWorkload = (device, mark) => {
    device.program(4, new Uint8Array([0]));
    device.program(0, new Uint8Array([11, 11]));
    mark('record');
  };
  const result = explorePowerCuts(options({ workload: hasty }));
  expect(result.violations.length).toBeGreaterThan(0);
  const replayId = result.violations[0]?.replayId ?? '';
  const again = explorePowerCuts(options({ workload: hasty, replayId }));
  expect(again.cuts).toBe(1);
  expect(again.violations).toEqual(result.violations.slice(0, 1));
});

test('the chip that was handed in does not change', () => {
  const device = chip();
  explorePowerCuts(options({ chip: device }));
  expect(device.image().every((byte) => byte === 0xff)).toBe(true);
});

test('an erase is cut inside as well', () => {
  const device = chip();
  device.program(0, new Uint8Array(4096));
  const seen = new Set<number>();
  explorePowerCuts({
    chip: device,
    workload: (target) => {
      target.erase(0);
    },
    check: ({ chip: cut }) => {
      seen.add(cut.block(0).reduce((sum, byte) => sum + (byte === 0xff ? 1 : 0), 0));
      return 'seen';
    },
  });
  for (const erased of [0, 1, 2048, 4095, 4096]) expect([...seen]).toContain(erased);
});

test('depth 2 cuts recovery too, and names both cuts', () => {
  const ids: string[] = [];
  const result = explorePowerCuts(
    options({
      depth: 2,
      recover: (device) => {
        device.program(100, new Uint8Array([1]));
      },
      check: ({ replayId, duringRecovery }) => {
        ids.push(replayId);
        return duringRecovery ? 'second' : 'first';
      },
    }),
  );
  expect(result.outcomes['second']).toBe((result.outcomes['first'] ?? 0) * 3);
  expect(ids).toContain('2:bytes-1/0:after');
});

test('a range explores a part, and parts add up to the whole', () => {
  const whole = explorePowerCuts(options());
  const parts = [0, 1].map((first) => explorePowerCuts(options({ range: { first, stride: 2 } })));
  expect(mergeExplorations(parts)).toEqual(whole);
});

test('it stops after the limit of violations', () => {
  const result = explorePowerCuts(
    options({
      violationLimit: 2,
      check: () => {
        throw new Error('no');
      },
    }),
  );
  expect(result.violations).toHaveLength(2);
});

test('worker threads find what one thread finds', async () => {
  const source = {
    module: new URL('../../support/counter-exploration.ts', import.meta.url).href,
    name: 'counterExploration',
    input: 5,
  };
  expect(await explorePowerCutsInPool(source, { jobs: 2 })).toEqual(explorePowerCuts(counterExploration(5)));
});

test('an exploration that was stopped goes on with the shares that are left', async () => {
  const source = {
    module: new URL('../../support/counter-exploration.ts', import.meta.url).href,
    name: 'counterExploration',
    input: 5,
  };
  const kept = new Map<number, ExploreResult>();
  const stopped = new AbortController();
  await expect(
    explorePowerCutsInPool(source, {
      jobs: 1,
      shares: 4,
      signal: stopped.signal,
      onShare: (share, result) => {
        kept.set(share, result);
        if (kept.size === 2) stopped.abort(new Error('stopped'));
      },
    }),
  ).rejects.toThrow('stopped');
  const done: number[] = [];
  const result = await explorePowerCutsInPool(source, {
    jobs: 1,
    shares: 4,
    done: kept,
    onShare: (share) => done.push(share),
  });
  expect(done).toEqual([2, 3]);
  expect(result).toEqual(explorePowerCuts(counterExploration(5)));
});
