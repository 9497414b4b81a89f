/** Mounting, space and faults of a living JFFS2: the kernel's rules, one by one. */
import { describe, expect, test } from 'vitest';
import { byteStringFromText as b, fixedClock, seededRandom } from '../../../tools/core/index.js';
import { FlashPartition, NorChip, norGeometry } from '../../../tools/flash/index.js';
import type { Flash } from '../../../tools/flash/index.js';
import { mountJffs2, scanCacheFor, writeJffs2 } from '../../../tools/jffs2/index.js';
import { encodeCleanmarker } from '../../../tools/jffs2/node/encode.js';
import type { Jffs2FileSystem, MountOptions } from '../../../tools/jffs2/index.js';
import { FsError } from '../../../tools/vfs/index.js';
import { dataPool } from '../../support/file-operations.js';
import { directory, file } from '../../support/jffs2-trees.js';

const KIB = 1024;
const plain = { mode: 0o644, uid: 0, gid: 0 };
const newFile = { type: 'file', ...plain } as const;
const options: MountOptions = { endian: 'little', clock: fixedClock(1_700_000_000) };
const mount = (flash: Flash, more: Partial<MountOptions> = {}): Jffs2FileSystem =>
  mountJffs2(flash, { ...options, ...more });
const blank = (blocks: number, eraseSize = 64 * KIB): NorChip =>
  new NorChip({ geometry: norGeometry(blocks * eraseSize, eraseSize) });
const errnoOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    if (error instanceof FsError) return error.code;
    throw error;
  }
  return 'ok';
};
const text = (fs: Jffs2FileSystem, name: string): string | undefined => {
  const ino = fs.lookup(fs.root, b(name));
  return ino === undefined ? undefined : Buffer.from(fs.read(ino, 0, 1e6)).toString();
};
const put = (fs: Jffs2FileSystem, name: string, content: string): number => {
  const ino = fs.mknod(fs.root, b(name), newFile);
  fs.write(ino, 0, Buffer.from(content));
  return ino;
};

