import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { ArchiveWriter } from '../../../tools/addon/index.js';
import type { EntryToWrite } from '../../../tools/addon/index.js';
import { readArchiveTree, readArchiveTreeFromBytes, writeArchive } from '../../../tools/archive/index.js';
import { byteStringFromText } from '../../../tools/core/index.js';
import { bytesContent, newDirectory } from '../../../tools/vfs/index.js';
import type { TreeDirectory } from '../../../tools/vfs/index.js';
import { anyTree, describeTree } from '../../support/trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();

const name = byteStringFromText;
const code = (expected: string, exitCode = 4): object =>
  expect.objectContaining({ code: expected, exitCode }) as object;

/** A tree of one file. */
function rootWith(file: string, bytes: Uint8Array): TreeDirectory {
  const root = newDirectory();
  const attributes = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() };
  root.entries.set(name(file), { type: 'file', ...attributes, content: bytesContent(bytes) });
  return root;
}

/** Packs entries just as given, sane or not. */
function tarOf(...entries: readonly (Partial<EntryToWrite> & { path: EntryToWrite['path'] })[]): Uint8Array {
  const writer = new ArchiveWriter('pax');
  for (const entry of entries) {
    writer.entry({
      type: 0o100000,
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 0,
      mtimeSeconds: 0,
      mtimeNanoseconds: 0,
      rdevMajor: 0,
      rdevMinor: 0,
      xattrs: [],
      ...entry,
    });
  }
  writer.finish();
  return writer.take();
}

const read = (bytes: Uint8Array) => readArchiveTreeFromBytes(bytes, 'x.tar');

property.prop([anyTree, fc.constantFrom('none' as const, 'gzip' as const, 'xz' as const, 'zstd' as const)], {
  numRuns: 60,
})(
  'a tree packed as pax tar comes back equal: every type, bytes in names, xattrs, hard links',
  (tree, compression) => {
    const { root, warnings } = read(writeArchive(tree, { compression, level: 1 }));
    expect(describeTree(root)).toEqual(describeTree(tree));
    expect(warnings).toEqual([]);
  },
);

test('equal trees give equal bytes, whatever the order they were made in', () => {
  const files = ['b', 'a', 'c'].map((text) => [name(text), bytesContent(Buffer.from(text))] as const);
  const treeOf = (order: typeof files) => {
    const root = newDirectory();
    for (const [key, content] of order) {
      root.entries.set(key, {
        type: 'file',
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtimeNs: 5n,
        xattrs: new Map(),
        content,
      });
    }
    return root;
  };
  for (const compression of ['none', 'gzip', 'xz', 'zstd'] as const) {
    expect(writeArchive(treeOf(files), { compression })).toEqual(
      writeArchive(treeOf([...files].reverse()), { compression }),
    );
  }
});

