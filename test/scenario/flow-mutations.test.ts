/** Seeded faults in boot, reset and upgrade: `check` finds each of them, and the proof that does is named. */
import { beforeAll, expect, test } from 'vitest';
import type * as emulatorModule from '../../tools/emulator/index.js';
import { loadMutant, type Mutation } from '../support/mutants.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';

const emulator = (file: string): string => `tools/emulator/${file}.ts`;

/** A fault, and the proof that must find it; `cuts` proofs need the power cut. */
const faults: readonly (Mutation & { readonly proof: string })[] = [
  {
    name: 'the reset in failsafe does not write the end marker',
    file: emulator('device/mtd'),
    from: 'blockDeviceWrite(partition, Uint8Array.from(endMarker));',
    to: 'blockDeviceWrite(partition, new Uint8Array());',
    proof: 'reset-failsafe',
  },
  {
    name: 'the end marker stands before the carried settings',
    file: 'tools/jffs2/upgrade.ts',
    from: '  bytes.set(blocks, offset);\n',
    to: '  bytes.set(blocks.subarray(-eraseSize), offset);\n  bytes.set(blocks.subarray(0, -eraseSize), offset + eraseSize);\n',
    proof: 'upgrade-self',
  },
  {
    name: 'the upgrade does not erase before it programs',
    file: emulator('device/mtd'),
    from: '    partition.erase(index * eraseSize);\n',
    to: '',
    proof: 'upgrade-self',
  },
  {
    name: 'the upgrade writes its blocks from the last to the first',
    file: emulator('device/mtd'),
    from: 'for (let index = 0; index < Math.min(wanted, room); index += 1) {',
    to: 'for (let index = Math.min(wanted, room) - 1; index >= 0; index -= 1) {',
    proof: 'upgrade-self',
  },
  {
    name: 'all blocks are erased before the first is programmed',
    file: emulator('device/mtd'),
    from: '  for (let index = 0; index < Math.min(wanted, room); index += 1) {',
    to: '  mtdErase(partition);\n  for (let index = 0; index < Math.min(wanted, room); index += 1) {',
    proof: 'upgrade-self',
  },
  {
    name: 'the settings are not restored',
    file: emulator('boot/boot'),
    from: "if (system.mode === 'read-only') return;\n  const bytes",
    to: 'if (system.rom) return;\n  const bytes',
    proof: 'upgrade-self',
  },
  {
    name: 'the archive of the settings is cut in half',
    file: emulator('upgrade/sysupgrade'),
    from: 'content: archive,',
    to: 'content: archive.subarray(0, archive.length / 2),',
    proof: 'upgrade-self',
  },
  {
    name: 'the switch to JFFS2 loses whiteouts',
    file: emulator('overlay/copy-over'),
    from: '      replace(fs, at, name, inode, copied);',
    to: "      if (inode.type !== 'char') replace(fs, at, name, inode, copied);",
    proof: 'first-boot',
  },
  {
    name: 'the end of boot says PENDING instead of READY',
    file: emulator('boot/mount-root'),
    from: "writeOverlayState(jffs2, jffs2.root, 'ready');",
    to: "writeOverlayState(jffs2, jffs2.root, 'pending');",
    proof: 'first-boot',
  },
  {
    name: 'a boot with settings stays PENDING',
    file: emulator('boot/mount-root'),
    from: "writeOverlayState(system.jffs2, system.jffs2.root, 'ready');",
    to: 'return;',
    proof: 'upgrade-self',
  },
  {
    name: 'the switch to JFFS2 says READY before it copies',
    file: emulator('boot/mount-root'),
    from: '  const tree = treeFromFileSystem(ram.fs, whole ? ram.fs.root : ram.upper);\n',
    to: "  const tree = treeFromFileSystem(ram.fs, whole ? ram.fs.root : ram.upper);\n  writeOverlayState(jffs2, jffs2.root, 'ready');\n",
    proof: 'cuts of first-boot',
  },
  {
    name: 'an overlay that is not READY is not emptied',
    file: emulator('boot/mount-root'),
    from: 'const { deleted, survivors } = deleteByResetRules(jffs2, jffs2.root, true);',
    to: 'const deleted = 0;\n  const survivors: ByteString[] = [];',
    proof: 'cuts of first-boot',
  },
  {
    name: 'the overlay is called READY before it is emptied',
    file: emulator('boot/mount-root'),
    from: '  const { deleted, survivors } = deleteByResetRules(jffs2, jffs2.root, true);\n',
    to: "  writeOverlayState(jffs2, jffs2.root, 'ready');\n  const { deleted, survivors } = deleteByResetRules(jffs2, jffs2.root, true);\n",
    proof: 'cuts during recovery in reset',
  },
  {
    name: 'the restore forgets the mode',
    file: emulator('overlay/copy-over'),
    from: '        mode: inode.mode,\n        uid: inode.uid,',
    to: '        mode: 0o644,\n        uid: inode.uid,',
    proof: 'upgrade-self',
  },
  {
    name: 'the restore forgets the owner',
    file: emulator('overlay/copy-over'),
    from: '        uid: inode.uid,\n        gid: inode.gid,\n      });',
    to: '        uid: 0,\n        gid: 0,\n      });',
    proof: 'upgrade-self',
  },
  {
    name: 'the restore forgets the time',
    file: emulator('overlay/copy-over'),
    from: '  fs.setattr(ino, { mtimeNs: inode.mtimeNs });',
    to: '',
    proof: 'upgrade-self',
  },
  {
    name: 'the backup forgets extended attributes',
    file: emulator('settings/settings-archive'),
    from: 'const common = { mode, uid, gid, mtimeNs, xattrs };',
    to: 'const common = { mode, uid, gid, mtimeNs, xattrs: new Map(xattrs.size > 0 ? [] : xattrs) };',
    proof: 'upgrade-self',
  },
  {
    name: 'the end of the squashfs is rounded to an erase block of its own, not of the flash',
    file: 'tools/firmware/split.ts',
    from: 'const offset = roundUp(start + squashfsSize, eraseSize) - base;',
    to: 'const offset = start + roundUp(squashfsSize, eraseSize) - base - eraseSize;',
    proof: 'reboot',
  },
  {
    name: 'the metadata trailer of the image is not found',
    file: emulator('upgrade/image-metadata'),
    from: "find(({ type }) => type === 'metadata')",
    to: "find(({ type }) => type === 'signature')",
    proof: 'upgrade-self',
  },
  {
    name: 'sysupgrade.conf is ignored',
    file: emulator('settings/keep-list'),
    from: "const lists = [byteStringFromText('/etc/sysupgrade.conf')];",
    to: 'const lists: ByteString[] = [];',
    proof: 'upgrade-self',
  },
  {
    name: 'the reset enters no folder',
    file: emulator('overlay/delete-rules'),
    from: '      visit(ino, folderPath);\n',
    to: '',
    proof: 'reset-command',
  },
  {
    name: 'the archive stays behind after the restore',
    file: emulator('boot/boot'),
    from: '      removeTree(system.root, carriedSettings);\n      system.root.sync();\n',
    to: '',
    proof: 'upgrade-self',
  },
  {
    name: 'mtd erase erases nothing',
    file: emulator('device/mtd'),
    from: 'for (let offset = 0; offset + eraseSize <= size; offset += eraseSize) partition.erase(offset);',
    to: 'if (size < eraseSize) partition.erase(0);',
    proof: 'reset-mtd-erase',
  },
];

