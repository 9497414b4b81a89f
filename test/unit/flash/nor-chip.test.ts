import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { FlashError, NorChip, norGeometry, PowerCut } from '../../../tools/flash/index.js';
import { mixBits } from '../../../tools/flash/faults.js';
import { spiNorTiming } from '../../../tools/flash/timing.js';
import type { BadBlockBehaviour, FlashOperation } from '../../../tools/flash/index.js';

const ERASE = 4096;
const chipOf = (blocks = 4, strict = true): NorChip =>
  new NorChip({ geometry: norGeometry(blocks * ERASE, ERASE), strict });
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    return error instanceof FlashError ? error.code : error instanceof PowerCut ? 'cut' : 'other';
  }
  return 'none';
};

describe('content', () => {
  test('a new chip is erased', () => {
    expect(
      chipOf()
        .image()
        .every((byte) => byte === 0xff),
    ).toBe(true);
  });

  test('content shorter than the chip is followed by erased flash', () => {
    const chip = new NorChip({ geometry: norGeometry(2 * ERASE, ERASE), content: bytes(1, 2, 3) });
    expect(chip.read(0, 5)).toEqual(bytes(1, 2, 3, 0xff, 0xff));
    expect(chip.block(1).every((byte) => byte === 0xff)).toBe(true);
  });

  test('a source is read block by block, on demand', () => {
    const asked: number[] = [];
    const chip = new NorChip({
      geometry: norGeometry(4 * ERASE, ERASE),
      content: {
        size: 3 * ERASE,
        read: (offset, length) => {
          asked.push(offset);
          return new Uint8Array(offset < 3 * ERASE ? length : 0).fill(7);
        },
      },
    });
    expect(chip.read(ERASE, 2)).toEqual(bytes(7, 7));
    chip.read(ERASE, 2);
    expect(asked).toEqual([ERASE]);
    expect(chip.read(3 * ERASE - 1, 2)).toEqual(bytes(7, 0xff));
  });

  test('a program across erase blocks is one operation', () => {
    const chip = chipOf();
    chip.program(ERASE - 2, bytes(1, 2, 3, 4));
    expect(chip.read(ERASE - 2, 4)).toEqual(bytes(1, 2, 3, 4));
    expect(chip.counters).toMatchObject({ programs: 1, bytesProgrammed: 4 });
  });

  test('erase sets one block and leaves its neighbours', () => {
    const chip = chipOf();
    chip.program(0, new Uint8Array(3 * ERASE));
    chip.erase(ERASE);
    const image = chip.image();
    expect([image[ERASE - 1], image[ERASE], image[2 * ERASE - 1], image[2 * ERASE]]).toEqual([
      0, 255, 255, 0,
    ]);
    expect([...chip.wear()]).toEqual([0, 1, 0, 0]);
  });

  test('content larger than the chip is refused', () => {
    expect(
      codeOf(() => new NorChip({ geometry: norGeometry(ERASE, ERASE), content: new Uint8Array(ERASE + 1) })),
    ).toBe('FW_FLASH_GEOMETRY');
  });

  test.each([
    ['no whole number of blocks', norGeometry(ERASE + 1, ERASE)],
    ['size 0', norGeometry(0, ERASE)],
    ['NAND', { ...norGeometry(ERASE, ERASE), kind: 'nand' as const }],
  ])('geometry is refused: %s', (_name, geometry) => {
    expect(codeOf(() => new NorChip({ geometry }))).toBe('FW_FLASH_GEOMETRY');
  });
});

describe('NOR rules', () => {
  test('strict: a program that would set a bit is refused and changes nothing', () => {
    const chip = chipOf();
    chip.program(8, bytes(0x0f));
    expect(codeOf(() => chip.program(7, bytes(0, 0x1f)))).toBe('FW_FLASH_PROGRAM_SETS_BITS');
    expect(chip.read(7, 2)).toEqual(bytes(0xff, 0x0f));
  });

  test('strict: clearing more bits of a programmed byte is allowed', () => {
    const chip = chipOf();
    chip.program(8, bytes(0x0f));
    chip.program(8, bytes(0x05));
    expect(chip.read(8, 1)).toEqual(bytes(0x05));
  });

  test('not strict: bits are only cleared, and the violation is counted', () => {
    const chip = chipOf(4, false);
    chip.program(8, bytes(0x0f));
    chip.program(8, bytes(0xf3));
    expect(chip.read(8, 1)).toEqual(bytes(0x03));
    expect(chip.counters.violations).toBe(1);
  });

  test.each([
    ['read past the end', (chip: NorChip) => chip.read(4 * ERASE - 1, 2), 'FW_FLASH_RANGE'],
    ['read before the start', (chip: NorChip) => chip.read(-1, 1), 'FW_FLASH_RANGE'],
    ['program past the end', (chip: NorChip) => chip.program(4 * ERASE, bytes(0)), 'FW_FLASH_RANGE'],
    ['erase past the end', (chip: NorChip) => chip.erase(4 * ERASE), 'FW_FLASH_RANGE'],
    ['erase inside a block', (chip: NorChip) => chip.erase(12), 'FW_FLASH_ALIGNMENT'],
    ['block that is not there', (chip: NorChip) => chip.block(4), 'FW_FLASH_RANGE'],
  ])('%s is refused', (_name, act, code) => {
    expect(codeOf(() => act(chipOf()))).toBe(code);
  });
});

