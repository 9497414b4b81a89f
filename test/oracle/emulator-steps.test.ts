/** A real kernel does what the emulator does, from the same flash: the merged trees must be the same. */
import { beforeAll, describe, expect } from 'vitest';
import {
  boot,
  chipFromImage,
  Device,
  factoryReset,
  planCutAt,
  sysupgrade,
  type RunningSystem,
} from '../../tools/emulator/index.js';
import { PowerCut } from '../../tools/flash/index.js';
import {
  appendDeviceFile,
  changeDeviceMode,
  linkDeviceFile,
  makeDeviceFolder,
  moveDeviceFile,
  removeDeviceFile,
  writeDeviceFile,
} from '../support/device-operations.js';
import { manifestOf } from '../support/manifest.js';
import { linesOf, mountMarked, runOracle } from '../support/oracle.js';
import { oracle, requires } from '../support/requires.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';

/** One step: on the emulator, and as shell below /mnt of the oracle. */
interface Step {
  readonly ours: (device: Device, system: RunningSystem) => RunningSystem;
  readonly theirs: string;
}

function onFiles(ours: (system: RunningSystem) => void, theirs: string): Step {
  return {
    ours: (_, system) => {
      ours(system);
      return system;
    },
    theirs,
  };
}

const write = (path: string, text: string, mode = 0o644): Step =>
  onFiles(
    (system) => {
      writeDeviceFile(system, path, Buffer.from(text), mode);
    },
    `mkdir -p "$(dirname /mnt${path})"; printf '%s' '${text}' >/mnt${path}; chmod ${mode.toString(8)} /mnt${path}`,
  );
const append = (path: string, text: string): Step =>
  onFiles((system) => {
    appendDeviceFile(system, path, Buffer.from(text));
  }, `printf '%s' '${text}' >>/mnt${path}`);
const remove = (path: string): Step =>
  onFiles((system) => {
    removeDeviceFile(system, path, true);
  }, `rm -r /mnt${path}`);
const move = (from: string, to: string): Step =>
  onFiles((system) => {
    moveDeviceFile(system, from, to);
  }, `mv /mnt${from} /mnt${to}`);
const folder = (path: string): Step =>
  onFiles((system) => {
    makeDeviceFolder(system, path, false);
  }, `mkdir /mnt${path}`);
const mode = (path: string, bits: number): Step =>
  onFiles(
    (system) => {
      changeDeviceMode(system, path, bits);
    },
    `chmod ${bits.toString(8)} /mnt${path}`,
  );
const link = (target: string, path: string, symbolic: boolean): Step =>
  onFiles(
    (system) => {
      linkDeviceFile(system, target, path, symbolic);
    },
    symbolic ? `ln -s ${target} /mnt${path}` : `ln /mnt${target} /mnt${path}`,
  );

function running(device: Device): RunningSystem {
  const result = boot(device);
  if (result.kind === 'no-boot') throw new Error(result.reason);
  return result.system;
}

const reboot: Step = {
  ours: (device, system) => {
    system.shutdown();
    return running(device);
  },
  theirs: 'device_off; device_boot',
};
const reset: Step = {
  ours: (device, system) => {
    factoryReset(system, {});
    system.shutdown();
    return running(device);
  },
  theirs: 'set_state 1; wipe /overlay; device_off; device_boot',
};
const resetInFailsafe: Step = {
  ours: (device, system) => {
    system.shutdown();
    const result = boot(device, { failsafe: true });
    if (result.kind === 'no-boot') throw new Error(result.reason);
    factoryReset(result.system, {});
    return running(device);
  },
  theirs:
    "device_off; printf '\\xde\\xad\\xc0\\xde' | dd of=/dev/mtdblock$(mtd rootfs_data) conv=notrunc 2>/dev/null; sync; device_boot",
};

/** The boot of openwrt-flows in shell; it shares nothing with the emulator but its source. */
const shell = `${mountMarked}
set_state() { rm -f /overlay/.fs_state; ln -s $1 /overlay/.fs_state; }
wipe() {
  local d
  for d in "$1"/*; do
    if [ -d "$d" ] && [ ! -L "$d" ]; then wipe "$d" $2; rmdir "$d" 2>/dev/null; fi
  done
  for d in "$1"/* "$1"/.[!.]*; do
    if [ -d "$d" ] && [ ! -L "$d" ]; then continue; fi
    case "$d" in */sysupgrade.tgz) [ -z "$2" ] || continue ;; esac
    rm -f "$d"
  done
}
unite() {
  mkdir -p $1/upper $1/work
  mount -t overlay -o lowerdir=/rom,upperdir=$1/upper,workdir=$1/work overlay /mnt || exit 12
}
device_boot() {
  mount -t squashfs -o ro /dev/mtdblock$(mtd rootfs) /rom || exit 11
  case "$(head -c 4 /dev/mtd$(mtd rootfs_data) | od -An -tx1 | tr -d ' ')" in
  deadc0de | ffffffff)
    mkdir -p /ram
    mount -t tmpfs tmpfs /ram
    unite /ram
    rm -f /mnt/etc/uci-defaults/*
    umount /mnt
    mount_marked rootfs_data /overlay || exit 13
    cp -a /ram/. /overlay
    umount /ram
    unite /overlay
    ;;
  *)
    mount_marked rootfs_data /overlay || exit 14
    if [ "$(readlink /overlay/.fs_state)" != 2 ]; then wipe /overlay keep; fi
    mkdir -p /overlay/upper
    [ ! -f /overlay/sysupgrade.tgz ] || mv /overlay/sysupgrade.tgz /overlay/upper
    unite /overlay
    [ ! -f /mnt/sysupgrade.tgz ] || tar -xzf /mnt/sysupgrade.tgz -C /mnt || exit 15
    rm -f /mnt/etc/uci-defaults/*
    ;;
  esac
  set_state 2
  rm -f /mnt/sysupgrade.tgz
}
device_off() { umount /mnt && umount /overlay && umount /rom || exit 16; }
`;

