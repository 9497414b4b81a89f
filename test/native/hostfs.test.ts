import {
  constants,
  closeSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  deviceNumberOf,
  errnoOf,
  fallocate,
  flock,
  getXattr,
  linkDescriptor,
  listXattrs,
  makeNode,
  removeXattr,
  renameWithFlags,
  seekTo,
  setTimes,
  setXattr,
} from '../../tools/addon/index.js';
import { byteStringFromText } from '../../tools/core/index.js';
import { requires, root } from '../support/requires.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fw-hostfs-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const at = (name: string): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
const name = byteStringFromText;

function errnoFrom(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return errnoOf(error);
  }
  return 'none';
}

requires(root())('binary extended attributes come back, also on a symlink, under a name of bytes', () => {
  writeFileSync(at('b\xff'), '');
  symlinkSync('nowhere', at('link'));
  const value = Uint8Array.of(0, 255, 0, 7);
  for (const path of [at('b\xff'), at('link')]) {
    setXattr(path, name('trusted.x'), value);
    setXattr(path, name('trusted.empty'), new Uint8Array());
    expect([...listXattrs(path)].sort()).toEqual(['trusted.empty', 'trusted.x']);
    expect(getXattr(path, name('trusted.x'))).toEqual(value);
    expect(getXattr(path, name('trusted.empty'))).toEqual(new Uint8Array());
    removeXattr(path, name('trusted.empty'));
    expect(errnoFrom(() => getXattr(path, name('trusted.empty')))).toBe('ENODATA');
    expect(errnoFrom(() => setXattr(path, name('trusted.x'), value, 'create'))).toBe('EEXIST');
    expect(errnoFrom(() => setXattr(path, name('trusted.y'), value, 'replace'))).toBe('ENODATA');
  }
});

requires(root())('a device node has the major and minor that were asked for', () => {
  makeNode(at('dev'), 'block', 0o640, { major: 259, minor: 70000 });
  const stat = lstatSync(at('dev'), { bigint: true });
  expect(stat.isBlockDevice()).toBe(true);
  expect(deviceNumberOf(stat.rdev)).toEqual({ major: 259, minor: 70000 });
});

test('a FIFO and a socket need no rights', () => {
  makeNode(at('pipe'), 'fifo', 0o600);
  makeNode(at('sock'), 'socket', 0o600);
  expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
  expect(lstatSync(at('sock')).isSocket()).toBe(true);
});

test('times keep nanoseconds, before 1970 too, and an absent one stays', () => {
  symlinkSync('nowhere', at('timed'));
  setTimes(at('timed'), 1_000_000_001n, 1_700_000_000_123_456_789n);
  setTimes(at('timed'), -1n, undefined);
  const stat = lstatSync(at('timed'), { bigint: true });
  expect(stat.mtimeNs).toBe(1_700_000_000_123_456_789n);
  // Some file systems have no times before 1901, all have the last nanosecond of 1969.
  expect(stat.atimeNs).toBe(-1n);
});

test('rename keeps the target when asked to, and exchanges', () => {
  writeFileSync(at('one'), '1');
  writeFileSync(at('two'), '2');
  expect(errnoFrom(() => renameWithFlags(at('one'), at('two'), { noreplace: true }))).toBe('EEXIST');
  renameWithFlags(at('one'), at('two'), { exchange: true });
  expect(readFileSync(at('one'), 'utf8')).toBe('2');
});

test('holes are found and punched', () => {
  const descriptor = openSync(at('sparse'), 'w+');
  ftruncateSync(descriptor, 1 << 20);
  writeSync(descriptor, Buffer.alloc(65536, 1), 0, 65536, 524288);
  fsyncSync(descriptor);
  expect(seekTo(descriptor, 0, 'data')).toBe(524288);
  expect(seekTo(descriptor, 524288, 'hole')).toBe(589824);
  fallocate(descriptor, 'punch-hole', 524288, 65536);
  expect(errnoFrom(() => seekTo(descriptor, 0, 'data'))).toBe('ENXIO');
  closeSync(descriptor);
});

test('a file without a name gets one', () => {
  const O_TMPFILE = 0o20200000;
  const descriptor = openSync(folder, constants.O_RDWR | O_TMPFILE, 0o600);
  writeSync(descriptor, 'late');
  linkDescriptor(descriptor, at('named'));
  closeSync(descriptor);
  expect(readFileSync(at('named'), 'utf8')).toBe('late');
});

test('an exclusive lock is refused while another holder has one', () => {
  writeFileSync(at('lock'), '');
  const [first, second] = [openSync(at('lock'), 'r'), openSync(at('lock'), 'r')];
  expect(flock(first, 'shared')).toBe(true);
  expect(flock(second, 'shared')).toBe(true);
  expect(flock(second, 'exclusive')).toBe(false);
  expect(flock(first, 'unlock')).toBe(true);
  expect(flock(second, 'exclusive')).toBe(true);
  closeSync(first);
  closeSync(second);
});

test('a missing file answers its errno, step and path', () => {
  expect(() => listXattrs(at('absent'))).toThrow(
    expect.objectContaining({
      code: 'FW_NATIVE_SYSTEM',
      data: expect.objectContaining({ errno: 'ENOENT' }) as object,
    }),
  );
});