describe('snapshots', () => {
  test('a block keeps its identity until it changes, and its bytes afterwards', () => {
    const chip = chipOf();
    chip.program(0, bytes(1));
    const before = chip.block(0);
    expect(chip.block(0)).toBe(before);
    chip.program(1, bytes(2));
    expect(chip.block(0)).not.toBe(before);
    expect([before[0], before[1]]).toEqual([1, 0xff]);
  });

  test('rollback restores content, wear and counters', () => {
    const chip = chipOf();
    chip.program(0, bytes(1));
    const kept = chip.snapshot();
    chip.erase(0);
    chip.program(0, bytes(9));
    chip.rollback(kept);
    expect(chip.read(0, 1)).toEqual(bytes(1));
    expect([...chip.wear()]).toEqual([0, 0, 0, 0]);
    expect(chip.counters.erases).toBe(0);
  });

  property.prop([
    fc.array(fc.tuple(fc.boolean(), fc.nat(4 * ERASE - 8), fc.nat(3), fc.uint8Array({ maxLength: 8 })), {
      maxLength: 30,
    }),
    fc.nat(),
  ])('a fork and its origin never see each other', (steps, seed) => {
    const origin = chipOf(4, false);
    const plain = new Map<NorChip, Uint8Array>([[origin, origin.image()]]);
    const chips = [origin];
    steps.forEach(([erase, offset, block, data], step) => {
      const chip = chips[(seed + step * 7) % chips.length] ?? origin;
      const model = plain.get(chip) ?? origin.image();
      if (step % 5 === 2) {
        const fork = chip.fork();
        chips.push(fork);
        plain.set(fork, model.slice());
      } else if (erase) {
        chip.erase(block * ERASE);
        model.fill(0xff, block * ERASE, (block + 1) * ERASE);
      } else {
        chip.program(offset, data);
        data.forEach((value, i) => (model[offset + i] = (model[offset + i] ?? 0) & value));
      }
    });
    for (const chip of chips) expect(Buffer.compare(chip.image(), plain.get(chip) ?? bytes())).toBe(0);
  });

  test('changedSince names the blocks that were written', () => {
    const chip = chipOf();
    const kept = chip.snapshot();
    chip.program(2 * ERASE, bytes(1));
    expect(chip.changedSince(kept)).toEqual([2]);
  });
});

describe('power cuts', () => {
  const written = bytes(1, 2, 3, 4);
  const after = (plan: Parameters<NorChip['planPowerCut']>[0]): Uint8Array => {
    const chip = chipOf();
    chip.planPowerCut(plan);
    expect(codeOf(() => chip.program(0, written))).toBe('cut');
    expect(chip.powered).toBe(false);
    expect(codeOf(() => chip.read(0, 1))).toBe('cut');
    chip.powerOn();
    return chip.read(0, 4);
  };

  test('before an operation nothing of it is done', () => {
    expect(after({ kind: 'before', operation: 0 })).toEqual(bytes(255, 255, 255, 255));
  });
  test('after an operation all of it is done', () => {
    expect(after({ kind: 'after', operation: 0 })).toEqual(written);
  });
  test('inside, the first bytes are done', () => {
    expect(after({ kind: 'bytes', operation: 0, bytes: 3 })).toEqual(bytes(1, 2, 3, 255));
  });
  test('inside, a subset of bits is done, the same for the same seed', () => {
    const mixed = after({ kind: 'bits', operation: 0, seed: 5 });
    expect(after({ kind: 'bits', operation: 0, seed: 5 })).toEqual(mixed);
    mixed.forEach((byte, i) => expect(byte & (written[i] ?? 0)).toBe(written[i]));
    expect(mixed).not.toEqual(written);
  });
  test('a byte budget runs across operations', () => {
    const chip = chipOf();
    chip.planPowerCut({ kind: 'budget', bytes: 6 });
    chip.program(0, written);
    expect(codeOf(() => chip.program(4, written))).toBe('cut');
    chip.powerOn();
    expect(chip.read(0, 8)).toEqual(bytes(1, 2, 3, 4, 1, 2, 255, 255));
  });
  test('a budget that ends with an operation cuts right after it', () => {
    expect(after({ kind: 'budget', bytes: 4 })).toEqual(written);
  });
  test('operations before the planned one are whole', () => {
    const chip = chipOf();
    chip.planPowerCut({ kind: 'before', operation: 1 });
    chip.program(0, written);
    expect(codeOf(() => chip.program(4, written))).toBe('cut');
    chip.powerOn();
    expect(chip.read(0, 8)).toEqual(bytes(1, 2, 3, 4, 255, 255, 255, 255));
  });
  test('an erase is cut after its first bytes', () => {
    const chip = chipOf();
    chip.program(0, new Uint8Array(ERASE));
    chip.planPowerCut({ kind: 'bytes', operation: 0, bytes: 100 });
    expect(codeOf(() => chip.erase(0))).toBe('cut');
    chip.powerOn();
    expect([...chip.read(99, 2)]).toEqual([255, 0]);
  });
  test('mixBits takes every bit from one of the two states', () => {
    const mixed = mixBits(new Uint8Array(999), new Uint8Array(999).fill(0xff), 3);
    const ones = mixed.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
    expect(ones).toBeGreaterThan(3500);
    expect(ones).toBeLessThan(4500);
  });
});

