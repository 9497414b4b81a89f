/** What fits, and what comes back, on a real kernel and here. */
import { expect } from 'vitest';
import { byteStringFromText as b, fixedClock } from '../../tools/core/index.js';
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import { mountJffs2 } from '../../tools/jffs2/index.js';
import { dataPool } from '../support/file-operations.js';
import { manifestOf } from '../support/manifest.js';
import { complaintsIn, linesOf, runOracle } from '../support/oracle.js';
import { oracle, requires } from '../support/requires.js';

const eraseSize = 65536;
const blocks = [5, 6, 8, 16, 64, 128] as const;

for (const count of blocks) {
  requires(oracle('uml'))(
    `${count} blocks take the same number of bytes until ENOSPC, and unlink works when full`,
    async () => {
      const blank = new NorChip({ geometry: norGeometry(count * eraseSize, eraseSize) });
      const formatted = mountJffs2(blank, { endian: 'little', clock: fixedClock(1) });
      formatted.collect();
      const result = await runOracle({
        image: blank.image(),
        endian: 'little',
        eraseSize,
        script: `mount -t jffs2 -o compr=none mtd:data /mnt || exit 1
dd if=/dev/urandom bs=4096 >/mnt/f 2>/dev/null
stat -c %s /mnt/f >/out/result
rm /mnt/f || exit 2
`,
      });
      expect(result.exitCode, result.stdout).toBe(0);
      const fs = mountJffs2(blank, { endian: 'little', clock: fixedClock(1) });
      const ino = fs.mknod(fs.root, b('f'), { type: 'file', mode: 0o644, uid: 0, gid: 0 });
      const piece = dataPool(1).subarray(0, 4096);
      let size = 0;
      expect(() => {
        for (;;) size += fs.write(ino, size, piece);
      }).toThrow('ENOSPC');
      expect(size).toBe(Number(result.file('result')));
      fs.unlink(fs.root, b('f'));
    },
  );
}

requires(oracle('uml'))(
  'attributes that were replaced and removed read the same on a real kernel',
  async () => {
    const chip = new NorChip({ geometry: norGeometry(8 * eraseSize, eraseSize) });
    const options = { endian: 'little', clock: fixedClock(1_700_000_000) } as const;
    const fs = mountJffs2(chip, options);
    fs.collect();
    for (const name of ['a', 'b', 'c'])
      fs.mknod(fs.root, b(name), { type: 'file', mode: 0o644, uid: 0, gid: 0 });
    const set = (name: string, value: string): void => {
      fs.setxattr(fs.lookup(fs.root, b(name)) ?? 0, b('user.x'), Buffer.from(value));
    };
    set('a', 'one');
    set('a', 'two');
    fs.removexattr(fs.lookup(fs.root, b('a')) ?? 0, b('user.x'));
    set('b', 'one');
    set('b', 'two');
    set('c', 'one');
    fs.removexattr(fs.lookup(fs.root, b('c')) ?? 0, b('user.x'));
    const script = 'mount -t jffs2 mtd:data /mnt || exit 1\nmanifest /mnt >/out/before\n';
    const result = await runOracle({ image: chip.image(), endian: 'little', eraseSize, script });
    expect(manifestOf(mountJffs2(chip, options))).toEqual(linesOf(result.file('before')));
    expect(complaintsIn(result.log)).toEqual([]);
  },
);