describe('mount', () => {
  test.each([
    [4, 'EINVAL'],
    [5, 'ok'],
  ])('of %i erase blocks answers %s', (blocks, answer) => {
    expect(errnoOf(() => mount(blank(blocks)))).toBe(answer);
  });

  test('of an erased chip queues every block for erase, and the collector formats it', () => {
    const chip = blank(8);
    const fs = mount(chip);
    expect(fs.space()).toMatchObject({ erasingBlocks: 8, freeBlocks: 0 });
    expect(fs.collect()).toBe(8);
    expect(fs.space()).toMatchObject({ erasingBlocks: 0, freeBlocks: 8 });
    for (let block = 0; block < 8; block += 1)
      expect(chip.read(block * 64 * KIB, 12)).toEqual(encodeCleanmarker(12, 'little'));
    // Nothing is erased again.
    expect(mount(chip).space().freeBlocks).toBe(8);
  });

  test('first writes to the last block but one of a blank chip', () => {
    const chip = blank(8);
    const fs = mount(chip);
    fs.collect();
    put(fs, 'a', 'x');
    expect(chip.block(6)[12]).not.toBe(0xff);
  });

  test('refuses foreign data', () => {
    const chip = new NorChip({
      geometry: norGeometry(8 * 64 * KIB, 64 * KIB),
      content: Buffer.from('squashfs?'.repeat(99)),
    });
    expect(errnoOf(() => mount(chip))).toBe('EIO');
  });

  test('refuses the other byte order', () => {
    const chip = blank(8);
    put(mount(chip, { endian: 'big' }), 'a', 'x'.repeat(3000));
    // With cleanmarkers in most blocks nothing at all is valid in the other order.
    expect(errnoOf(() => mount(chip))).toBe('EIO');
    expect(text(mount(chip, { endian: 'big' }), 'a')).toBe('x'.repeat(3000));
  });

  test('of a chip that begins with the end marker is empty, and all is erased before it returns', () => {
    const content = new Uint8Array(8 * 64 * KIB).fill(0x55);
    content.set([0xde, 0xad, 0xc0, 0xde]);
    const chip = new NorChip({ geometry: norGeometry(content.length, 64 * KIB), content });
    const fs = mount(chip);
    expect(fs.readdir(fs.root)).toEqual([]);
    expect(fs.space().freeBlocks).toBe(8);
    expect(chip.counters.erases).toBe(8);
    expect(fs.notices.join()).toContain('End of filesystem marker');
  });

  // Where the lists begin after their rotation depends on the versions seen.
  test.each([1, 2, 3, 4, 5, 6, 7])(
    'erases from the last block down to that of the end marker, with %i files before it',
    (files) => {
      const names = [...Array(files).keys()].map((i) => `file${i}`);
      const tree = directory(Object.fromEntries(names.map((name) => [name, file(Buffer.from('x'))])));
      const image = writeJffs2(tree, { endian: 'little', eraseSize: 64 * KIB });
      const content = new Uint8Array(12 * 64 * KIB).fill(0x55);
      content.set(image);
      content.set([0xde, 0xad, 0xc0, 0xde], image.length);
      const chip = new NorChip({ geometry: norGeometry(content.length, 64 * KIB), content });
      const erased: number[] = [];
      chip.observer = ({ kind, offset }) => {
        if (kind === 'erase') erased.push(offset / (64 * KIB));
      };
      const fs = mount(chip);
      expect(fs.readdir(fs.root)).toHaveLength(files);
      expect(erased).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    },
  );

  test('behind an end marker sees nothing; plain Linux sees it as bad data and refuses', () => {
    const chip = blank(8);
    put(mount(chip), 'old', 'x');
    const image = chip.image();
    image.set([0xde, 0xad, 0xc0, 0xde]);
    const marked = (): NorChip => new NorChip({ geometry: chip.geometry, content: image });
    expect(text(mount(marked()), 'old')).toBeUndefined();
    expect(text(mount(marked(), { endMarker: false }), 'old')).toBe('x');
  });

  test.each([
    ['incompatible', 0xe005, 'EIO', 'EIO'],
    ['read-only compatible', 0xa005, 'EIO', 'ok'],
    ['to be copied', 0x6005, 'ok', 'ok'],
    ['to be dropped', 0x2005, 'ok', 'ok'],
  ])('of an unknown node that is %s', (_name, nodetype, readWrite, readOnly) => {
    const chip = blank(8);
    put(mount(chip), 'a', 'x');
    const free = chip
      .block(6)
      .findIndex((_, at, bytes) => at % 4 === 0 && bytes.subarray(at).every((x) => x === 0xff));
    const node = encodeCleanmarker(12, 'little');
    new DataView(node.buffer).setUint16(2, nodetype, true);
    new DataView(node.buffer).setUint32(8, crcOf(node.subarray(0, 8)), true);
    chip.program(6 * 64 * KIB + free, node);
    expect(errnoOf(() => mount(chip.fork()))).toBe(readWrite);
    expect(errnoOf(() => mount(chip.fork(), { readOnly: true }))).toBe(readOnly);
  });

  test('read-only changes nothing and answers EROFS; remount makes it writable', () => {
    const chip = blank(8);
    put(mount(chip), 'a', 'content');
    const before = chip.counters;
    const fs = mount(chip, { readOnly: true });
    expect(text(fs, 'a')).toBe('content');
    expect(errnoOf(() => put(fs, 'n', 'x'))).toBe('EROFS');
    expect(fs.collect()).toBe(0);
    expect(chip.counters.programs).toBe(before.programs);
    fs.remount(false);
    expect(errnoOf(() => put(fs, 'n', 'x'))).toBe('ok');
    fs.remount(true);
    expect(errnoOf(() => fs.unlink(fs.root, b('n')))).toBe('EROFS');
  });

  test('of a read-only partition cannot be read-write', () => {
    const chip = blank(8);
    const part = new FlashPartition(chip, {
      label: 'ro',
      offset: 0,
      size: chip.geometry.size,
      readOnly: true,
    });
    expect(errnoOf(() => mount(part))).toBe('EROFS');
    expect(errnoOf(() => mount(part, { readOnly: true }))).toBe('ok');
  });

  test('after unmount every call answers EIO', () => {
    const fs = mount(blank(8));
    fs.unmount();
    expect(errnoOf(() => fs.getattr(fs.root))).toBe('EIO');
  });

  test('a shared scan cache changes nothing', () => {
    const cache = scanCacheFor(options);
    const chip = blank(8, 4 * KIB);
    const random = seededRandom(4);
    for (let round = 0; round < 30; round += 1) {
      const fs = mount(chip, { scanCache: cache });
      put(fs, `f${round % 7}-${round}`, 'y'.repeat(random.below(200)));
      const names = (m: Jffs2FileSystem): string[] => m.readdir(m.root).map((entry) => entry.name);
      expect(names(mount(chip, { scanCache: cache }))).toEqual(names(mount(chip)));
      expect(mount(chip, { scanCache: cache }).space()).toEqual(mount(chip).space());
      if (random.below(3) === 0) fs.unlink(fs.root, b(`f${round % 7}-${round}`));
    }
  });
});

function crcOf(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return crc >>> 0;
}

