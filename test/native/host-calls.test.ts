import { closeSync, constants, lstatSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostCalls, lockOperations, slotsOfStatus } from '../../tools/addon/index.js';
import { byteString, zeroEndedStrings } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { errnoNumbers, typeBits } from '../../tools/vfs/index.js';
import { requires, root } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const calls = hostCalls();
/** A path in the folder, one byte a character. */
const at = (name: string): ByteString => byteString(Buffer.from(`${folder}/${name}`, 'latin1'));
const hostPath = (name: string): Buffer => Buffer.from(at(name), 'latin1');
const { ENODATA, EEXIST, ENOENT, ENXIO } = errnoNumbers;
const flags = { create: 1, replace: 2 };
const renameFlags = { noreplace: 1, exchange: 2 };
const punchHole = 0x03;

requires(root())('binary extended attributes come back, also on a symlink, under a name of bytes', () => {
  writeFileSync(hostPath('b\xff'), '');
  symlinkSync('nowhere', hostPath('link'));
  const value = Uint8Array.of(0, 255, 0, 7);
  for (const path of [at('b\xff'), at('link')]) {
    expect(calls.setxattr(path, false, 'trusted.x', value, 0)).toBe(0);
    expect(calls.setxattr(path, false, 'trusted.empty', new Uint8Array(), 0)).toBe(0);
    const names = calls.listxattr(path, false);
    expect(typeof names === 'number' ? names : zeroEndedStrings(names).sort()).toEqual([
      'trusted.empty',
      'trusted.x',
    ]);
    expect(calls.getxattr(path, false, 'trusted.x')).toEqual(value);
    expect(calls.getxattr(path, false, 'trusted.empty')).toEqual(new Uint8Array());
    expect(calls.removexattr(path, false, 'trusted.empty')).toBe(0);
    expect(calls.getxattr(path, false, 'trusted.empty')).toBe(ENODATA);
    expect(calls.setxattr(path, false, 'trusted.x', value, flags.create)).toBe(EEXIST);
    expect(calls.setxattr(path, false, 'trusted.y', value, flags.replace)).toBe(ENODATA);
  }
});

requires(root())('a device node has the major and minor that were asked for', () => {
  expect(calls.mknod(at('dev'), typeBits.block | 0o640, 259, 70000)).toBe(0);
  const block = new Float64Array(slotsOfStatus);
  expect(calls.stat(at('dev'), false, block)).toBe(0);
  expect([...block.subarray(6, 8)]).toEqual([259, 70000]);
});

test('a FIFO and a socket need no rights', () => {
  expect(calls.mknod(at('pipe'), typeBits.fifo | 0o600, 0, 0)).toBe(0);
  expect(calls.mknod(at('sock'), typeBits.socket | 0o600, 0, 0)).toBe(0);
  expect(lstatSync(hostPath('pipe')).isFIFO()).toBe(true);
  expect(lstatSync(hostPath('sock')).isSocket()).toBe(true);
});

test('times keep nanoseconds, before 1970 too, and an absent one stays', () => {
  symlinkSync('nowhere', hostPath('timed'));
  expect(calls.setTimes(at('timed'), false, 1_000_000_001n, 1_700_000_000_123_456_789n)).toBe(0);
  expect(calls.setTimes(at('timed'), false, -1n, undefined)).toBe(0);
  const stat = lstatSync(hostPath('timed'), { bigint: true });
  expect(stat.mtimeNs).toBe(1_700_000_000_123_456_789n);
  // Some file systems have no times before 1901, all have the last nanosecond of 1969.
  expect(stat.atimeNs).toBe(-1n);
});

test('rename keeps the target when asked to, and exchanges', () => {
  writeFileSync(hostPath('one'), '1');
  writeFileSync(hostPath('two'), '2');
  expect(calls.rename(at('one'), at('two'), renameFlags.noreplace)).toBe(EEXIST);
  expect(calls.rename(at('one'), at('two'), renameFlags.exchange)).toBe(0);
  expect(readFileSync(hostPath('one'), 'utf8')).toBe('2');
});

test('holes are found and punched', () => {
  writeFileSync(hostPath('sparse'), '');
  expect(calls.truncate(at('sparse'), 1 << 20)).toBe(0);
  const descriptor = calls.open(at('sparse'), constants.O_RDWR, 0);
  expect(calls.write(descriptor, Buffer.alloc(65536, 1), 524288)).toBe(65536);
  expect(calls.sync(descriptor)).toBe(0);
  expect(calls.seek(descriptor, 0, true)).toBe(524288);
  expect(calls.seek(descriptor, 524288, false)).toBe(589824);
  expect(calls.allocate(descriptor, punchHole, 524288, 65536)).toBe(0);
  expect(calls.seek(descriptor, 0, true)).toBe(-ENXIO);
  expect(calls.close(descriptor)).toBe(0);
});

test('a file without a name gets one', () => {
  const O_TMPFILE = 0o20200000;
  const descriptor = calls.open(byteString(Buffer.from(folder)), constants.O_RDWR | O_TMPFILE, 0o600);
  expect(calls.write(descriptor, Buffer.from('late'), 0)).toBe(4);
  expect(calls.link(`/proc/self/fd/${descriptor}`, true, at('named'))).toBe(0);
  expect(calls.close(descriptor)).toBe(0);
  expect(readFileSync(hostPath('named'), 'utf8')).toBe('late');
});

test('an exclusive lock is refused while another holder has one', () => {
  writeFileSync(hostPath('lock'), '');
  const [first, second] = [openSync(hostPath('lock'), 'r'), openSync(hostPath('lock'), 'r')];
  const { shared, exclusive, noWait, unlock } = lockOperations;
  expect(calls.flock(first, shared | noWait)).toBe(0);
  expect(calls.flock(second, shared | noWait)).toBe(0);
  expect(calls.flock(second, exclusive | noWait)).toBe(errnoNumbers.EAGAIN);
  expect(calls.flock(first, unlock)).toBe(0);
  expect(calls.flock(second, exclusive | noWait)).toBe(0);
  closeSync(first);
  closeSync(second);
});

test('a missing file is an errno, not an exception', () => {
  expect(calls.listxattr(at('absent'), false)).toBe(ENOENT);
  expect(calls.list(at('absent'))).toBe(ENOENT);
  expect(calls.readlink(at('absent'))).toBe(ENOENT);
});