describe('what a hostile archive holds is refused', () => {
  test.each([
    ['a path that climbs', [{ path: name('a/../../b') }], 'FW_ARCHIVE_PATH'],
    ['an absolute path', [{ path: name('/etc/passwd') }], 'FW_ARCHIVE_PATH'],
    [
      'a path through a symlink',
      [{ path: name('etc'), type: 0o120000, symlink: name('/') }, { path: name('etc/passwd') }],
      'FW_ARCHIVE_PATH',
    ],
    ['a hard link that climbs', [{ path: name('a'), hardlink: name('../etc/shadow') }], 'FW_ARCHIVE_PATH'],
    ['a hard link to nothing', [{ path: name('a'), hardlink: name('b') }], 'FW_ARCHIVE_ENTRY'],
    [
      'a hard link to a directory',
      [
        { path: name('d'), type: 0o040000 },
        { path: name('a'), hardlink: name('d') },
      ],
      'FW_ARCHIVE_ENTRY',
    ],
    ['a name of 256 bytes', [{ path: name('n'.repeat(256)) }], 'FW_ARCHIVE_NAME'],
    ['a path over 4096 bytes', [{ path: name('d/'.repeat(2100) + 'f') }], 'FW_ARCHIVE_NAME'],
    ['a file over a directory', [{ path: name('d/x') }, { path: name('d') }], 'FW_ARCHIVE_ENTRY'],
    ['a file as a directory', [{ path: name('f') }, { path: name('f/x') }], 'FW_ARCHIVE_ENTRY'],
  ])('%s', (_, entries, expected) => {
    expect(() => read(tarOf(...entries))).toThrow(code(expected));
  });

  test('a sparse bomb: 16 TiB of hole in an entry of 1 KiB', async () => {
    // A pax header of GNU sparse format 1.0 is small whatever the size it tells.
    const bomb = sparseTar(16n * 1024n ** 4n);
    expect(bomb.length).toBeLessThan(8192);
    expect(() => read(bomb)).toThrow(code('FW_ARCHIVE_LIMIT'));
    const file = join(folder, 'bomb.tar');
    writeFileSync(file, bomb);
    await expect(readArchiveTree(file, join(folder, 'bomb.spool'))).rejects.toThrow(code('FW_ARCHIVE_LIMIT'));
  });

  test('a compression bomb', () => {
    const root = rootWith('z', new Uint8Array(20_000_000));
    const bomb = writeArchive(root, { compression: 'xz', level: 1 });
    expect(() => readArchiveTreeFromBytes(bomb, 'b', { contentLimit: 10_000_000 })).toThrow(
      code('FW_ARCHIVE_LIMIT'),
    );
  });

  test('more entries than allowed', () => {
    const bytes = tarOf({ path: name('a') }, { path: name('b') });
    expect(() => readArchiveTreeFromBytes(bytes, 'b', { entryLimit: 1 })).toThrow(code('FW_ARCHIVE_LIMIT'));
  });
});

/** A tar with one sparse file (old GNU format): no data, only a size. */
function sparseTar(size: bigint): Uint8Array {
  const header = Buffer.alloc(512);
  header.write('hole', 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write('00000000000\0', 124);
  header.write('00000000000\0', 136);
  header.write('S', 156);
  header.write('ustar  \0', 257);
  // One empty data range at the end, then the real size in base 256.
  for (const offset of [386, 483]) {
    header.writeUInt8(0x80, offset);
    header.writeBigUInt64BE(size, offset + 4);
  }
  header.write('00000000000\0', 398);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.alloc(1024)]);
}

test('a tar cut off at any block is refused, never read as a smaller one', () => {
  const whole = tarOf({ path: name('one') }, { path: name('two') }, { path: name('three'), type: 0o040000 });
  expect([...read(whole).root.entries.keys()]).toEqual(['one', 'two', 'three']);
  for (let length = 512; length < whole.length - 512; length += 512) {
    expect(() => read(whole.subarray(0, length)), `cut at ${length}`).toThrow(code('FW_ARCHIVE_DAMAGED'));
  }
});

test.each(['gzip', 'xz', 'zstd'] as const)('a truncated %s archive is refused', (compression) => {
  const root = rootWith('f', Buffer.from(Array.from({ length: 5000 }, (_, i) => String(i * i)).join(' ')));
  const whole = writeArchive(root, { compression, level: 3 });
  for (const length of [20, whole.length >> 1, whole.length - 30]) {
    expect(() => read(whole.subarray(0, length))).toThrow(code('FW_ARCHIVE_DAMAGED'));
  }
});

test('what is no archive at all is refused', () => {
  expect(() => read(Buffer.from('this is no archive, it is a text'.repeat(100)))).toThrow(
    code('FW_ARCHIVE_DAMAGED'),
  );
  expect(() => read(new Uint8Array())).toThrow(code('FW_ARCHIVE_DAMAGED'));
});

test('a missing archive is an error of the environment', async () => {
  await expect(readArchiveTree(join(folder, 'absent.tar'), join(folder, 'absent.spool'))).rejects.toThrow(
    code('FW_ENV_FILE', 5),
  );
  expect(existsSync(join(folder, 'absent.spool'))).toBe(false);
});

test('an aborted reading stops', async () => {
  const file = join(folder, 'abort.tar');
  writeFileSync(file, tarOf({ path: name('a') }));
  await expect(
    readArchiveTree(file, join(folder, 'abort.spool'), { signal: AbortSignal.abort() }),
  ).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
});
