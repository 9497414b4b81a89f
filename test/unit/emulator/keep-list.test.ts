import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { byteStringFromText, textOf } from '../../../tools/core/index.js';
import { branches } from '../../../tools/emulator/branches.js';
import { expandPattern, keepList } from '../../../tools/emulator/settings/keep-list.js';
import { makeDirectories, MemoryFileSystem, writeFile } from '../../../tools/vfs/index.js';

const path = byteStringFromText;

function rootWith(files: Readonly<Record<string, string>>): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  for (const [file, text] of Object.entries(files)) {
    makeDirectories(fs, path(file.slice(0, file.lastIndexOf('/'))));
    writeFile(fs, path(file), Buffer.from(text));
  }
  return fs;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

test('the list unites sysupgrade.conf, keep.d and conffiles that changed', () => {
  const root = rootWith({
    '/etc/sysupgrade.conf': '# comment\n\n/etc/dropbear/\n/srv/*.sh\n',
    '/lib/upgrade/keep.d/base-files': '/etc/hosts\n/etc/missing\n',
    '/etc/hosts': 'h',
    '/etc/dropbear/key': 'k',
    '/srv/a.sh': '1',
    '/srv/b.txt': '2',
    '/etc/config/changed': 'new',
    '/etc/config/same': 'same',
    '/usr/lib/opkg/status': `Package: x\nConffiles:\n /etc/config/changed ${sha256('old')}\n /etc/config/same ${sha256('same')}\nStatus: install ok\n`,
  });
  const list = keepList({ root, rom: root, upper: undefined }, branches['25.12'], {});
  expect(list.map(textOf)).toEqual(['/etc/config/changed', '/etc/dropbear/key', '/etc/hosts', '/srv/a.sh']);
});

test('-u leaves out files equal to the read-only root', () => {
  const root = rootWith({ '/etc/sysupgrade.conf': '/etc/a\n/etc/b\n', '/etc/a': 'same', '/etc/b': 'mine' });
  const rom = rootWith({ '/etc/a': 'same', '/etc/b': 'base' });
  const list = keepList({ root, rom, upper: undefined }, branches['25.12'], { skipEqual: true });
  expect(list.map(textOf)).toEqual(['/etc/b']);
});

test('-c takes what the upper layer holds of /etc, less what boot makes', () => {
  const fs = rootWith({
    '/upper/etc/config/x': '1',
    '/upper/etc/board.json': '2',
    '/upper/etc/urandom.seed': '3',
    '/upper/srv/y': '4',
  });
  const upper = makeDirectories(fs, path('/upper'));
  const list = keepList({ root: fs, rom: fs, upper: { fs, directory: upper } }, branches['24.10'], {
    changedEtc: true,
  });
  expect(list.map(textOf)).toEqual(['/etc/config/x']);
});

test('patterns expand name by name; hidden names only to a hidden pattern', () => {
  const root = rootWith({ '/a/one.x': '', '/a/two.x': '', '/a/.x': '', '/b/one.y': '' });
  expect(expandPattern(root, path('/*/one.[xy]')).map(textOf)).toEqual(['/a/one.x', '/b/one.y']);
  expect(expandPattern(root, path('/a/*x')).map(textOf)).toEqual(['/a/one.x', '/a/two.x']);
  expect(expandPattern(root, path('/a/.?')).map(textOf)).toEqual(['/a/.x']);
});
