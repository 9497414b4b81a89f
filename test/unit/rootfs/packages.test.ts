import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { writeIpk } from '../../../tools/archive/index.js';
import { byteStringFromText } from '../../../tools/core/index.js';
import { assembleRootTree } from '../../../tools/rootfs/index.js';
import type { RootTree } from '../../../tools/rootfs/index.js';
import { bytesContent, newDirectory, walkTree } from '../../../tools/vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../../tools/vfs/index.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const top = temporaryFolder();
let feed = '';
let count = 0;
beforeEach(() => {
  feed = join(top, `feed-${count++}`);
  mkdirSync(feed);
});

const standardPostinst =
  '#!/bin/sh\n[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0\n. ${IPKG_INSTROOT}/lib/functions.sh\ndefault_postinst $0 $@\n';

function treeOf(files: Readonly<Record<string, string>>): TreeDirectory {
  const root = newDirectory();
  for (const [path, text] of Object.entries(files)) {
    const names = path.split('/').map(byteStringFromText);
    const last = names.pop();
    let directory = root;
    for (const name of names) {
      const next = directory.entries.get(name) ?? newDirectory();
      if (next.type !== 'directory' || last === undefined) throw new Error(path);
      directory.entries.set(name, next);
      directory = next;
    }
    const content = bytesContent(Buffer.from(text));
    const inode = {
      type: 'file' as const,
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtimeNs: 9n,
      xattrs: new Map(),
      content,
    };
    if (last !== undefined) directory.entries.set(last, inode);
  }
  return root;
}

interface Made {
  readonly fields?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly control?: Readonly<Record<string, string>>;
}