describe('bad places', () => {
  const outcomes: [BadBlockBehaviour, string, string, string][] = [
    ['program-error', 'FW_FLASH_PROGRAM', 'none', 'none'],
    ['erase-error', 'none', 'FW_FLASH_ERASE', 'none'],
    ['read-error', 'none', 'none', 'FW_FLASH_READ'],
    ['program-noop', 'none', 'none', 'none'],
    ['erase-noop', 'none', 'none', 'none'],
  ];
  test.each(outcomes)('%s', (behaviour, program, erase, read) => {
    const chip = chipOf();
    chip.setBadBlock(1, behaviour);
    expect(codeOf(() => chip.program(ERASE, bytes(0)))).toBe(program);
    const programmed = program === 'none' && behaviour !== 'program-noop';
    expect(chip.image()[ERASE]).toBe(programmed ? 0 : 0xff);
    expect(codeOf(() => chip.erase(ERASE))).toBe(erase);
    expect(chip.image()[ERASE]).toBe(programmed && behaviour.startsWith('erase') ? 0 : 0xff);
    expect(codeOf(() => chip.read(ERASE, 1))).toBe(read);
    expect(codeOf(() => chip.block(1))).toBe(read);
    chip.setBadBlock(1, undefined);
    expect(codeOf(() => chip.read(ERASE, 1))).toBe('none');
  });

  test('a block wears out after its cycles, also in a fork', () => {
    const chip = chipOf();
    chip.setWearOut({ cycles: 2, behaviour: 'erase-error' });
    chip.erase(0);
    const fork = chip.fork();
    fork.erase(0);
    expect(codeOf(() => fork.erase(0))).toBe('FW_FLASH_ERASE');
    expect(codeOf(() => chip.erase(0))).toBe('none');
  });

  test('stuck bits stay through program and erase', () => {
    const chip = chipOf();
    chip.addStuckBits({ offset: 5, mask: 0x81, value: 0x01 });
    expect(chip.read(5, 1)).toEqual(bytes(0x7f));
    chip.program(5, bytes(0));
    expect(chip.read(5, 1)).toEqual(bytes(0x01));
    chip.erase(0);
    expect(chip.read(5, 1)).toEqual(bytes(0x7f));
  });

  test('a flipped bit is flipped', () => {
    const chip = chipOf();
    chip.program(3, bytes(0x10));
    chip.flipBits(3, 0x11);
    expect(chip.read(3, 1)).toEqual(bytes(0x01));
  });
});

test('the observer sees every operation, and none after the power is gone', () => {
  const chip = chipOf();
  const seen: FlashOperation['kind'][] = [];
  chip.observer = (operation) => seen.push(operation.kind);
  chip.program(0, bytes(0));
  chip.planPowerCut({ kind: 'before', operation: 0 });
  codeOf(() => chip.erase(0));
  codeOf(() => chip.erase(0));
  expect(seen).toEqual(['program', 'erase']);
});

test('the timing model adds up page programs and erases', () => {
  const chip = chipOf();
  const { programUnitNs, eraseBlockNs, commandNs } = spiNorTiming(ERASE);
  chip.program(250, new Uint8Array(10));
  chip.erase(0);
  expect(chip.counters.busyNs).toBe(2 * (programUnitNs + commandNs) + eraseBlockNs + commandNs);
});