const profile = smallBoard();
let image: Uint8Array;
beforeAll(async () => {
  image = await sysupgradeImage(profile, undefined, 60_000);
});

/** What finds the fault: proofs first, then power cuts by phase, so many of each. */
async function foundBy(mutation: Mutation | undefined, sampleSize: number): Promise<readonly string[]> {
  const loaded = await loadMutant(mutation, 'tools/emulator/index.ts');
  const { checkImage } = loaded as unknown as typeof emulatorModule;
  const report = await checkImage({
    profile,
    image,
    powerCuts: sampleSize > 0 ? 'sample' : 'none',
    sampleSize,
  });
  return [
    ...report.proofs.filter(({ problems }) => problems.length > 0).map(({ id }) => id),
    ...report.cuts
      .filter(({ violations }) => violations.length > 0)
      .map(({ phase, during }) =>
        during === 'flow' ? `cuts of ${phase}` : `cuts during recovery in ${phase}`,
      ),
  ];
}

test.each(faults)('found: $name ($proof)', async ({ proof, ...mutation }) => {
  const duringRecovery = proof.startsWith('cuts during recovery');
  const found = await foundBy(mutation, duringRecovery ? 60 : proof.startsWith('cuts') ? 25 : 0);
  expect(found).toContain(proof);
  // What one cut finds needs no second one.
  if (duringRecovery) expect(found.filter((by) => !by.startsWith('cuts during recovery'))).toEqual([]);
});

test('without a fault nothing is found', async () => {
  expect(await foundBy(undefined, 25)).toEqual([]);
});
