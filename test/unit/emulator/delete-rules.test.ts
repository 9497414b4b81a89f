import { expect, test } from 'vitest';
import { byteStringFromText, textOf } from '../../../tools/core/index.js';
import { deleteByResetRules, deleteEverything } from '../../../tools/emulator/overlay/delete-rules.js';
import { makeDirectories, MemoryFileSystem, statPath, writeFile } from '../../../tools/vfs/index.js';

const path = byteStringFromText;

function overlay(...files: readonly string[]): MemoryFileSystem {
  const fs = new MemoryFileSystem();
  for (const file of files) {
    makeDirectories(fs, path(file.slice(0, file.lastIndexOf('/'))));
    writeFile(fs, path(file), Buffer.from(file));
  }
  return fs;
}

test('files go, hidden ones included, and empty folders with them', () => {
  const fs = overlay('/upper/etc/passwd', '/upper/etc/.hidden', '/.fs_state');
  expect(deleteByResetRules(fs, fs.root, false).survivors).toEqual([]);
  expect(fs.readdir(fs.root)).toEqual([]);
});

test('a hidden folder survives with its content and every folder above it', () => {
  const fs = overlay('/upper/srv/.ssh/authorized_keys', '/upper/srv/notes');
  const { survivors } = deleteByResetRules(fs, fs.root, false);
  expect(survivors.map(textOf)).toEqual(['/upper', '/upper/srv', '/upper/srv/.ssh']);
  expect(statPath(fs, path('/upper/srv/.ssh/authorized_keys'))).toBeDefined();
  expect(statPath(fs, path('/upper/srv/notes'))).toBeUndefined();
});

test('sysupgrade.tgz is kept at any depth when asked for', () => {
  const fs = overlay('/sysupgrade.tgz', '/upper/sysupgrade.tgz', '/upper/x');
  const { survivors } = deleteByResetRules(fs, fs.root, true);
  expect(survivors.map(textOf)).toEqual(['/sysupgrade.tgz', '/upper', '/upper/sysupgrade.tgz']);
});

test('a symlink to a folder is unlinked, not followed', () => {
  const fs = overlay('/keep/file');
  fs.symlink(fs.root, path('link'), path('/keep'), { mode: 0o777, uid: 0, gid: 0 });
  const upper = makeDirectories(fs, path('/upper'));
  fs.symlink(upper, path('link'), path('/keep'), { mode: 0o777, uid: 0, gid: 0 });
  deleteByResetRules(fs, upper, false);
  expect(statPath(fs, path('/keep/file'))).toBeDefined();
  expect(fs.readdir(upper)).toEqual([]);
});

test('the thorough reset leaves nothing', () => {
  const fs = overlay('/upper/srv/.ssh/authorized_keys', '/sysupgrade.tgz');
  deleteEverything(fs, fs.root);
  expect(fs.readdir(fs.root)).toEqual([]);
});
