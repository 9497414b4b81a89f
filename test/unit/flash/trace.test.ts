import { fc, test as property } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { FormatError } from '../../../tools/core/index.js';
import { NorChip, norGeometry, readTrace, replayTrace, TraceRecorder } from '../../../tools/flash/index.js';

const geometry = norGeometry(4 * 4096, 4096);

property.prop([
  fc.array(fc.tuple(fc.boolean(), fc.nat(4 * 4096 - 300), fc.uint8Array({ maxLength: 300 })), {
    maxLength: 20,
  }),
])('a replayed trace gives the same content and the same wear', (steps) => {
  const chip = new NorChip({ geometry, strict: false });
  const recorder = new TraceRecorder();
  chip.observer = recorder.observe;
  for (const [erase, offset, data] of steps) {
    if (erase) chip.erase(Math.floor(offset / 4096) * 4096);
    else chip.program(offset, data);
  }
  const second = new NorChip({ geometry, strict: false });
  expect(replayTrace(recorder.bytes(), second)).toBe(steps.length);
  expect(Buffer.compare(second.image(), chip.image())).toBe(0);
  expect(second.wear()).toEqual(chip.wear());
});

test('marks stand between the operations', () => {
  const chip = new NorChip({ geometry });
  const recorder = new TraceRecorder();
  chip.observer = recorder.observe;
  recorder.mark('schreib ä');
  chip.program(300, new Uint8Array([1, 2]));
  recorder.mark('erase');
  chip.erase(8192);
  expect([...readTrace(recorder.bytes())]).toEqual([
    { kind: 'mark', text: 'schreib ä' },
    { kind: 'program', offset: 300, data: new Uint8Array([1, 2]) },
    { kind: 'mark', text: 'erase' },
    { kind: 'erase', offset: 8192 },
  ]);
});

test('a trace that is cut at any byte of a record is refused', () => {
  const recorder = new TraceRecorder();
  recorder.observe({ kind: 'program', offset: 300, data: new Uint8Array([1, 2, 3]) });
  const whole = recorder.bytes();
  for (let length = 0; length < whole.length; length += 1) {
    if (length === 4) continue; // the magic alone is an empty trace
    expect(() => [...readTrace(whole.subarray(0, length))], `${length} bytes`).toThrow(FormatError);
  }
});

test('unknown kinds and foreign bytes are refused', () => {
  expect(() => [...readTrace(new TextEncoder().encode('FWT1\u0009'))]).toThrow(/unknown record kind 9 at 5/);
  expect(() => [...readTrace(new TextEncoder().encode('FWT2'))]).toThrow(/magic/);
});

test('a length beyond the trace does not allocate', () => {
  const bytes = new Uint8Array([0x46, 0x57, 0x54, 0x31, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
  expect(() => [...readTrace(bytes)]).toThrow(/ends inside a record/);
});
