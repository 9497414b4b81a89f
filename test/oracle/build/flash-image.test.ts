/** What `build` makes from two real root trees, mounted by real kernels and unpacked by another program. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { buildDocument } from '../../../tools/cli/documents/budget.js';
import { firmwright, jsonOf } from '../../support/cli.js';
import { uImageKernel } from '../../support/image-inputs.js';
import { hostManifestOf } from '../../support/host-manifest.js';
import { complaintsIn, mountMarked, runOracle } from '../../support/oracle.js';
import type { OracleResult } from '../../support/oracle.js';
import { fixture, fixturePath, oracle, requires, root, tool } from '../../support/requires.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const recipe = fileURLToPath(new URL('../../../images/demo/image.yaml', import.meta.url));
const folder = temporaryFolder();

interface Built {
  readonly flash: Uint8Array;
  readonly squashfs: string;
  readonly rootfs: { readonly offset: number };
  readonly rootfsData: { readonly offset: number; readonly size: number };
  readonly mtdparts: string;
}

const builds = new Map<string, Promise<Built>>();

function build(board: string, tar: string): Promise<Built> {
  const made = builds.get(board) ?? makeBuild(board, tar);
  builds.set(board, made);
  return made;
}

async function makeBuild(board: string, tar: string): Promise<Built> {
  const out = join(folder, board);
  const kernel = join(folder, `${board}.kernel`);
  writeFileSync(kernel, uImageKernel(1_234_567));
  const result = await firmwright([
    ...['build', recipe, '--rootfs', fixturePath(tar), '--board', board, '--kernel', kernel],
    ...['--out', out, '--no-cache', '--json', '--quiet'],
  ]);
  expect(result.stderr).toBe('');
  const [built] = buildDocument.parse(jsonOf(result)).boards;
  const partition = (label: string): { offset: number; size: number } => {
    const found = built?.budget.partitions.find((one) => one.label === label);
    if (!found) throw new Error(`no partition ${label}`);
    return found;
  };
  const name = built?.files.find(({ type }) => type === 'flash')?.name ?? '';
  const flash = new Uint8Array(readFileSync(join(out, name)));
  const [firmware, rootfs, rootfsData] = [partition('firmware'), partition('rootfs'), partition('rootfs_data')];
  const squashfs = join(folder, `${board}.squashfs`);
  writeFileSync(
    squashfs,
    flash.subarray(rootfs.offset, rootfs.offset + (built?.squashfs.size ?? 0)),
  );
  const end = firmware.offset + firmware.size;
  // Kernel and boot loader in front, then rootfs to the end of firmware: the kernel finds rootfs_data by itself.
  const rest = flash.length > end ? ',-(rest)' : '';
  const mtdparts = `${rootfs.offset}(front),${end - rootfs.offset}(rootfs)${rest}`;
  return { flash, squashfs, rootfs, rootfsData, mtdparts };
}

describe.each([
  ['ubnt_unifi-ap', 'rootfs-openwrt-15.05-ath25-mips-be.tar.xz', 'big', 'uml-big'],
  ['xiaomi_mi-router-4a-gigabit', 'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz', 'little', 'uml'],
] as const)('%s from %s', (board, tar, endian, backend) => {
  const run = (built: Built, image: Uint8Array, script: string): Promise<OracleResult> =>
    runOracle({ image, script, endian, eraseSize: 65536, partitions: built.mtdparts });
  const needs = [fixture(tar), root(), tool('tar'), tool('unsquashfs'), tool('cc')];

  requires(oracle(backend), ...needs)(
    'the kernel finds rootfs_data where we say, empty, and the root equal to the tar; files stay over a reboot',
    async () => {
      const built = await build(board, tar);
      const first = await run(
        built,
        built.flash,
        `${mountMarked}set -e
        n=$(mtd rootfs_data)
        echo "at $(cat /sys/class/mtd/mtd$n/offset) $(cat /sys/class/mtd/mtd$n/size)"
        mount_marked rootfs_data /overlay
        echo "entries $(ls -A /overlay | wc -l)"
        umount /overlay
        mount_overlay
        manifest /rom >/out/tree
        echo 'kept text' >/mnt/etc/kept
        mkdir /mnt/etc/kept.d && cp /mnt/bin/busybox /mnt/etc/kept.d/
        umount_overlay`,
      );
      expect(first.exitCode, first.stdout).toBe(0);
      expect(first.stdout).toContain(`at ${built.rootfsData.offset} ${built.rootfsData.size}\n`);
      expect(first.stdout).toContain('entries 0\n');
      // The end marker makes the kernel format everything behind it; it has nothing else to say.
      const said = complaintsIn(first.log);
      expect(said[0]).toContain('End of filesystem marker found at 0x0');
      expect(said.filter((line) => !line.includes('End of filesystem marker'))).toEqual([]);

      const unpacked = join(folder, `${board}.tar.d`);
      mkdirSync(unpacked);
      execFileSync('tar', ['-xpf', fixturePath(tar), '--numeric-owner', '--xattrs', '-C', unpacked]);
      expect(first.file('tree')).toBe(hostManifestOf(unpacked, folder));

      const second = await run(
        built,
        first.image,
        `set -e
        mount_overlay
        cat /mnt/etc/kept
        cmp /mnt/etc/kept.d/busybox /rom/bin/busybox && echo same
        umount_overlay`,
      );
      expect(second.exitCode, second.stdout).toBe(0);
      expect(second.stdout).toBe('kept text\nsame\n');
    },
  );

  requires(...needs)('unsquashfs unpacks the same tree that tar does', async () => {
    const built = await build(board, tar);
    const unsquashed = join(folder, `${board}.unsquashfs`);
    execFileSync('unsquashfs', ['-no-progress', '-d', unsquashed, built.squashfs], { stdio: 'ignore' });
    const untarred = join(folder, `${board}.untarred`);
    mkdirSync(untarred);
    execFileSync('tar', ['-xpf', fixturePath(tar), '--numeric-owner', '--xattrs', '-C', untarred]);
    expect(hostManifestOf(unsquashed, folder)).toBe(hostManifestOf(untarred, folder));
  });
});
