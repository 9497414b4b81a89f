/** Dumps of devices that ran in the field: they boot, show what their owners had, and reset cleanly. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { loadBoardProfile, type BoardProfile } from '../../tools/boards/index.js';
import { byteStringFromText } from '../../tools/core/index.js';
import { boot, chipFromImage, Device, factoryReset, type RunningSystem } from '../../tools/emulator/index.js';
import { buildUImage } from '../../tools/firmware/index.js';
import { treeFromFileSystem, walkTree, type FileSystem } from '../../tools/vfs/index.js';
import { noise } from '../support/image-inputs.js';
import { fixture, fixturePath, requires } from '../support/requires.js';

function testBoard(id: string): BoardProfile {
  const path = fileURLToPath(new URL(`../fixtures/boards/${id}.yaml`, import.meta.url));
  return loadBoardProfile(readFileSync(path, 'utf8'), path);
}

/** A dump: how its partition `firmware` is made, and the facts that its makers recorded of it. */
interface Dump {
  readonly board: string;
  readonly needs: readonly string[];
  readonly firmware: () => Uint8Array;
  /** Listing of the live files of its overlay, by a separate reader. */
  readonly listing: string;
  readonly baseEntries: number;
  readonly whiteouts: number;
}

const halny = 'flash-halny-hl-gsfp-linux-partition.bin';
const yiRoot = 'flash-yi-1080-rootfs.squashfs';
const yiBackup = 'flash-yi-1080-backup.jffs2';

const dumps: readonly Dump[] = [
  {
    board: 'halny_hl-gsfp',
    needs: [halny],
    firmware: () => readFileSync(fixturePath(halny)),
    listing: `${halny}.files.tsv`,
    baseEntries: 588,
    whiteouts: 15,
  },
  {
    board: 'yi_1080',
    needs: [yiRoot, yiBackup],
    firmware: yiFirmware,
    listing: `${yiBackup}.files.tsv`,
    baseEntries: 214,
    whiteouts: 0,
  },
];

/** The camera's root behind a kernel of noise, and its backup where rootfs_data begins. */
function yiFirmware(): Uint8Array {
  const root = readFileSync(fixturePath(yiRoot));
  const used = Number(root.readBigUInt64LE(40));
  const kernel = buildUImage(noise(0x10000), {
    time: 1_700_000_000,
    load: 0x80008000,
    entry: 0x80008000,
    arch: 2,
    type: 2,
    compression: 0,
    name: 'Linux-3.0.8',
  });
  const rootOffset = Math.ceil(kernel.length / 0x1000) * 0x1000;
  const dataOffset = Math.ceil((rootOffset + used) / 0x1000) * 0x1000;
  const backup = readFileSync(fixturePath(yiBackup));
  const firmware = new Uint8Array(dataOffset + backup.length).fill(0xff);
  firmware.set(kernel);
  firmware.set(root.subarray(0, used), rootOffset);
  firmware.set(backup, dataOffset);
  return firmware;
}

interface ListedFile {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly whiteout: boolean;
  readonly size: number;
}

function listed(name: string): readonly ListedFile[] {
  const [head = '', ...rows] = readFileSync(fixturePath(name), 'latin1').trimEnd().split('\n');
  const size = head.split('\t').indexOf('size');
  return rows.map((row) => {
    const cells = row.split('\t');
    return {
      path: cells[0] ?? '',
      isDirectory: cells[1] === 'dir',
      whiteout: cells.includes('(overlay-whiteout)'),
      size: Number(cells[size]),
    };
  });
}

/** Path and size of everything; sizes of directories are the file system's own affair. */
function contentsOf(fs: FileSystem): Map<string, number> {
  const found = new Map<string, number>();
  for (const { path, inode } of walkTree(treeFromFileSystem(fs))) {
    if (path === '/') continue;
    found.set(
      path,
      inode.type === 'file' ? inode.content.size : inode.type === 'symlink' ? inode.target.length : 0,
    );
  }
  return found;
}

function running(device: Device, stopInPreinit = false): RunningSystem {
  const result = boot(device, { stopInPreinit });
  if (result.kind === 'no-boot') throw new Error(result.reason);
  return result.system;
}

describe.each(dumps)('$board', ({ board, needs, firmware, listing, baseEntries, whiteouts }) => {
  const it = requires(...needs.map(fixture), fixture(listing));
  const newDevice = (): Device => {
    const profile = testBoard(board);
    return new Device({ profile, chip: chipFromImage(profile, firmware()), branch: '14.07' });
  };

  it('boots and shows the merged tree', () => {
    const device = newDevice();
    const before = device.chip.image();
    // Before run-once scripts go: the tree as its owner left it.
    const system = running(device, true);
    expect(system.mode).toBe('jffs2-overlay');
    const base = contentsOf(system.rom);
    expect(base.size).toBe(baseEntries);
    const overlay = listed(listing);
    expect(overlay.filter(({ whiteout }) => whiteout)).toHaveLength(whiteouts);
    for (const { path, isDirectory, whiteout, size } of overlay) {
      if (whiteout) base.delete(path);
      else base.set(path, isDirectory ? 0 : size);
    }
    expect(contentsOf(system.root)).toEqual(base);
    for (const { path, whiteout } of overlay) {
      const { layer } = system.whereIs(byteStringFromText(path));
      expect(layer, path).toBe(whiteout ? 'none' : 'upper');
    }
    system.shutdown();
    const after = device.chip.image();
    const end = device.firmware().offset;
    expect(Buffer.from(after.subarray(0, end)).equals(before.subarray(0, end))).toBe(true);
  });

  for (const way of ['command', 'mtd-erase', 'failsafe'] as const)
    it(`resets cleanly by ${way}`, () => {
      const device = newDevice();
      let system = running(device);
      if (way === 'failsafe') {
        system.shutdown();
        const result = boot(device, { failsafe: true });
        if (result.kind === 'no-boot') throw new Error(result.reason);
        system = result.system;
      }
      factoryReset(system, way === 'mtd-erase' ? { via: way } : {});
      if (way !== 'mtd-erase') system.shutdown();
      const clean = running(device);
      expect(clean.mode).toBe('jffs2-overlay');
      const withoutScripts = (fs: FileSystem): Map<string, number> =>
        new Map([...contentsOf(fs)].filter(([path]) => !path.startsWith('/etc/uci-defaults/')));
      expect(withoutScripts(clean.root)).toEqual(withoutScripts(clean.rom));
    });
});