describe('space', () => {
  /** Measured on Linux 6.1: incompressible bytes accepted in pieces of 4 KiB until ENOSPC, on a blank chip. */
  test.each([
    [5, 131_072],
    [6, 192_512],
    [8, 323_584],
    [16, 835_584],
    [64, 3_846_144],
    [128, 7_880_704],
  ])('%i blocks of 64 KiB take %i bytes, and unlink works when full', (blocks, expected) => {
    const fs = mount(blank(blocks));
    fs.collect();
    const ino = fs.mknod(fs.root, b('f'), newFile);
    const piece = dataPool(1).subarray(0, 4096);
    let size = 0;
    const answer = errnoOf(() => {
      for (;;) size += fs.write(ino, size, piece);
    });
    expect([answer, size]).toEqual(['ENOSPC', expected]);
    expect(fs.getattr(ino).size).toBe(expected);
    expect(errnoOf(() => fs.unlink(fs.root, b('f')))).toBe('ok');
    fs.collect();
    expect(errnoOf(() => put(fs, 'again', 'x'.repeat(10_000)))).toBe('ok');
  });

  test('statfs counts as Linux does', () => {
    const free = [5, 6, 8, 16, 64, 128].map((blocks) => {
      const fs = mount(blank(blocks));
      fs.collect();
      return fs.statfs().blocksFree;
    });
    expect(free).toEqual([31, 47, 79, 207, 959, 1967]);
  });

  test('work that goes on for ever loses no space', () => {
    const chip = blank(12, 4 * KIB);
    const fs = mount(chip);
    const ino = put(fs, 'f', 'x'.repeat(2000));
    const random = seededRandom(9);
    for (let i = 0; i < 3000; i += 1)
      fs.write(ino, random.below(1500), Buffer.from(`${i} `.repeat(1 + random.below(40))));
    const content = text(fs, 'f');
    fs.collect();
    expect(text(mount(chip), 'f')).toBe(content);
    const { used, dirty, wasted, free } = fs.space();
    expect(used + dirty + wasted + free).toBe(12 * 4 * KIB);
    expect(used).toBeLessThan(12 * KIB);
    expect(errnoOf(() => put(fs, 'g', 'x'.repeat(4000)))).toBe('ok');
  });

  test('collection levels the wear over blocks that hold what never changes', () => {
    const chip = blank(24, 4 * KIB);
    const fs = mount(chip);
    for (let i = 0; i < 12; i += 1) put(fs, `still${i}`, String.fromCharCode(97 + i).repeat(2500));
    const ino = put(fs, 'busy', '');
    for (let i = 0; i < 6000; i += 1) fs.write(ino, 0, Buffer.from(`${i}`.padEnd(900, '.')));
    const wear = [...chip.wear()];
    expect(Math.min(...wear)).toBeGreaterThan(20);
    expect(Math.max(...wear) / Math.min(...wear)).toBeLessThan(6);
    expect(text(mount(chip), 'still3')).toBe('d'.repeat(2500));
  });

  test('the choice of blocks depends on the seed alone', () => {
    const imageAfter = (seed: number): Buffer => {
      const chip = blank(12, 4 * KIB);
      const fs = mount(chip, { seed });
      const ino = put(fs, 'f', 'z'.repeat(3000));
      for (let i = 0; i < 300; i += 1) fs.write(ino, (i * 37) % 2000, Buffer.from(`${i}`.repeat(90)));
      return Buffer.from(chip.image());
    };
    expect(imageAfter(1).equals(imageAfter(1))).toBe(true);
    expect(imageAfter(1).equals(imageAfter(2))).toBe(false);
  });
});

