/** The overlays of devices that ran in the field, as uppers over their squashfs: the merged tree, and marks in other forms. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { fixedClock } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import { mountJffs2 } from '../../tools/jffs2/index.js';
import type { Endian, Jffs2FileSystem } from '../../tools/jffs2/index.js';
import { openSquashfs } from '../../tools/squashfs/index.js';
import { convertMarks, mountUnion, policies, readMarks } from '../../tools/union/index.js';
import type { LayerForm, Union, UnionPolicy } from '../../tools/union/index.js';
import { makeDirectories, readFile, statPath, treeFromFileSystem, walkTree } from '../../tools/vfs/index.js';
import type { FileSystem } from '../../tools/vfs/index.js';
import { b, names, newDirectoryAttributes } from '../support/files.js';
import { fixture, fixturePath, requires } from '../support/requires.js';

interface Dump {
  readonly squashfs: Uint8Array;
  readonly jffs2: Uint8Array;
  readonly eraseSize: number;
  readonly endian: Endian;
}

const halnyName = 'flash-halny-hl-gsfp-linux-partition.bin';
const yiRoot = 'flash-yi-1080-rootfs.squashfs';
const yiBackup = 'flash-yi-1080-backup.jffs2';

function halny(): Dump {
  const bytes = readFileSync(fixturePath(halnyName));
  return {
    squashfs: bytes.subarray(1_210_454, 3_342_336),
    jffs2: bytes.subarray(3_342_336, 3_342_336 + 655_360),
    eraseSize: 65_536,
    endian: 'big',
  };
}

function yi(): Dump {
  return {
    squashfs: readFileSync(fixturePath(yiRoot)),
    jffs2: readFileSync(fixturePath(yiBackup)),
    eraseSize: 4096,
    endian: 'little',
  };
}

/** A dump on a chip of its own. Its root is the upper, as kernels had it then; here that moves into a directory. */
class DumpedDevice {
  readonly chip: NorChip;
  readonly base: FileSystem;
  readonly #endian: Endian;
  flash: Jffs2FileSystem;

  constructor(dump: Dump) {
    this.chip = new NorChip({
      geometry: norGeometry(dump.jffs2.length, dump.eraseSize),
      content: dump.jffs2,
    });
    this.base = openSquashfs(dump.squashfs);
    this.#endian = dump.endian;
    this.flash = this.#mount();
    const { flash } = this;
    const found = flash.readdir(flash.root);
    const upper = makeDirectories(flash, b('/upper'));
    for (const { name } of found) flash.rename(flash.root, name, upper, name);
    makeDirectories(flash, b('/work'));
  }

