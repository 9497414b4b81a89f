import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect } from 'vitest';
import { backgroundNeeds, mountInBackground, tryMount, waitUntil } from '../support/background-mount.js';
import { mountNamespace, requires } from '../support/requires.js';
import { profileOf, sysupgradeImage } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const at = (...parts: string[]): string => join(folder, ...parts);
const board = ['--board', 'ubnt_unifi-ap'];
const withMount = requires(...backgroundNeeds);

beforeAll(async () => {
  writeFileSync(at('image.bin'), await sysupgradeImage(profileOf('ubnt_unifi-ap')));
});

/** Makes a dump of the chip in which /etc/saved was written. */
function dumpWithChange(name: string): string {
  const dump = at(name);
  using mounted = mountInBackground([at('image.bin'), '--save', dump, ...board], at('mnt'));
  writeFileSync(at('mnt/etc/saved'), 'kept');
  mounted.unmount();
  return dump;
}

withMount('an image shows the root of its device, and what is written there is dropped', () => {
  const before = readFileSync(at('image.bin'));
  using mounted = mountInBackground([at('image.bin'), ...board], at('mnt'));
  expect(readFileSync(at('mnt/etc/config/system'), 'utf8')).toContain('OpenWrt');
  writeFileSync(at('mnt/etc/config/system'), 'changed');
  expect(readFileSync(at('mnt/etc/config/system'), 'utf8')).toBe('changed');
  mounted.unmount();
  expect(readFileSync(at('image.bin')).equals(before)).toBe(true);
});

withMount('--save keeps the chip in a new dump, and --write changes a dump', () => {
  const dump = dumpWithChange('kept.bin');
  expect(statSync(dump).size).toBe(8 * 1024 * 1024);
  {
    using mounted = mountInBackground([dump, '--write', ...board], at('mnt'));
    expect(readFileSync(at('mnt/etc/saved'), 'utf8')).toBe('kept');
    rmSync(at('mnt/etc/saved'));
    mounted.unmount();
  }
  using mounted = mountInBackground([dump, ...board], at('mnt'));
  expect(existsSync(at('mnt/etc/saved'))).toBe(false);
  mounted.unmount();
});

withMount('what was synced is in the dump while it is still mounted', () => {
  const dump = dumpWithChange('synced.bin');
  using mounted = mountInBackground([dump, '--write', ...board], at('mnt'));
  const file = openSync(at('mnt/etc/synced'), 'w');
  writeSync(file, 'durable');
  fsyncSync(file);
  copyFileSync(dump, at('copy.bin'));
  using second = mountInBackground([at('copy.bin'), ...board], at('second'));
  expect(readFileSync(at('second/etc/synced'), 'utf8')).toBe('durable');
  second.unmount();
  closeSync(file);
  mounted.unmount();
});

withMount('each layer of a device can be looked at by itself', () => {
  const dump = dumpWithChange('layers.bin');
  {
    using base = mountInBackground([dump, '--layer', 'base', ...board], at('mnt'));
    expect(readdirSync(at('mnt/etc/uci-defaults'))).toEqual(['10_first']);
    expect(() => {
      writeFileSync(at('mnt/new'), '');
    }).toThrow('EROFS');
    base.unmount();
  }
  using overlay = mountInBackground([dump, '--layer', 'overlay', ...board], at('mnt'));
  expect(readFileSync(at('mnt/upper/etc/saved'), 'utf8')).toBe('kept');
  expect(statSync(at('mnt/upper/etc/uci-defaults/10_first')).isCharacterDevice()).toBe(true);
  overlay.unmount();
});

withMount('an image that is no dump cannot be written', () => {
  mkdirSync(at('mnt'), { recursive: true });
  const { exitCode, stderr } = tryMount([at('image.bin'), at('mnt'), '--write', ...board]);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: expect.stringMatching(/FW_USAGE_MOUNT[\s\S]*--save/) as string,
  });
});

requires(...backgroundNeeds, mountNamespace())('mount(8) and fstab mount through the helper', () => {
  const helper = tryMount(['--helper']);
  expect({ exitCode: helper.exitCode, stderr: helper.stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const name of ['sbin', 'sbin-work', 'mnt']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('sbin/mount.fuse.firmwright'), helper.stdout, { mode: 0o755 });
  writeFileSync(
    at('fstab'),
    `${at('image.bin')} ${at('mnt')} fuse.firmwright board=ubnt_unifi-ap,ro,noauto 0 0\n`,
  );
  // mount(8) looks for helpers in /sbin only: in a name space of our own something is put over it.
  const script = `
      mount -t overlay -o lowerdir=/usr/sbin,upperdir=${at('sbin')},workdir=${at('sbin-work')} sbin /usr/sbin &&
      mount -t fuse.firmwright -o board=ubnt_unifi-ap,noatime ${at('image.bin')} ${at('mnt')} &&
      grep ' ${at('mnt')} fuse.firmwright ' /proc/self/mounts && cat ${at('mnt/etc/group')} && umount ${at('mnt')} &&
      mount -T ${at('fstab')} ${at('mnt')} &&
      grep ' ${at('mnt')} fuse.firmwright ' /proc/self/mounts && cat ${at('mnt/etc/group')} && umount ${at('mnt')}`;
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', script], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(new RegExp(`^${at('image.bin')} ${at('mnt')} fuse.firmwright rw,.*noatime`));
  expect(lines[2]).toMatch(/ fuse.firmwright ro,/);
  expect([lines[1], lines[3]]).toEqual(['root:x:0:', 'root:x:0:']);
});

withMount('a server that is told to end unmounts, one that is killed leaves no dead mount', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    using mounted = mountInBackground([at('image.bin'), ...board], at('mnt'));
    process.kill(mounted.server, signal);
    expect(mounted.isGone(20_000), signal).toBe(true);
    expect(
      waitUntil(() => readdirSync(at('mnt')).length === 0, 20_000),
      signal,
    ).toBe(true);
  }
});