describe('faults of the chip', () => {
  test('a failed program is tried once more elsewhere', () => {
    const chip = blank(8);
    const fs = mount(chip);
    fs.collect();
    put(fs, 'a', 'x');
    chip.setBadBlock(6, 'program-error');
    // Both attempts go to the same block: the write fails, and nothing of it is there.
    expect(errnoOf(() => put(fs, 'n', 'y'))).toBe('EIO');
    expect(text(fs, 'n')).toBeUndefined();
    chip.setBadBlock(6, undefined);
    expect(errnoOf(() => put(fs, 'n', 'y'))).toBe('ok');
    expect(text(mount(chip), 'n')).toBe('y');
    expect(text(mount(chip), 'a')).toBe('x');
  });

  test('a block that cannot be erased is bad, and the rest goes on', () => {
    const chip = blank(10, 4 * KIB);
    chip.setBadBlock(3, 'erase-error');
    const fs = mount(chip);
    fs.collect();
    expect(fs.space()).toMatchObject({ badBlocks: 1, bad: 4 * KIB, freeBlocks: 9 });
    expect(errnoOf(() => put(fs, 'a', 'x'.repeat(5000)))).toBe('ok');
    expect(text(mount(chip), 'a')).toBe('x'.repeat(5000));
  });

  test('an erase that did nothing is noticed', () => {
    const chip = blank(10, 4 * KIB);
    chip.program(3 * 4 * KIB + 300, new Uint8Array([0]));
    chip.setBadBlock(3, 'erase-noop');
    const fs = mount(chip);
    fs.collect();
    expect(fs.space().badBlocks).toBe(1);
    expect(fs.notices.join()).toContain('not all FF');
  });

  test('a flipped bit in data brings back what was there before, and says so', () => {
    const chip = blank(8);
    const fs = mount(chip);
    fs.collect();
    const ino = put(fs, 'a', 'first version');
    fs.write(ino, 0, Buffer.from('second'));
    const at = Buffer.from(chip.image()).lastIndexOf('second');
    chip.flipBits(at, 4);
    const again = mount(chip);
    expect(text(again, 'a')).toBe('first version');
    expect(again.notices.join()).toContain('Data CRC failed');
  });

  test('a block that cannot be read answers EIO for what it holds', () => {
    const chip = blank(8);
    const fs = mount(chip);
    fs.collect();
    const ino = put(fs, 'a', 'x'.repeat(100));
    chip.setBadBlock(6, 'read-error');
    expect(errnoOf(() => fs.read(ino, 0, 10))).toBe('EIO');
  });
});

describe('what is particular to JFFS2', () => {
  test('a file that is unlinked while open keeps its content until it is released', () => {
    const chip = blank(12, 4 * KIB);
    const fs = mount(chip);
    const ino = put(fs, 'a', 'still here');
    fs.open(ino, 'read');
    fs.unlink(fs.root, b('a'));
    const busy = put(fs, 'busy', '');
    for (let i = 0; i < 500; i += 1) fs.write(busy, 0, Buffer.from(`${i}`.padEnd(900, '.')));
    expect(Buffer.from(fs.read(ino, 0, 100)).toString()).toBe('still here');
    fs.release(ino);
    expect(errnoOf(() => fs.getattr(ino))).toBe('ESTALE');
  });

  test('times are whole seconds of 32 bits, owners have 16', () => {
    const fs = mount(blank(8));
    const ino = put(fs, 'a', '');
    const attributes = fs.setattr(ino, { uid: 70_000, mtimeNs: 1_999_999_999n });
    expect([attributes.uid, attributes.mtimeNs]).toEqual([70_000 & 0xffff, 1_000_000_000n]);
  });

  test('names and targets have at most 254 bytes', () => {
    const fs = mount(blank(8));
    expect(errnoOf(() => put(fs, 'n'.repeat(254), ''))).toBe('ok');
    expect(errnoOf(() => put(fs, 'n'.repeat(255), ''))).toBe('ENAMETOOLONG');
    expect(errnoOf(() => fs.symlink(fs.root, b('s'), b('t'.repeat(254)), plain))).toBe('ok');
    expect(errnoOf(() => fs.symlink(fs.root, b('t'), b('t'.repeat(255)), plain))).toBe('ENAMETOOLONG');
  });

  test('an attribute that does not fit an erase block answers ERANGE', () => {
    const fs = mount(blank(12, 4 * KIB));
    const ino = put(fs, 'a', '');
    expect(errnoOf(() => fs.setxattr(ino, b('user.big'), new Uint8Array(4090)))).toBe('ERANGE');
    expect(errnoOf(() => fs.setxattr(ino, b('user.fits'), new Uint8Array(3000)))).toBe('ok');
  });

  test('an attribute that was replaced, then removed, is back after the next mount, as on Linux', () => {
    const chip = blank(8);
    const fs = mount(chip);
    fs.collect();
    const ino = put(fs, 'a', '');
    fs.setxattr(ino, b('user.x'), Buffer.from('one'));
    fs.setxattr(ino, b('user.x'), Buffer.from('two'));
    fs.removexattr(ino, b('user.x'));
    expect(fs.listxattr(ino)).toEqual([]);
    expect(Buffer.from(mount(chip).getxattr(ino, b('user.x'))).toString()).toBe('one');
  });

  test('a whiteout is a 0:0 device under the old name', () => {
    const chip = blank(8);
    const fs = mount(chip);
    fs.collect();
    put(fs, 'a', 'x');
    fs.rename(fs.root, b('a'), fs.root, b('n'), { whiteout: true });
    const again = mount(chip);
    const left = again.lookup(again.root, b('a')) ?? 0;
    expect(again.getattr(left)).toMatchObject({ type: 'char', rdev: { major: 0, minor: 0 }, mode: 0 });
    expect(text(again, 'n')).toBe('x');
  });
});
