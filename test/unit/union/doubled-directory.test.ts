import { expect, test } from 'vitest';
import { byteStringFromText as b, fixedClock } from '../../../tools/core/index.js';
import { NorChip, norGeometry, PowerCut } from '../../../tools/flash/index.js';
import { mountJffs2 } from '../../../tools/jffs2/index.js';
import { mountUnion, policies } from '../../../tools/union/index.js';
import {
  makeDirectories,
  MemoryFileSystem,
  readFile,
  statPath,
  writeFile,
} from '../../../tools/vfs/index.js';

const options = { endian: 'big', clock: fixedClock(1) } as const;

test('a directory that a cut rename left in work and in the upper keeps its content at the next mount (union 12, 203, 214)', () => {
  const chip = new NorChip({ geometry: norGeometry(16 * 65536, 65536) });
  const jffs2 = mountJffs2(chip, options);
  const upper = makeDirectories(jffs2, b('/upper'));
  const work = makeDirectories(jffs2, b('/scratch/work'));
  writeFile(jffs2, b('/scratch/work/#1'), new Uint8Array());
  jffs2.unlink(work, b('#1'));
  makeDirectories(jffs2, b('/scratch/work/#1'));
  writeFile(jffs2, b('/scratch/work/#1/kept'), Buffer.from('content'));
  chip.planPowerCut({ kind: 'after', operation: 0 });
  expect(() => jffs2.rename(work, b('#1'), upper, b('etc'))).toThrow(PowerCut);
  chip.powerOn();

  const again = mountJffs2(chip, options);
  expect(statPath(again, b('/upper/etc'))?.ino).toBe(statPath(again, b('/scratch/work/#1'))?.ino);
  const lower = new MemoryFileSystem();
  writeFile(lower, b('/base'), Buffer.from('base'));
  const union = mountUnion({
    lowers: [{ fs: lower }],
    upper: { fs: again, root: makeDirectories(again, b('/upper')) },
    work: makeDirectories(again, b('/scratch')),
    policy: policies.openwrt,
  });
  expect(Buffer.from(readFile(union, b('/etc/kept'))).toString()).toBe('content');
  // The name that stays in work is not taken for a temporary one.
  writeFile(union, b('/base'), Buffer.from('changed'));
  makeDirectories(union, b('/new'));
  expect(Buffer.from(readFile(union, b('/etc/kept'))).toString()).toBe('content');
});
