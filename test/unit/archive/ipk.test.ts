import { describe, expect, test } from 'vitest';
import { readIpk, writeArchive, writeIpk } from '../../../tools/archive/index.js';
import { byteStringFromText } from '../../../tools/core/index.js';
import { bytesContent, newDirectory } from '../../../tools/vfs/index.js';
import type { TreeDirectory } from '../../../tools/vfs/index.js';
import { describeTree } from '../../support/trees.js';

function folderOf(files: Readonly<Record<string, string>>): TreeDirectory {
  const root = newDirectory();
  for (const [key, text] of Object.entries(files)) {
    const content = bytesContent(Buffer.from(text));
    root.entries.set(byteStringFromText(key), {
      type: 'file',
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtimeNs: 1_000_000_000n,
      xattrs: new Map(),
      content,
    });
  }
  return root;
}

describe.each(['tar', 'ar'] as const)('an ipk in the %s form', (form) => {
  test('comes back equal, and is the same bytes each time', () => {
    const ipk = {
      control: folderOf({ control: 'Package: a\nVersion: 1\n' }),
      data: folderOf({ tool: 'bytes' }),
    };
    const bytes = writeIpk(ipk, form);
    expect(writeIpk(ipk, form)).toEqual(bytes);
    const back = readIpk(bytes, 'a.ipk');
    expect(describeTree(back.control)).toEqual(describeTree(ipk.control));
    expect(describeTree(back.data)).toEqual(describeTree(ipk.data));
  });
});

test('a package without a part names the part', () => {
  const bytes = writeArchive(folderOf({ 'debian-binary': '2.0\n', 'control.tar.gz': '' }));
  expect(() => readIpk(bytes, 'a.ipk')).toThrow('a.ipk: no data.tar.gz in the package');
});

test('a package of another version is refused', () => {
  const empty = Buffer.from(writeArchive(newDirectory())).toString('latin1');
  const bytes = writeArchive(folderOf({ 'debian-binary': '3.0\n', 'control.tar': empty, 'data.tar': empty }));
  expect(() => readIpk(bytes, 'a.ipk')).toThrow(expect.objectContaining({ code: 'FW_ARCHIVE_IPK' }));
});
