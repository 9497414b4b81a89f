import { expect, test } from 'vitest';
import {
  chipAfterCut,
  planCutAt,
  recordOperations,
  tears,
} from '../../../tools/emulator/device/cut-recording.js';
import {
  chooseCuts,
  chooseRecoveries,
  chooseSecondCuts,
  formatCutPoint,
  parseCutPoint,
} from '../../../tools/emulator/power-cuts/cut-points.js';
import { FormatError } from '../../../tools/core/index.js';
import { NorChip, norGeometry, PowerCut } from '../../../tools/flash/index.js';

function chip(): NorChip {
  return new NorChip({ geometry: norGeometry(4 * 4096, 4096) });
}

test('each operation of a flow is kept with the chip as it was before it', () => {
  const device = chip();
  const { count, kept } = recordOperations(device, () => {
    device.program(0, Uint8Array.of(1, 2, 3, 4));
    device.erase(0);
  });
  expect(count).toBe(2);
  const [first, second] = [...kept.values()];
  expect([first?.operation.kind, second?.operation.kind]).toEqual(['program', 'erase']);
  if (!first || !second) throw new Error('two operations were recorded');
  expect([...chipAfterCut(device, first, 'half').read(0, 4)]).toEqual([1, 2, 255, 255]);
  expect([...chipAfterCut(device, first, 'before').read(0, 4)]).toEqual([255, 255, 255, 255]);
  expect([...chipAfterCut(device, second, 'first-byte').read(0, 4)]).toEqual([255, 2, 3, 4]);
  expect([...chipAfterCut(device, second, 'after').read(0, 4)]).toEqual([255, 255, 255, 255]);
});

test('of a long flow only the operations that are asked for are kept, and all are counted', () => {
  const device = chip();
  const { count, kept } = recordOperations(
    device,
    () => {
      for (let i = 0; i < 10; i += 1) device.program(i, Uint8Array.of(i));
    },
    (index) => index === 3,
  );
  expect(count).toBe(10);
  expect([...kept.keys()]).toEqual([3]);
  const third = kept.get(3);
  if (!third) throw new Error('operation 3 was kept');
  expect([...chipAfterCut(device, third, 'after').read(0, 5)]).toEqual([0, 1, 2, 3, 255]);
});

test('a sample holds the first and the last operation, and every tear', () => {
  const chosen = chooseCuts('reset', 100, 'sample', 30);
  expect(chosen).toHaveLength(30);
  expect(chosen.at(0)?.operation).toBe(0);
  expect(chosen.at(-1)?.operation).toBe(99);
  expect(new Set(chosen.map(({ tear }) => tear))).toEqual(new Set(tears));
  expect(chooseCuts('reset', 100, 'all')).toHaveLength(600);
});

test('a planned cut strikes at the operation that was counted', () => {
  const device = chip();
  planCutAt(device, 2, 'last-byte');
  device.program(0, Uint8Array.of(1));
  expect(() => device.program(8, Uint8Array.of(1, 2))).toThrow(PowerCut);
  device.powerOn();
  expect([...device.read(8, 2)]).toEqual([1, 255]);
});

test('names of cuts are read back; others are refused', () => {
  const cut = { phase: 'upgrade-boot', operation: 17, tear: 'last-byte' } as const;
  expect(parseCutPoint(formatCutPoint(cut))).toEqual(cut);
  const second = { ...cut, again: { operation: 3, tear: 'after' } } as const;
  expect(formatCutPoint(second)).toBe('upgrade-boot:17:last-byte/3:after');
  expect(parseCutPoint(formatCutPoint(second))).toEqual(second);
  expect(() => parseCutPoint('upgrade:1:half/')).toThrow(FormatError);
  expect(() => parseCutPoint('upgrade:1:half/2:nothing')).toThrow(FormatError);
  expect(() => parseCutPoint('upgrade:x:half')).toThrow(FormatError);
  expect(() => parseCutPoint('upgrade:1:nothing')).toThrow(FormatError);
});

test('recoveries and second cuts are drawn over the whole range, always the same ones', () => {
  const recoveries = [...chooseRecoveries('reset', 1000, 'all')];
  expect(recoveries).toHaveLength(100);
  expect(recoveries.every((at, i) => at >= i * 10 && at < (i + 1) * 10)).toBe(true);
  expect([...chooseRecoveries('reset', 1000, 'all')]).toEqual(recoveries);
  expect([...chooseRecoveries('upgrade', 1000, 'all')]).not.toEqual(recoveries);
  expect(chooseRecoveries('reset', 60, 'sample').size).toBe(12);
  expect(chooseRecoveries('reset', 3, 'all').size).toBe(3);
  const first = { phase: 'reset', operation: 1, tear: 'half' } as const;
  const second = chooseSecondCuts(first, 200, 'all');
  expect(second).toHaveLength(20);
  expect(second.map(({ operation }) => Math.floor(operation / 10))).toEqual([...second.keys()]);
  expect(chooseSecondCuts(first, 1, 'sample').map(({ operation }) => operation)).toEqual([0, 0, 0, 0, 0]);
  expect(chooseSecondCuts(first, 0, 'sample')).toEqual([]);
});