  #mount(): Jffs2FileSystem {
    return mountJffs2(this.chip, { endian: this.#endian, clock: fixedClock(1_700_000_000) });
  }

  get upper(): number {
    return makeDirectories(this.flash, b('/upper'));
  }

  /** The union after the flash has been mounted again. */
  union(policy: UnionPolicy = policies.openwrt): Union {
    this.flash = this.#mount();
    return mountUnion({
      lowers: [{ fs: this.base, name: 'rom' }],
      upper: { fs: this.flash, root: this.upper, name: 'overlay' },
      work: makeDirectories(this.flash, b('/work')),
      policy,
    });
  }
}

const pathsOf = (fs: FileSystem): string[] =>
  [...walkTree(treeFromFileSystem(fs))].map(({ path }) => path as string).filter((path) => path !== '/');

/** The scripts that ran at first boot, each removed afterwards. */
const scripts = '/etc/uci-defaults' as ByteString;

const onHalny = requires(fixture(halnyName));

onHalny(
  'a dump with symlink whiteouts shows the merged tree over its squashfs, and says what hides what',
  () => {
    const device = new DumpedDevice(halny());
    const { whiteouts, opaque } = readMarks(device.flash, device.upper, 'overlay-v7');
    expect(whiteouts).toHaveLength(15);
    expect(opaque).toEqual([]);
    expect(new Set(whiteouts.map((path) => path.slice(0, path.lastIndexOf('/'))))).toEqual(
      new Set([scripts]),
    );
    const union = device.union();
    const [base, shown] = [pathsOf(device.base), pathsOf(union)];
    const hidden = base.filter((path) => !shown.includes(path));
    expect(base).toHaveLength(588);
    expect(hidden).toEqual(whiteouts.filter((path) => base.includes(path)));
    expect(hidden).toContain('/etc/uci-defaults/02_network');
    expect(hidden).toHaveLength(15);
    expect(shown).toHaveLength(584);
    expect(union.which(b('/etc/uci-defaults/02_network'))).toMatchObject({
      layer: undefined,
      shadowed: [{ layer: 'rom', type: 'file' }],
    });
    expect(union.which(b('/etc/uci-defaults/02_network')).causes.at(-1)).toMatchObject({
      kind: 'whiteout',
      layer: 'overlay',
    });
    expect(union.which(b('/etc/config/network'))).toMatchObject({ layer: 'overlay' });
  },
);

onHalny('the same dump with its whiteouts in other forms shows the same tree on its flash', () => {
  const device = new DumpedDevice(halny());
  const before = pathsOf(device.union());
  const readers: readonly (readonly [LayerForm, UnionPolicy])[] = [
    ['overlay', policies.overlayfs],
    ['overlay-x', policies.openwrt],
    ['aufs', policies.aufs],
    ['mini_fo', { ...policies.openwrt, reads: ['mini_fo'] }],
  ];
  let from: LayerForm = 'overlay-v7';
  for (const [to, policy] of readers) {
    convertMarks(device.flash, device.upper, { from, to });
    const union = device.union(policy);
    expect(pathsOf(union), to).toEqual(before);
    union.unmount();
    // Lists of mini_fo are taken over when they are mounted.
    from = to === 'mini_fo' ? 'overlay' : to;
  }
});

onHalny(
  'work goes on over the dump: a removed script is made again, removed, and stays so over a mount',
  () => {
    const device = new DumpedDevice(halny());
    const first = device.union();
    const before = names(first, statPath(first, scripts)?.ino);
    first.mkdir(statPath(first, scripts)?.ino ?? 0, b('02_network'), newDirectoryAttributes);
    expect(names(first, statPath(first, `${scripts}/02_network` as ByteString)?.ino)).toEqual([]);
    first.rmdir(statPath(first, scripts)?.ino ?? 0, b('02_network'));
    first.unlink(statPath(first, b('/etc'))?.ino ?? 0, b('passwd'));
    first.unmount();
    const again = device.union();
    expect(names(again, statPath(again, scripts)?.ino)).toEqual(before);
    expect(again.which(b('/etc/passwd')).causes.at(-1)).toMatchObject({ kind: 'whiteout', layer: 'overlay' });
    expect(statPath(again, b('/etc/passwd'))).toBeUndefined();
  },
);

requires(fixture(yiRoot), fixture(yiBackup))(
  'a dump without whiteouts adds its files to its squashfs',
  () => {
    const device = new DumpedDevice(yi());
    expect(readMarks(device.flash, device.upper, 'overlay')).toEqual({
      whiteouts: [],
      opaque: [],
      redirects: new Map(),
    });
    const union = device.union();
    const added = pathsOf(device.flash).filter((path) => path.startsWith('/upper/'));
    expect(added).toHaveLength(20);
    expect(pathsOf(device.base)).toHaveLength(214);
    expect(pathsOf(union)).toHaveLength(234);
    expect(
      Buffer.from(readFile(union, b('/init.sh'))).equals(readFile(device.flash, b('/upper/init.sh'))),
    ).toBe(true);
    expect(union.which(b('/ko/8189fs.ko'))).toMatchObject({ layer: 'overlay', type: 'file' });
    expect(union.which(b('/bin'))).toMatchObject({ layer: 'rom' });
  },
);
