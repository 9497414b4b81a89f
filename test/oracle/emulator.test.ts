/** The flash that the emulator leaves, mounted by real kernels: the merged tree must be the one we show. */
import { beforeAll, describe, expect } from 'vitest';
import type { BoardProfile } from '../../tools/boards/index.js';
import {
  boot,
  chipFromImage,
  Device,
  factoryReset,
  planCutAt,
  sysupgrade,
} from '../../tools/emulator/index.js';
import { fillDevice } from '../../tools/emulator/device/filler.js';
import type { RunningSystem } from '../../tools/emulator/index.js';
import { PowerCut } from '../../tools/flash/index.js';
import {
  changeDeviceMode,
  linkDeviceFile,
  makeDeviceFolder,
  moveDeviceFile,
  removeDeviceFile,
  writeDeviceFile,
} from '../support/device-operations.js';
import { manifestOf } from '../support/manifest.js';
import { complaintsIn, linesOf, runOracle } from '../support/oracle.js';
import { oracle, requires } from '../support/requires.js';
import { profileOf, sysupgradeImage } from '../support/router-image.js';

/** A flow leaves the device off, in whatever state; the next boot decides. */
type Flow = (device: Device, image: Uint8Array) => void;

function running(device: Device): RunningSystem {
  const result = boot(device);
  if (result.kind === 'no-boot') throw new Error(result.reason);
  return result.system;
}

function onSystem(work: (system: RunningSystem) => void): Flow {
  return (device) => {
    const system = running(device);
    work(system);
    system.shutdown();
  };
}

/** Cuts the power at a flash operation of `work`. */
function cutAt(operation: number, work: Flow): Flow {
  return (device, image) => {
    planCutAt(device.chip, operation, 'half');
    try {
      work(device, image);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    device.chip.observer = undefined;
    device.chip.powerOn();
  };
}

const settle = (system: RunningSystem): void => {
  writeDeviceFile(system, '/etc/config/wireless', Buffer.from('radio\n'), 0o600);
  writeDeviceFile(system, '/srv/notes', Buffer.from('notes\n'.repeat(2000)));
};

const flows: Readonly<Record<string, Flow>> = {
  'first boot': onSystem(() => undefined),
  'files written and replaced': onSystem((system) => {
    settle(system);
    writeDeviceFile(system, '/etc/config/network', Buffer.from('mine\n'));
  }),
  'files of the base removed': onSystem((system) => {
    removeDeviceFile(system, '/etc/config/network', false);
    removeDeviceFile(system, '/lib/upgrade', true);
  }),
  'a folder of the base removed and made again': onSystem((system) => {
    removeDeviceFile(system, '/etc/init.d', true);
    makeDeviceFolder(system, '/etc/init.d', false);
    writeDeviceFile(system, '/etc/init.d/own', Buffer.from('#!/bin/sh\n'), 0o755);
  }),
  'a file of the base renamed, linked and changed': onSystem((system) => {
    moveDeviceFile(system, '/etc/config/system', '/etc/config/old');
    linkDeviceFile(system, '/etc/group', '/etc/group-link', false);
    linkDeviceFile(system, 'group', '/etc/group-symlink', true);
    changeDeviceMode(system, '/etc/passwd', 0o600);
  }),
  'a full overlay': onSystem((system) => {
    settle(system);
    fillDevice(system, '/srv/fill', 262_144);
    removeDeviceFile(system, '/srv/fill/fill-00000', false);
  }),
  'a factory reset': (device) => {
    const system = running(device);
    settle(system);
    factoryReset(system, {});
    system.shutdown();
    running(device).shutdown();
  },
  'an upgrade with settings': (device, image) => {
    const system = running(device);
    settle(system);
    sysupgrade(system, image, {});
    running(device).shutdown();
  },
  'a cut while files are written': cutAt(20, (device) => {
    settle(running(device));
  }),
  'a cut in a factory reset': (device, image) => {
    const system = running(device);
    settle(system);
    system.root.sync();
    cutAt(5, () => {
      factoryReset(system, {});
    })(device, image);
    running(device).shutdown();
  },
};

/** The kernels of the oracle lack lzma: the board compresses with zlib here. */
function zlibBoard(id: string): BoardProfile {
  const profile = profileOf(id);
  return { ...profile, jffs2: { ...profile.jffs2, compressors: ['rtime', 'zlib'] } };
}

describe.each(['ubnt_unifi-ap', 'glinet_gl-mt300n-v2'])('%s', (id) => {
  const profile = zlibBoard(id);
  let image: Uint8Array;
  beforeAll(async () => {
    image = await sysupgradeImage(profile, undefined, 131_008);
  });

  for (const [name, flow] of Object.entries(flows)) {
    requires(oracle('uml'))(`${name}: a real kernel shows the same merged tree`, async () => {
      const device = new Device({ profile, chip: chipFromImage(profile, image) });
      flow(device, image);
      running(device).shutdown();
      const left = device.chip.image();

      const { rootfs } = device.split();
      if (!rootfs) throw new Error('no rootfs');
      const firmware = profile.partitions.find(({ label }) => label === 'firmware');
      const offset = (firmware?.offset ?? 0) + rootfs.offset;
      const result = await runOracle({
        image: left,
        endian: profile.endianness,
        eraseSize: profile.flash.eraseSize,
        partitions: `${offset}(head),${rootfs.size}(rootfs)${offset + rootfs.size < left.length ? ',-(tail)' : ''}`,
        script: 'mount_overlay || exit 1\nmanifest /mnt >/out/result\n',
      });
      expect(result.exitCode, result.stdout).toBe(0);
      // A node that a power cut tore is reported at each mount until its block is erased.
      const torn = name.includes('cut') ? /CRC failed/ : /^$/;
      expect(complaintsIn(result.log).filter((line) => !torn.test(line))).toEqual([]);
      const ours = manifestOf(running(device).root, { directoryTimes: false });
      const directories = new Set(ours.filter((line) => / d /.test(line)).map((line) => line.split(' ')[0]));
      const theirs = linesOf(result.file('result')).map((line) => {
        const fields = line.split(' ');
        if (directories.has(fields[0])) fields[6] = '-';
        return fields.join(' ');
      });
      expect(theirs).toEqual(ours);
    });
  }
});
