/** Builds sysupgrade images of a small router root for the emulator's tests, through the real writer and recipes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  loadBoardProfile,
  stepBoard,
  type BoardPartition,
  type BoardProfile,
} from '../../tools/boards/index.js';
import { byteStringFromText } from '../../tools/core/index.js';
import { fillerBytes } from '../../tools/emulator/device/filler.js';
import { buildUImage, runRecipe } from '../../tools/firmware/index.js';
import { packSquashfs } from '../../tools/squashfs/index.js';
import { bytesContent, newDirectory, type TreeDirectory } from '../../tools/vfs/index.js';

const epoch = 1_700_000_000;

/** Loads a profile that the project brings. */
export function profileOf(id: string): BoardProfile {
  const path = fileURLToPath(new URL(`../../board-profiles/${id}.yaml`, import.meta.url));
  return loadBoardProfile(readFileSync(path, 'utf8'), path);
}

/**
 * A board with a chip of 2 MiB, so that flows over the whole flash take a moment; its overlay has about 16 erase blocks.
 *
 * @param changes  what differs from ubnt_unifi-ap besides the size
 */
export function smallBoard(changes: Partial<BoardProfile> = {}): BoardProfile {
  const profile = profileOf('ubnt_unifi-ap');
  const partition = (label: string, offset: number, size: number, readOnly = true): BoardPartition => ({
    label,
    offset,
    size,
    readOnly,
  });
  return {
    ...profile,
    id: 'test_small',
    flash: { ...profile.flash, size: 0x200000 },
    partitions: [
      partition('u-boot', 0, 0x40000),
      partition('u-boot-env', 0x40000, 0x10000),
      { ...partition('firmware', 0x50000, 0x1a0000, false), parser: 'denx,uimage' },
      partition('art', 0x1f0000, 0x10000),
    ],
    imageSize: 0x1a0000,
    ...changes,
  };
}

/** A root tree with what the flows look at; `extra` adds or replaces files. */
export function routerTree(extra: Readonly<Record<string, string>> = {}): TreeDirectory {
  const root = newDirectory({ mtimeNs: BigInt(epoch) * 1_000_000_000n });
  const files: Record<string, string> = {
    '/bin/busybox': Buffer.from(fillerBytes(30_000, 3)).toString('latin1'),
    '/etc/passwd': 'root:x:0:0:root:/root:/bin/ash\nnobody:*:65534:65534:nobody:/var:/bin/false\n',
    '/etc/group': 'root:x:0:\n',
    '/etc/shadow': 'root::0:0:99999:7:::\n',
    '/etc/config/system': "config system\n\toption hostname 'OpenWrt'\n",
    '/etc/config/network': "config interface 'lan'\n",
    '/etc/sysupgrade.conf': '## files to keep\n',
    '/etc/init.d/network': '#!/bin/sh /etc/rc.common\nSTART=20\n',
    '/etc/init.d/dnsmasq': '#!/bin/sh /etc/rc.common\nSTART=19\n',
    '/etc/uci-defaults/10_first': 'exit 0\n',
    '/lib/upgrade/keep.d/base-files': '/etc/hosts\n/etc/passwd\n/etc/group\n/etc/shadow\n/etc/config/\n',
    '/srv/.keep': '',
    ...extra,
  };
  for (const [path, text] of Object.entries(files)) {
    const parts = path.split('/').filter((part) => part !== '');
    const name = parts.pop() ?? '';
    let at = root;
    for (const part of parts) {
      const key = byteStringFromText(part);
      const next = at.entries.get(key) ?? newDirectory({ mtimeNs: root.mtimeNs });
      at.entries.set(key, next);
      if (next.type === 'directory') at = next;
    }
    at.entries.set(byteStringFromText(name), {
      type: 'file',
      mode: path.startsWith('/bin') ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtimeNs: root.mtimeNs,
      xattrs: new Map(),
      content: bytesContent(Buffer.from(text, 'latin1')),
    });
  }
  const rcd = newDirectory({ mtimeNs: root.mtimeNs });
  rcd.entries.set(byteStringFromText('S20network'), {
    type: 'symlink',
    mode: 0o777,
    uid: 0,
    gid: 0,
    mtimeNs: root.mtimeNs,
    xattrs: new Map(),
    target: byteStringFromText('../init.d/network'),
  });
  const etc = root.entries.get(byteStringFromText('etc'));
  if (etc?.type === 'directory') etc.entries.set(byteStringFromText('rc.d'), rcd);
  return root;
}

/** Makes a kernel as a router's boot loader takes it: bytes that do not compress, behind a uImage header. */
export function routerKernel(size: number, time: number): Uint8Array {
  return buildUImage(fillerBytes(size, 11), {
    time,
    load: 0x80060000,
    entry: 0x80060000,
    arch: 5,
    type: 2,
    compression: 3,
    name: 'MIPS OpenWrt Linux-6.6.93',
  });
}

/** Packs a tree and runs the board's sysupgrade recipe. The kernel is a uImage of bytes that do not compress. */
export async function sysupgradeImage(
  profile: BoardProfile,
  tree: TreeDirectory = routerTree(),
  kernelSize = 150_000,
): Promise<Uint8Array> {
  const { bytes: rootfs } = await packSquashfs(tree, {
    compressor: { kind: 'xz' },
    imageTime: epoch,
    uniformTime: epoch,
  });
  const kernel = routerKernel(kernelSize, epoch);
  const recipe = profile.artefacts.find(({ name }) => name === 'sysupgrade.bin');
  if (!recipe) throw new Error(`${profile.id} has no sysupgrade.bin`);
  return runRecipe(recipe.recipe, {
    kernel,
    rootfs,
    board: stepBoard(profile),
    version: { dist: 'OpenWrt', version: 'SNAPSHOT', revision: 'r0' },
    time: epoch,
  });
}

/** A small image, and the upgrade to it in which kernel and root have grown: rootfs_data moves up and shrinks. */
export async function imageAndUpgrade(
  profile: BoardProfile,
): Promise<{ readonly image: Uint8Array; readonly upgrade: Uint8Array }> {
  const grown = routerTree({ '/usr/bin/new': 'n'.repeat(9000) });
  return {
    image: await sysupgradeImage(profile, undefined, 60_000),
    upgrade: await sysupgradeImage(profile, grown, 140_000),
  };
}
