/** What a mounted union leaves in an upper of the host: as root with whiteout devices, as a plain user with attributes. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { hostCalls } from '../../tools/addon/index.js';
import { backgroundNeeds } from '../support/background-mount.js';
import { cliPath, kernelFileSystem, mountNamespace, requires, tool } from '../support/requires.js';

const nobody = 65_534;
const needs = [...backgroundNeeds, tool('python3'), tool('setpriv'), tool('umount')];

let folder = '';
const at = (...parts: string[]): string => join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'firmwright-upper-'));
  chmodSync(folder, 0o755);
  for (const name of ['lower', 'lower/dir', 'lower/full', 'upper', 'work', 'mnt']) mkdirSync(at(name));
  for (const name of ['removed', 'a', 'dir/inner', 'full/one', 'full/two', 'linked', 'b']) {
    writeFileSync(at('lower', name), `lower ${name}`);
  }
  linkSync(at('lower/linked'), at('lower/linked-too'));
});
afterEach(() => {
  spawnSync('umount', ['-l', at('mnt')]);
  rmSync(folder, { recursive: true, force: true });
});

/** Removals, a replaced folder, a moved folder, an exchange and a change through a hard link. */
const changes = `
import ctypes, os, shutil
os.unlink('removed')
shutil.rmtree('full'); os.mkdir('full'); open('full/new', 'w').write('new')
os.rename('dir', 'moved')
assert ctypes.CDLL(None).renameat2(-100, b'a', -100, b'b', 2) == 0
open('linked', 'a').write(' changed')
`;
const look = `
import os
print(sorted(os.listdir('.')), os.listdir('full'), os.listdir('moved'))
print(open('a').read(), '|', open('b').read(), '|', open('linked-too').read(), os.stat('linked').st_nlink)
`;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program as root or as nobody. */
function as(user: 'root' | 'nobody', words: readonly string[]): Outcome {
  const drop = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'];
  const [program = '', ...args] = user === 'root' ? words : [...drop, ...words];
  return spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
}

function mountAs(user: 'root' | 'nobody', options: string): Outcome {
  const layers = ['--lower', at('lower'), '--upper', at('upper'), '--work', at('work')];
  return as(user, [process.execPath, cliPath, 'mount', ...layers, '-o', options, at('mnt')]);
}

function inMount(user: 'root' | 'nobody', text: string): string {
  const { status, stdout, stderr } = as(user, [
    'sh',
    '-c',
    'cd "$0" && exec python3 -c "$1"',
    at('mnt'),
    text,
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const expected = [
  "['a', 'b', 'full', 'linked', 'linked-too', 'moved'] ['new'] ['inner']",
  'lower b | lower a | lower linked changed 2\n',
].join('\n');
const xattrs = (name: string): string => {
  const found = hostCalls().listxattr(at('upper', name), false);
  return typeof found === 'number' ? String(found) : Buffer.from(found).toString('latin1');
};

requires(
  ...needs,
  mountNamespace(),
  kernelFileSystem('overlay'),
)('as root: whiteouts are devices, marks are trusted attributes, and all of it holds', () => {
  const options = 'redirect_dir=on,index=on';
  expect(mountAs('root', options)).toMatchObject({ status: 0, stderr: '' });
  inMount('root', changes);
  expect(inMount('root', look)).toBe(expected);
  as('root', ['umount', at('mnt')]);
  expect(statSync(at('upper/removed')).isCharacterDevice()).toBe(true);
  expect(xattrs('full')).toContain('trusted.overlay.opaque');
  expect(xattrs('moved')).toContain('trusted.overlay.redirect');
  expect(xattrs('a')).toContain('trusted.overlay.origin');
  // What the kernel's own overlay makes of the same folders.
  const kernel = `lowerdir=${at('lower')},upperdir=${at('upper')},workdir=${at('kernel-work')},redirect_dir=on`;
  mkdirSync(at('kernel-work'));
  const { stdout } = as('root', [
    ...['unshare', '--mount', 'sh', '-c'],
    `mount -t overlay -o ${kernel} o ${at('mnt')} && cd ${at('mnt')} && ls && cat a full/new moved/inner`,
  ]);
  expect(stdout).toBe('a\nb\nfull\nlinked\nlinked-too\nmoved\nlower bnewlower dir/inner');
  expect(mountAs('root', options)).toMatchObject({ status: 0, stderr: '' });
  expect(inMount('root', look)).toBe(expected);
});

requires(...needs)(
  'as a plain user: marks are user attributes and all of it holds, or the error says what is missing',
  () => {
    for (const name of ['upper', 'work', 'mnt']) chownSync(at(name), nobody, nobody);
    spawnSync('chown', ['-R', `${nobody}:${nobody}`, at('lower')]);
    const options = 'redirect_dir=on,index=on,userxattr';
    const first = mountAs('nobody', options);
    if (first.status !== 0) {
      // Without the set-user-ID helper of fuse3, or with a device that only root may open.
      expect(first.stderr).toMatch(/FW_ENV_FUSE[\s\S]*hint: /);
      return;
    }
    expect(first.stderr).toBe('');
    inMount('nobody', changes);
    expect(inMount('nobody', look)).toBe(expected);
    as('nobody', ['fusermount3', '-u', at('mnt')]);
    // Linux lets everybody make the device 0:0 since 5.8; before, a file with a mark stands in for it.
    const isDevice = statSync(at('upper/removed')).isCharacterDevice();
    expect(isDevice || xattrs('removed').includes('user.overlay.whiteout')).toBe(true);
    expect(xattrs('moved')).toContain('user.overlay.redirect');
    expect(mountAs('nobody', options)).toMatchObject({ status: 0, stderr: '' });
    expect(inMount('nobody', look)).toBe(expected);
    as('nobody', ['fusermount3', '-u', at('mnt')]);
  },
);