/** Makes a feed of packages `name` or `name=version`, with its index. */
function makeFeed(packages: Readonly<Record<string, Made>>, form: 'tar' | 'ar' = 'tar'): void {
  let index = '';
  for (const [key, made] of Object.entries(packages)) {
    const [name = '', version = '1'] = key.split('=');
    const fields = { Package: name, Version: version, Architecture: 'mips', ...made.fields };
    const control = Object.entries(fields)
      .map(([field, value]) => `${field}: ${value}\n`)
      .join('');
    const bytes = writeIpk(
      {
        control: treeOf({ control, postinst: standardPostinst, ...made.control }),
        data: treeOf(made.files ?? { [`usr/share/${name}`]: version }),
      },
      form,
    );
    const file = `${name}_${version}.ipk`;
    writeFileSync(join(feed, file), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    index += `${control}Filename: ${file}\nSize: ${bytes.length}\nSHA256sum: ${sha256}\nDescription: a\n b\n\n`;
  }
  writeFileSync(join(feed, 'Packages.gz'), gzipSync(index));
}

function install(...packages: string[]): Promise<RootTree> {
  const source = { kind: 'packages', feeds: [feed], packages } as const;
  return assembleRootTree([source], { temporaryFolder: top, sourceDateEpoch: 1_600_000_000 });
}

const at = (tree: RootTree, path: string): TreeInode | undefined =>
  [...walkTree(tree.root)].find((visit) => visit.path === path)?.inode;
const textAt = (tree: RootTree, path: string): string | undefined => {
  const inode = at(tree, path);
  return inode?.type === 'file'
    ? Buffer.from(inode.content.read(0, inode.content.size)).toString('latin1')
    : undefined;
};
const names = (tree: RootTree): string[] => tree.packages.map((entry) => entry.name);

async function problemsOf(...packages: string[]): Promise<string[]> {
  const failure: unknown = await install(...packages).catch((cause: unknown) => cause);
  expect(failure).toMatchObject({ code: 'FW_ROOTFS_PACKAGES', exitCode: 3 });
  return (failure as { data: { problems: string[] } }).data.problems;
}

describe('choosing packages', () => {
  test('dependencies come along, in a circle too, and are marked', async () => {
    makeFeed({ a: { fields: { Depends: 'b, c (>= 1)' } }, b: { fields: { Depends: 'a' } }, c: {}, d: {} });
    using tree = await install('a');
    expect(names(tree)).toEqual(['a', 'b', 'c']);
    const status = textAt(tree, '/usr/lib/opkg/status') ?? '';
    expect(status).toContain(
      'Package: a\nVersion: 1\nDepends: b, c (>= 1)\nStatus: install user installed\n',
    );
    expect(status).toMatch(
      /Package: b\n.*\n.*\nStatus: install ok installed\nArchitecture: mips\nInstalled-Time: 1600000000\nAuto-Installed: yes\n/,
    );
  });

  test('the highest version that meets the condition is taken', async () => {
    makeFeed({
      'a=1.9': {},
      'a=1.10': {},
      'a=1.10~rc1': {},
      'a=2-1': {},
      b: { fields: { Depends: 'a (<< 2)' } },
      c: {},
    });
    using old = await install('b');
    expect(textAt(old, '/usr/share/a')).toBe('1.10');
    using newest = await install('a');
    expect(textAt(newest, '/usr/share/a')).toBe('2-1');
    using exact = await install('a=1.9', 'c');
    expect(textAt(exact, '/usr/share/a')).toBe('1.9');
  });

  test('a provided name, and the second of two alternatives, are found', async () => {
    makeFeed({
      a: { fields: { Depends: 'tls, missing | c' } },
      'x-tls': { fields: { Provides: 'tls' } },
      'y-tls': { fields: { Provides: 'tls' } },
      c: {},
    });
    using first = await install('a');
    expect(names(first)).toEqual(['a', 'c', 'x-tls']);
    using chosen = await install('a', 'y-tls');
    expect(names(chosen)).toEqual(['a', 'c', 'x-tls', 'y-tls']);
  });

  test('-name takes a package out, unless another needs it, which is told', async () => {
    makeFeed({ a: { fields: { Depends: 'b' } }, b: {}, c: {} });
    using without = await install('a', 'b', 'c', '-c');
    expect(names(without)).toEqual(['a', 'b']);
    using needed = await install('a', 'b', '-b');
    expect(needed.warnings).toMatchObject([
      { code: 'package-needed', message: 'package b was taken out, but is needed by a' },
    ]);
  });

  test('everything that cannot be had is told at once', async () => {
    makeFeed({ a: { fields: { Depends: 'gone, b (>= 7)' } }, b: {}, x: { fields: { Conflicts: 'b' } } });
    expect(await problemsOf('a', 'b', 'x', 'typo')).toEqual([
      'no feed offers b (>= 7), which a depends on',
      'no feed offers gone, which a depends on',
      'no feed offers typo',
      'x and b are in conflict',
    ]);
  });
});

describe('installing packages', () => {
  test.each(['tar', 'ar'] as const)('from the %s form leaves files, lists and conffiles', async (form) => {
    const files = { 'etc/config/a': 'config', 'usr/bin/a': 'bytes', init: 'for a root in RAM' };
    makeFeed({ a: { files, control: { conffiles: '/etc/config/a\n', prerm: '#!/bin/sh\n' } } }, form);
    using tree = await install('a');
    expect(textAt(tree, '/usr/bin/a')).toBe('bytes');
    expect(at(tree, '/init')).toBeUndefined();
    expect(tree.packages).toMatchObject([
      { files: ['/etc/config/a', '/init', '/usr/bin/a'], conffiles: ['/etc/config/a'] },
    ]);
    expect(textAt(tree, '/usr/lib/opkg/info/a.prerm')).toBe('#!/bin/sh\n');
    expect(at(tree, '/usr/lib/opkg/info/a.postinst')).toBeUndefined();
    const hash = createHash('sha256').update('config').digest('hex');
    expect(textAt(tree, '/usr/lib/opkg/status')).toContain(`Conffiles:\n /etc/config/a ${hash}\n`);
    expect(tree.firstBootScripts).toEqual([]);
  });

  test('services are enabled as rc.common does it', async () => {
    const script = '#!/bin/sh /etc/rc.common\nSTART=20\nSTOP=90\n';
    makeFeed({ a: { files: { 'etc/init.d/net': script, 'etc/init.d/plain': '#!/bin/sh\nSTART=1\n' } } });
    using tree = await install('a');
    expect(at(tree, '/etc/rc.d/S20net')).toMatchObject({ type: 'symlink', target: '../init.d/net' });
    expect(at(tree, '/etc/rc.d/K90net')).toMatchObject({ type: 'symlink', target: '../init.d/net' });
    const folder = at(tree, '/etc/rc.d');
    expect(folder?.type === 'directory' && folder.entries.size).toBe(2);
  });

  test('a script that does more than the standard one waits for the first boot', async () => {
    makeFeed({
      a: { control: { 'postinst-pkg': '#!/bin/sh\ntouch /etc/made\n' } },
      b: { control: { 'postinst-pkg': '#!/bin/sh\n[ -z "$IPKG_INSTROOT" ] || exit 0\ninsert_modules b\n' } },
    });
    using tree = await install('a', 'b');
    expect(tree.firstBootScripts).toEqual([{ package: 'a', path: '/etc/uci-defaults/05_a-scripts' }]);
    expect(textAt(tree, '/etc/uci-defaults/05_a-scripts')).toContain(
      'sh /usr/lib/opkg/info/a.postinst-pkg configure\n',
    );
    expect(textAt(tree, '/usr/lib/opkg/info/a.postinst-pkg')).toContain('touch /etc/made');
    expect(at(tree, '/usr/lib/opkg/info/b.postinst-pkg')).toBeUndefined();
  });

  test('of alternatives the highest priority is linked, a real file stays', async () => {
    makeFeed({
      busybox: {
        files: { 'bin/busybox': 'b', 'bin/real': 'r' },
        fields: { Alternatives: '100:/bin/ls:/bin/busybox, 100:/bin/real:/bin/busybox' },
      },
      coreutils: {
        files: { 'usr/libexec/ls': 'l' },
        fields: { Alternatives: '300:/bin/ls:/usr/libexec/ls' },
      },
    });
    using tree = await install('busybox', 'coreutils');
    expect(at(tree, '/bin/ls')).toMatchObject({ type: 'symlink', target: '/usr/libexec/ls' });
    expect(textAt(tree, '/bin/real')).toBe('r');
  });

  test('required users and groups are added', async () => {
    makeFeed({
      base: {
        files: {
          'etc/passwd': 'root:x:0:0:root:/root:/bin/ash\n',
          'etc/group': 'root:x:0:\n',
          'etc/shadow': 'root:::::::\n',
        },
      },
      dns: { fields: { 'Require-User': 'dns=453:dns=453 mail:mail:log=455' } },
    });
    using tree = await install('base', 'dns');
    expect(textAt(tree, '/etc/passwd')).toBe(
      'root:x:0:0:root:/root:/bin/ash\ndns:x:453:453:dns:/var/run/dns:/bin/false\nmail:x:65536:65536:mail:/var/run/mail:/bin/false\n',
    );
    expect(textAt(tree, '/etc/group')).toBe('root:x:0:\ndns:x:453:\nmail:x:65536:\nlog:x:455:mail\n');
    expect(textAt(tree, '/etc/shadow')).toContain('dns:x:0:0:99999:7:::\n');
  });

  test('two packages with one file are refused, unless one replaces the other', async () => {
    makeFeed({
      a: { files: { 'bin/x': 'a' } },
      b: { files: { 'bin/x': 'b' } },
      c: { files: { 'bin/x': 'c' }, fields: { Replaces: 'a' } },
    });
    expect(await problemsOf('a', 'b')).toEqual(['a and b both bring /bin/x']);
    using tree = await install('a', 'c');
    expect(textAt(tree, '/bin/x')).toBe('c');
  });

  test('a package that is not what the index tells is refused', async () => {
    makeFeed({ a: {}, b: {} });
    writeFileSync(join(feed, 'a_1.ipk'), 'changed');
    await expect(install('a')).rejects.toThrow(
      expect.objectContaining({ code: 'FW_ARCHIVE_IPK', exitCode: 4 }),
    );
    writeFileSync(join(feed, 'Packages'), 'Package: b\nVersion: 1\nFilename: ../b_1.ipk\n');
    await expect(install('b')).rejects.toThrow('the index leads out of the feed');
  });

  test('an aborted installation stops', async () => {
    makeFeed({ a: {} });
    const source = { kind: 'packages', feeds: [feed], packages: ['a'] } as const;
    const options = { temporaryFolder: top, sourceDateEpoch: 0, signal: AbortSignal.abort() };
    await expect(assembleRootTree([source], options)).rejects.toThrow();
  });
});

/**
 * The published root was made with a folder laid over the packages, and by an older opkg. What differs, and why; all
 * else is equal.
 */
const fromTheOverlay = [
  '/etc/config.off',
  '/etc/config.off/network',
  '/etc/config.off/wireless',
  '/etc/dropbear/authorized_keys',
  '/etc/dropbear/dropbear_dss_host_key',
  '/etc/dropbear/dropbear_rsa_host_key',
  '/etc/init.d/chilli',
  '/etc/rc.d/K15chilli',
  '/etc/rc.d/S99chilli',
  '/etc/shadow',
];
/** Image builds of the time gave 0644 to every file that is not executable, by name; we keep 0600 of the package. */
const modeWidened = ['/etc/ppp/chap-secrets'];

requires(fixture('ipk-ath25-base'), fixture('fw-ath25-root.squashfs'))(
  'the published ath25 root comes out of its 66 packages, but for the explained differences',
  async () => {
    const folder = fixturePath('ipk-ath25-base');
    const files = readdirSync(folder).filter((name) => name.endsWith('.ipk'));
    expect(files.length).toBe(66);
    const options = {
      temporaryFolder: top,
      sourceDateEpoch: 1_520_978_979,
      attributes: [{ path: '/dev/console', type: 'char', mode: 0o600, rdev: { major: 5, minor: 1 } }],
    } as const;
    const packages = files.map((name) => name.split('_')[0] ?? '');
    using ours = await assembleRootTree([{ kind: 'packages', feeds: [folder], packages }], options);
    const squashfs = { kind: 'squashfs', path: fixturePath('fw-ath25-root.squashfs') } as const;
    using published = await assembleRootTree([squashfs], { temporaryFolder: top, sourceDateEpoch: 0 });
    const lists = /^\/usr\/lib\/opkg\/(?:status$|info\/.*\.list$)/;
    const differing: string[] = [];
    const [mine, theirs] = [ours, published].map(
      (tree) => new Map([...walkTree(tree.root)].map(({ path, inode }) => [path as string, inode])),
    );
    for (const path of new Set([...(mine?.keys() ?? []), ...(theirs?.keys() ?? [])])) {
      if (lists.test(path)) continue;
      // This opkg left the script that runs before a removal out of images; we keep it, as it does today.
      if (/^\/usr\/lib\/opkg\/info\/.*\.prerm$/.test(path) && theirs?.get(path) === undefined) continue;
      if (summary(mine?.get(path)) !== summary(theirs?.get(path))) differing.push(path);
    }
    expect(differing.sort()).toEqual([...fromTheOverlay, ...modeWidened].sort());
    const listed = (tree: RootTree): unknown =>
      tree.packages.map((entry) => [
        entry.name,
        entry.version,
        entry.architecture,
        entry.dependencies,
        entry.files,
        entry.conffiles,
      ]);
    expect(listed(ours)).toEqual(listed(published));
    expect(ours.firstBootScripts).toEqual([]);
  },
);

/** Type, attributes and content, but no times: those of links and folders are the moments of installation. */
function summary(inode: TreeInode | undefined): string {
  if (inode === undefined) return 'absent';
  const { type, mode, uid, gid } = inode;
  const base = `${type} ${mode.toString(8)} ${uid}:${gid}`;
  if (type === 'symlink') return `${base} ${inode.target}`;
  if (type === 'char' || type === 'block') return `${base} ${inode.rdev.major},${inode.rdev.minor}`;
  if (type !== 'file') return base;
  return `${base} ${createHash('sha256').update(inode.content.read(0, inode.content.size)).digest('hex')}`;
}
