import { expect, test } from 'vitest';
import { NorChip, norGeometry } from '../../../tools/flash/index.js';

const eraseSize = 4096;

function chip(): NorChip {
  return new NorChip({ geometry: norGeometry(4 * eraseSize, eraseSize) });
}

test('blocks that are erased, formatted or written in one go are the same array wherever their bytes are the same', () => {
  const device = chip();
  const fork = device.fork();
  const whole = new Uint8Array(eraseSize).fill(0x5a);
  device.program(0, Uint8Array.of(0x19, 0x85));
  device.program(eraseSize, whole);
  fork.program(2 * eraseSize, Uint8Array.of(0x19, 0x85));
  fork.program(3 * eraseSize, whole.slice());
  expect(fork.block(2)).toBe(device.block(0));
  expect(fork.block(3)).toBe(device.block(1));
  expect([...fork.read(2 * eraseSize, 3)]).toEqual([0x19, 0x85, 0xff]);
  fork.erase(3 * eraseSize);
  expect(fork.block(3)).toBe(device.block(2));
});

test('a shared block is not written to', () => {
  const device = chip();
  device.program(0, Uint8Array.of(0xf0));
  device.program(eraseSize, Uint8Array.of(0xf0));
  device.program(0, Uint8Array.of(0x10));
  device.program(1, Uint8Array.of(0x00));
  expect([...device.read(0, 2)]).toEqual([0x10, 0x00]);
  expect([...device.read(eraseSize, 2)]).toEqual([0xf0, 0xff]);
});

test('what is programmed is copied, also out of a Buffer that is written to again', () => {
  const device = chip();
  const buffer = Buffer.alloc(eraseSize, 1);
  device.program(0, buffer);
  buffer.fill(0);
  expect(device.read(0, 1)[0]).toBe(1);
});

test('stuck bits show in a block that is otherwise shared', () => {
  const device = new NorChip({ geometry: norGeometry(4 * eraseSize, eraseSize), strict: false });
  device.addStuckBits({ offset: 1, mask: 0x01, value: 0 });
  device.erase(0);
  device.program(0, Uint8Array.of(0x19, 0x85));
  device.program(eraseSize, Uint8Array.of(0x19, 0x85));
  expect([...device.read(0, 2)]).toEqual([0x19, 0x84]);
  expect([...device.read(eraseSize, 2)]).toEqual([0x19, 0x85]);
});
