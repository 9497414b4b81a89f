import { expect, test } from 'vitest';
import type { FileSystem } from '../../tools/vfs/index.js';
import { b, errnoOf, makeFile, newFile, textOf } from '../support/files.js';
import type { Backend } from './backend.js';

/** Bytes of files: writing anywhere, cutting, holes. */
export function contentTests(backend: Backend, mountEmpty: () => FileSystem): void {
  const { lacks = [] } = backend;

  test('reads back what was written, anywhere and in any order', () => {
    const fileSystem = mountEmpty();
    const file = fileSystem.mknod(fileSystem.root, b('f'), newFile);
    const model = Buffer.alloc(40_000);
    let end = 0;
    for (const [step, offset] of [0, 4000, 10_000, 9_990, 4095, 30_000, 1, 20_479].entries()) {
      const data = Buffer.alloc(100 + step * 1000, 65 + step);
      expect(fileSystem.write(file, offset, data)).toBe(data.length);
      data.copy(model, offset);
      end = Math.max(end, offset + data.length);
      expect(fileSystem.getattr(file).size).toBe(end);
    }
    expect(Buffer.from(fileSystem.read(file, 0, 50_000))).toEqual(model.subarray(0, end));
  });

  test('writing past the end leaves zeros between', () => {
    const fileSystem = mountEmpty();
    const file = makeFile(fileSystem, fileSystem.root, 'f', 'head');
    fileSystem.write(file, 10_000, Buffer.from('tail'));
    const bytes = Buffer.from(fileSystem.read(file, 0, 20_000));
    expect(bytes.subarray(0, 4).toString()).toBe('head');
    expect(bytes.subarray(4, 10_000)).toEqual(Buffer.alloc(9_996));
    expect(bytes.subarray(10_000).toString()).toBe('tail');
  });

  test('what was cut off does not come back when the file grows again', () => {
    const fileSystem = mountEmpty();
    const file = fileSystem.mknod(fileSystem.root, b('f'), newFile);
    fileSystem.write(file, 0, Buffer.alloc(10_000, 'x'));
    expect(fileSystem.setattr(file, { size: 5 }).size).toBe(5);
    fileSystem.setattr(file, { size: 10_000 });
    const bytes = Buffer.from(fileSystem.read(file, 0, 10_000));
    expect(bytes.subarray(0, 5).toString()).toBe('xxxxx');
    expect(bytes.subarray(5)).toEqual(Buffer.alloc(9_995));
  });

  test('what a write was given may be changed afterwards, and so may what a read gave', () => {
    const fileSystem = mountEmpty();
    const file = fileSystem.mknod(fileSystem.root, b('f'), newFile);
    const data = Buffer.alloc(8192, 'a');
    fileSystem.write(file, 0, data);
    data.fill('b');
    const read = fileSystem.read(file, 0, 8192);
    expect(read[0]).toBe(97);
    read.fill(99);
    expect(fileSystem.read(file, 0, 1)[0]).toBe(97);
  });

  test('refuses bytes in anything but a file', () => {
    const fileSystem = mountEmpty();
    const { root } = fileSystem;
    const directory = fileSystem.mkdir(root, b('d'), { mode: 0o755, uid: 0, gid: 0 });
    expect(errnoOf(() => fileSystem.write(directory, 0, new Uint8Array(1)))).toBe('EISDIR');
    expect(errnoOf(() => fileSystem.setattr(directory, { size: 0 }))).toBe('EISDIR');
  });

  if (!lacks.includes('holes')) {
    test('finds data and holes', () => {
      const fileSystem = mountEmpty();
      const file = fileSystem.mknod(fileSystem.root, b('f'), newFile);
      const [start, end] = [1 << 20, 4 << 20];
      fileSystem.setattr(file, { size: end });
      fileSystem.write(file, start, Buffer.alloc(65_536, 1));
      expect(fileSystem.seek(file, 0, 'data')).toBe(start);
      expect(fileSystem.seek(file, 0, 'hole')).toBe(0);
      expect(fileSystem.seek(file, start, 'hole')).toBe(start + 65_536);
      expect(errnoOf(() => fileSystem.seek(file, start + 65_536, 'data'))).toBe('ENXIO');
      expect(fileSystem.seek(file, start + 65_536, 'hole')).toBe(start + 65_536);
      expect(errnoOf(() => fileSystem.seek(file, end, 'hole'))).toBe('ENXIO');
      expect(fileSystem.getattr(file).blocks).toBe(128);
    });
  }

  if (!lacks.includes('fallocate')) {
    test('reserves, keeps the size, punches and zeroes', () => {
      const fileSystem = mountEmpty();
      const file = makeFile(fileSystem, fileSystem.root, 'f', 'x'.repeat(20_000));
      fileSystem.fallocate(file, 0, 30_000, 'keep-size');
      expect(fileSystem.getattr(file).size).toBe(20_000);
      fileSystem.fallocate(file, 0, 40_000, 'allocate');
      expect(fileSystem.getattr(file).size).toBe(40_000);
      fileSystem.fallocate(file, 10, 9000, 'punch-hole');
      const expected = Buffer.alloc(40_000);
      expected.fill('x', 0, 10).fill('x', 9010, 20_000);
      expect(Buffer.from(fileSystem.read(file, 0, 40_000))).toEqual(expected);
      expect(
        errnoOf(() => {
          fileSystem.fallocate(file, 0, 0, 'allocate');
        }),
      ).toBe('EINVAL');
    });
  }

  test('appends one after the other, each in its own opening, all stay', () => {
    const fileSystem = mountEmpty();
    const file = makeFile(fileSystem, fileSystem.root, 'log');
    for (let line = 0; line < 200; line++) {
      fileSystem.open(file, 'write');
      fileSystem.write(file, fileSystem.getattr(file).size, Buffer.from(`line ${line}\n`));
      fileSystem.release(file);
    }
    const expected = Array.from({ length: 200 }, (_, line) => `line ${line}\n`).join('');
    expect(textOf(fileSystem, file)).toBe(expected);
  });
}