/** How the flash is before both begin; the device is off. */
type Start = (device: Device, image: Uint8Array, newer: Uint8Array) => void;

const fresh: Start = () => undefined;
const settle = (system: RunningSystem): void => {
  writeDeviceFile(system, '/etc/config/wireless', Buffer.from('radio\n'), 0o600);
  writeDeviceFile(system, '/srv/notes', Buffer.from('notes\n'.repeat(2000)));
  removeDeviceFile(system, '/etc/config/network', false);
};

const scenarios: Readonly<Record<string, { readonly start: Start; readonly steps: readonly Step[] }>> = {
  'first boot': { start: fresh, steps: [] },
  'files written, replaced and appended': {
    start: fresh,
    steps: [
      write('/etc/config/wireless', 'radio', 0o600),
      write('/etc/config/network', 'mine'),
      append('/etc/passwd', 'user:x:1000:'),
      reboot,
      append('/etc/config/wireless', ' on'),
    ],
  },
  'files of the base removed': {
    start: fresh,
    steps: [remove('/etc/config/network'), remove('/lib/upgrade'), reboot, remove('/etc/group')],
  },
  'a folder of the base removed and made again': {
    start: fresh,
    steps: [remove('/etc/init.d'), folder('/etc/init.d'), write('/etc/init.d/own', 'start', 0o755), reboot],
  },
  'files of the base renamed, linked and changed': {
    start: fresh,
    steps: [
      move('/etc/config/system', '/etc/config/old'),
      link('/etc/group', '/etc/group-link', false),
      link('group', '/etc/group-symlink', true),
      mode('/etc/passwd', 0o600),
      reboot,
      move('/etc/config/old', '/etc/config/system'),
    ],
  },
  'a factory reset': {
    start: fresh,
    steps: [write('/etc/config/a', '1'), remove('/etc/group'), reset, write('/etc/config/b', '2'), reboot],
  },
  'a factory reset past hidden folders': {
    start: fresh,
    steps: [write('/srv/.ssh/key', 'k'), write('/srv/.profile', 'p'), write('/srv/a', '1'), reset],
  },
  'a factory reset in failsafe': {
    start: fresh,
    steps: [
      write('/etc/config/a', '1'),
      remove('/etc/config/network'),
      resetInFailsafe,
      write('/x', '1'),
      reboot,
    ],
  },
  'an upgrade with settings': {
    start: (device, _, newer) => {
      const system = running(device);
      settle(system);
      sysupgrade(system, newer, {});
    },
    steps: [reboot, write('/etc/config/after', '1')],
  },
  'an upgrade without settings': {
    start: (device, _, newer) => {
      const system = running(device);
      settle(system);
      sysupgrade(system, newer, { keepSettings: false });
    },
    steps: [reboot],
  },
  'a power cut in the first boot after an upgrade': {
    start: (device, _, newer) => {
      const system = running(device);
      settle(system);
      sysupgrade(system, newer, {});
      cutAt(device, 30, () => {
        running(device);
      });
    },
    steps: [reboot],
  },
  'a power cut in a factory reset': {
    start: (device) => {
      const system = running(device);
      settle(system);
      system.root.sync();
      cutAt(device, 4, () => {
        factoryReset(system, {});
      });
    },
    steps: [write('/etc/config/a', '1'), reboot],
  },
};

function cutAt(device: Device, operation: number, work: () => void): void {
  planCutAt(device.chip, operation, 'half');
  try {
    work();
    throw new Error('the power cut did not strike');
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
  }
  device.chip.observer = undefined;
  device.chip.powerOn();
}

/** Times differ by nature; counts of links are the layer's own affair. */
function comparable(lines: readonly string[]): readonly string[] {
  return lines.map((line) => {
    const fields = line.split(' ');
    fields[6] = '-';
    fields[10] = '-';
    return fields.join(' ');
  });
}

describe.each(['big', 'little'] as const)('%s-endian', (endianness) => {
  // The kernels of the oracle lack lzma.
  const profile = smallBoard({ endianness, jffs2: { compressors: ['rtime', 'zlib'], summary: true } });
  let image: Uint8Array;
  let newer: Uint8Array;
  beforeAll(async () => {
    image = await sysupgradeImage(profile, undefined, 131_008);
    newer = await sysupgradeImage(profile, undefined, 196_544);
  });

  for (const [name, { start, steps }] of Object.entries(scenarios)) {
    requires(oracle('uml'))(`${name}: the kernel's own run ends in the same merged tree`, async () => {
      const device = new Device({ profile, chip: chipFromImage(profile, image) });
      start(device, image, newer);
      device.chip.powerOn();
      const before = device.chip.image();
      const { rootfs } = device.split();
      if (!rootfs) throw new Error('no rootfs');
      const offset = device.firmware().offset + rootfs.offset;

      let system = running(device);
      for (const step of steps) system = step.ours(device, system);

      const result = await runOracle({
        image: before,
        endian: endianness,
        eraseSize: profile.flash.eraseSize,
        partitions: `${offset}(head),${rootfs.size}(rootfs)${offset + rootfs.size < before.length ? ',-(tail)' : ''}`,
        script: `${shell}device_boot\n${steps.map(({ theirs }) => `${theirs} || exit 20\n`).join('')}manifest /mnt >/out/result\n`,
      });
      expect(result.exitCode, result.stdout).toBe(0);
      expect(comparable(linesOf(result.file('result')))).toEqual(comparable(manifestOf(system.root)));
    });
  }
});
