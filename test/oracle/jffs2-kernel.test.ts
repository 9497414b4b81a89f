/** Real kernels mount what we write, in both byte orders, and we read what they wrote. */
import { describe, expect } from 'vitest';
import { byteStringFromText } from '../../tools/core/index.js';
import { norGeometry } from '../../tools/flash/index.js';
import { blankJffs2, compressors, insertIntoImage, scanJffs2, writeJffs2 } from '../../tools/jffs2/index.js';
import type { Compression, WriterOptions } from '../../tools/jffs2/index.js';
import { digest, manifest, noise, sampleTree } from '../support/jffs2-trees.js';
import { complaintsIn, linesOf, mountMarked, runOracle } from '../support/oracle.js';
import { oracle, requires } from '../support/requires.js';

const tree = sampleTree();
const only = (name: keyof typeof compressors): Compression => ({
  mode: 'size',
  compressors: [compressors[name]],
});
const mount = `${mountMarked}mount_marked data /mnt || exit 1\n`;
// Then the kernel's thread, awake every 50 ms while it counts anything unchecked, has its turn to complain.
const list = 'manifest /mnt >/out/tree || exit 2\nusleep 200000\n';

function onFlash(image: Uint8Array, size: number): Uint8Array {
  const flash = new Uint8Array(size).fill(0xff);
  flash.set(image);
  return flash;
}

describe('a kernel mounts our images without a word, and lists our tree', () => {
  const cases: readonly (readonly [string, WriterOptions])[] = [
    ...(['little', 'big'] as const).flatMap((endian) =>
      [8192, 65536, 131072].flatMap((eraseSize) =>
        [false, true].map((summaries) => {
          const name = `${endian}-endian, erase size ${eraseSize}${summaries ? ', summaries' : ''}`;
          return [name, { endian, eraseSize, summaries }] as const;
        }),
      ),
    ),
    ...(['rtime', 'zlib', 'deflate'] as const).map(
      (name) => [name, { endian: 'big', eraseSize: 65536, compression: only(name) }] as const,
    ),
    ['nothing compressed', { endian: 'little', eraseSize: 65536, compression: 'cfe' }],
  ];
  for (const [name, options] of cases) {
    requires(oracle('uml'))(name, async () => {
      const { endian, eraseSize } = options;
      const image = writeJffs2(tree, options);
      const flash = onFlash(image, 32 * Math.max(eraseSize, 65536));
      const run = await runOracle({ image: flash, script: mount + list, endian, eraseSize });
      expect(run).toMatchObject({ exitCode: 0 });
      expect(complaintsIn(run.log)).toEqual([]);
      expect(linesOf(run.file('tree'))).toEqual(manifest(tree));
    });
  }
});

requires(oracle('qemu'))('lzo: a packaged kernel mounts our image, and lists our tree', async () => {
  const image = writeJffs2(tree, { endian: 'little', eraseSize: 65536, compression: only('lzo') });
  const flash = onFlash(image, 32 * 65536);
  const options = { endian: 'little', eraseSize: 65536, backend: 'qemu' } as const;
  const run = await runOracle({ image: flash, script: mount + list, ...options });
  expect(run).toMatchObject({ exitCode: 0 });
  expect(complaintsIn(run.log)).toEqual([]);
  expect(linesOf(run.file('tree'))).toEqual(manifest(tree));
});

describe('what a kernel did to our image reads back as the kernel shows it', () => {
  const work = `
cd /mnt
echo new >created; echo more >>created; mkdir made; echo x >made/inside; ln -s target link; mknod node c 300 70000
ln bin/busybox made/busybox; mkfifo made/pipe
dd if=/dev/urandom of=data/noise bs=1000 count=7 seek=5 conv=notrunc 2>/dev/null
dd if=/dev/zero of=data/zeros bs=1 count=1 seek=100000 conv=notrunc 2>/dev/null
truncate -s 1234 bin/busybox; truncate -s 9999 data/one-page; : >data/sparse; truncate -s 5000 data/sparse
mv etc/hard-link made/moved; mv data/page-and-one data/noise2; mv created made/inside
rm data/ends-in-zeros; rm -r many/file-1*; rmdir empty
chmod 600 dev/pipe; chown 12:34 bin/sh; touch -d @1600000001 etc
for i in 1 2 3 4 5 6 7 8; do head -c 300000 /dev/urandom >churn; rm churn; done
head -c 50000 /dev/zero | tr '\\0' y >kept; sync; cd /
`;
  for (const endian of ['little', 'big'] as const) {
    for (const eraseSize of [16384, 65536]) {
      requires(oracle('uml'))(`${endian}-endian, erase size ${eraseSize}`, async () => {
        const image = writeJffs2(tree, { endian, eraseSize, summaries: true });
        // Small enough that the work makes the kernel collect garbage.
        const flash = onFlash(image, Math.ceil((image.length * 2.2) / 65536) * 65536);
        const remount = 'umount /mnt; mount -t jffs2 mtd:data /mnt || exit 3;';
        const script = mount + work + remount + list;
        const run = await runOracle({ image: flash, script, endian, eraseSize });
        expect(run).toMatchObject({ exitCode: 0 });
        expect(run.image).not.toEqual(flash);
        const { tree: read, report } = scanJffs2(run.image, { endian, eraseSize });
        expect(manifest(read)).toEqual(linesOf(run.file('tree')));
        expect(report.problems.filter(({ kind }) => kind !== 'erased-gap')).toEqual([]);
        expect(report.supersededBytes).toBeGreaterThan(0);
      });
    }
  }
});

describe('a configuration carried across an upgrade', () => {
  const content = noise(150_000, 1);
  const eraseSize = 65536;
  const churn = `
cd /mnt; i=0
while [ $i -lt 60 ]; do head -c 100000 /dev/urandom >churn; i=$((i+1)); done; rm churn; cd /; sync
umount /mnt; mount -t jffs2 mtd:data /mnt || exit 3; sha256sum </mnt/sysupgrade.tgz >/out/more
`;
  for (const endian of ['little', 'big'] as const) {
    for (const form of ['mtd', 'safe'] as const) {
      const fate = form === 'safe' ? 'survives' : 'does not survive';
      requires(oracle('uml'))(
        `in the ${form} form is readable and ${fate} garbage collection, ${endian}-endian`,
        async () => {
          const image = blankJffs2(norGeometry(24 * eraseSize, eraseSize), 'end-marker', endian);
          const file = { name: byteStringFromText('sysupgrade.tgz'), content };
          const { bytes } = insertIntoImage(image, file, { endian, eraseSize, form });
          const sum = 'sha256sum </mnt/sysupgrade.tgz >/out/tree || exit 2;';
          const run = await runOracle({ image: bytes, script: mount + sum + churn, endian, eraseSize });
          expect(run).toMatchObject({ exitCode: 0 });
          expect(run.file('tree')).toContain(digest(content));
          expect(run.file('more').includes(digest(content))).toBe(form === 'safe');
        },
      );
    }
  }
});
