/** What rootfs_data may hold besides an overlay, and what fstab may ask for. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { FlashPartition, NorChip, norGeometry } from '../../../tools/flash/index.js';
import { extrootRequest } from '../../../tools/emulator/device/fstab.js';
import { foreignDataName, smallerEraseSize } from '../../../tools/emulator/boot/foreign-data.js';
import { readSnapshot } from '../../../tools/emulator/boot/snapshot-volume.js';
import { staleBytes } from '../../../tools/emulator/device/stale-flash.js';

const geometry = norGeometry(0x80000, 0x10000);
const board = { flash: geometry, endianness: 'big' } as const;

function volumeOf(content: Uint8Array): FlashPartition {
  const chip = new NorChip({ geometry, content });
  return new FlashPartition(chip, { label: 'rootfs_data', offset: 0, size: geometry.size });
}

test.each([
  ['ubi', 'UBI'],
  ['jffs2-other-endian', 'JFFS2 in little-endian byte order'],
  ['random', 'unknown data'],
] as const)('old content of kind %s is named %s', (kind, name) => {
  expect(foreignDataName(staleBytes(kind, 0x10000, board), 'big')).toBe(name);
});

test('JFFS2 of smaller erase blocks is told from JFFS2 of this chip', () => {
  const other = volumeOf(staleBytes('jffs2-other-erase-size', geometry.size, board));
  expect(smallerEraseSize(other, 'big')).toBe(4096);
  expect(smallerEraseSize(volumeOf(new Uint8Array()), 'big')).toBeUndefined();
});

describe('a snapshot volume', () => {
  const record = (kind: 'DATA' | 'CONF', sequence: number, archive: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(32 + archive.length);
    bytes.set(Buffer.from(`OWRT${kind}`));
    new DataView(bytes.buffer).setUint32(8, sequence);
    new DataView(bytes.buffer).setUint32(12, archive.length);
    bytes.set(createHash('md5').update(archive).digest(), 16);
    bytes.set(archive, 32);
    return bytes;
  };
  const first = new Uint8Array(0x12000).fill(1);
  const content = new Uint8Array(geometry.size).fill(0xff);
  content.set(record('DATA', 0, first));
  content.set(record('DATA', 1, Uint8Array.of(2)), 0x20000);
  content.set(record('CONF', 5, Uint8Array.of(3)), 0x30000);

  test('is read record by record, each on an erase block', () => {
    const records = readSnapshot(volumeOf(content));
    expect(records.map(({ kind, sequence }) => [kind, sequence])).toEqual([
      ['data', 0],
      ['data', 1],
      ['config', 5],
    ]);
    expect(records[0]?.archive).toEqual(first);
  });

  test('ends before a record that is damaged, out of order or too long', () => {
    const damaged = content.slice();
    damaged[0x20020] = 9;
    expect(readSnapshot(volumeOf(damaged))).toHaveLength(1);
    const disordered = content.slice();
    disordered.set(record('DATA', 7, Uint8Array.of(2)), 0x20000);
    expect(readSnapshot(volumeOf(disordered))).toHaveLength(1);
    const long = content.slice();
    new DataView(long.buffer).setUint32(0x2000c, 0xffffffff);
    expect(readSnapshot(volumeOf(long))).toHaveLength(1);
  });
});

test('fstab asks for an extroot with an enabled mount of / or /overlay', () => {
  const mount = (...options: string[]): readonly string[] => [
    "config 'mount'",
    ...options.map((option) => `\toption ${option}`),
  ];
  expect(extrootRequest(mount("target '/overlay'", "uuid 'ab-cd'"))).toEqual({
    target: '/overlay',
    uuid: 'ab-cd',
    source: 'uuid=ab-cd',
  });
  expect(extrootRequest(mount('target /', 'device /dev/sda1', "enabled '1'"))).toEqual({
    target: '/',
    device: 'sda1',
    source: 'device=/dev/sda1',
  });
  expect(
    extrootRequest([...mount("target '/overlay'", 'label stick'), ...mount('target /', 'device /dev/sda1')])
      ?.target,
  ).toBe('/');
  expect(extrootRequest(mount("target '/overlay'"))).toBeUndefined();
  expect(extrootRequest(mount("target '/overlay'", "enabled '0'"))).toBeUndefined();
  expect(extrootRequest(mount("target '/mnt'", "uuid 'ab-cd'"))).toBeUndefined();
});
