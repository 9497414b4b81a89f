import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readArchiveTreeFromBytes } from '../../tools/archive/index.js';
import { repackResultDocument, unpackResultDocument } from '../../tools/cli/documents/inspect.js';
import { byteStringFromText } from '../../tools/core/index.js';
import { padJffs2 } from '../../tools/firmware/index.js';
import { inspectFile, walkParts } from '../../tools/inspect/index.js';
import { writeJffs2 } from '../../tools/jffs2/index.js';
import { packSquashfs, squashfsTree } from '../../tools/squashfs/index.js';
import { bytesContent, newDirectory, walkTree } from '../../tools/vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../tools/vfs/index.js';
import { firmwright, jsonOf } from '../support/cli.js';
import { noise, uImageKernel } from '../support/image-inputs.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

const base = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 1_600_000_000_000_000_000n, xattrs: new Map() };
function add(root: TreeDirectory, name: string, inode: TreeInode): void {
  root.entries.set(byteStringFromText(name), inode);
}

function sampleTree(): TreeDirectory {
  const root = newDirectory({ mtimeNs: base.mtimeNs });
  const content = bytesContent(Buffer.from('welcome\n'));
  add(root, 'banner', { ...base, type: 'file', content });
  add(root, 'su', {
    ...base,
    type: 'file',
    mode: 0o4755,
    uid: 7,
    gid: 8,
    content: bytesContent(noise(9000, 4)),
  });
  add(root, 'console', { ...base, type: 'char', mode: 0o600, rdev: { major: 5, minor: 1 } });
  add(root, 'link', {
    ...base,
    type: 'symlink',
    mode: 0o777,
    target: byteStringFromText('/../../../etc/passwd'),
  });
  return root;
}

const kernel = uImageKernel(5064);
const image = join(folder, 'image.bin');
let original: Uint8Array;
let squashfs: Uint8Array;
beforeAll(async () => {
  const packed = await packSquashfs(sampleTree(), {
    compressor: { kind: 'xz', level: 6 },
    blockSize: 65_536,
    imageTime: 1_600_000_000,
  });
  squashfs = packed.bytes;
  original = padJffs2(Buffer.concat([kernel, squashfs]), [0x10000]);
  writeFileSync(image, original);
});

/** Unpacks the image into a new folder; gives it and the folder of the root. */
async function unpacked(name: string, ...options: string[]): Promise<{ set: string; root: string }> {
  const set = join(folder, name);
  const result = unpackResultDocument.parse(
    jsonOf(await firmwright(['unpack', image, '-C', set, '--no-owners', '--json', ...options])),
  );
  return { set, root: join(set, result.trees[0]?.file ?? '') };
}

async function built(
  set: string,
  ...options: string[]
): Promise<{ bytes: Buffer; edited: string[]; stderr: string }> {
  const out = `${set}.out`;
  const result = await firmwright(['build', set, '-o', out, '--json', ...options]);
  const { edited } = repackResultDocument.parse(jsonOf(result));
  return { bytes: readFileSync(join(out, 'image.bin')), edited, stderr: result.stderr };
}

/** The one squashfs of an image, as a tree. */
function rootOf(bytes: Uint8Array): TreeDirectory {
  const part = [...walkParts(inspectFile(bytes).parts)].find(
    ({ part: { kind } }) => kind === 'squashfs',
  )?.part;
  if (!part) throw new Error('no squashfs');
  return squashfsTree(bytes.slice(part.offset, part.offset + part.size));
}

const summary = (root: TreeDirectory): string[] =>
  [...walkTree(root)].map(({ path, inode }) => {
    const { type, mode, uid, gid } = inode;
    return `${path} ${type} ${mode.toString(8)} ${uid}:${gid}`;
  });

const failedChecks = (bytes: Uint8Array): unknown[] =>
  [...walkParts(inspectFile(bytes).parts)].flatMap(({ part }) => part.checks.filter(({ ok }) => !ok));

describe('a folder of the root file system', () => {
  test('holds what a plain user can hold, and the record beside it the rest', async () => {
    const { set, root } = await unpacked('plain');
    expect(readdirSync(root).sort()).toEqual(['banner', 'link', 'su']);
    expect(statSync(join(root, 'su')).mode & 0o7777).toBe(0o755);
    expect(readFileSync(`${root}.attributes.json`, 'utf8')).toContain('"device":"5:1"');
    expect(readdirSync(set)).toContain('firmwright-unpack.json');
  });

  test('comes back byte for byte when nothing was edited', async () => {
    const { set } = await unpacked('same');
    const { bytes, edited } = await built(set);
    expect([bytes.equals(original), edited]).toEqual([true, []]);
    const { bytes: byBoard } = await built(set, '--board', 'ubnt_unifi-ap');
    expect(byBoard.equals(original)).toBe(true);
  });

  test('edits go in; owners, modes, nodes and links stay as they were', async () => {
    const { set, root } = await unpacked('edited');
    writeFileSync(join(root, 'banner'), 'changed\n');
    writeFileSync(join(root, 'run'), '#!/bin/sh\n', { mode: 0o700 });
    chmodSync(join(root, 'su'), 0o700);
    const { bytes, stderr } = await built(set);
    expect(failedChecks(bytes)).toEqual([]);
    expect(bytes.length).toBe(original.length);
    expect(summary(rootOf(bytes))).toEqual([
      '/banner file 644 0:0',
      '/console char 600 0:0',
      '/link symlink 777 0:0',
      '/run file 755 0:0',
      '/su file 4700 7:8',
    ]);
    for (const line of ['added /run', 'changed /banner, /su']) expect(stderr).toContain(line);
  });

  test('an edit of the record counts too', async () => {
    const { set, root } = await unpacked('record');
    const record = `${root}.attributes.json`;
    writeFileSync(record, readFileSync(record, 'utf8').replace('"uid":7', '"uid":70'));
    const { bytes } = await built(set);
    expect(summary(rootOf(bytes))).toContain('/su file 4755 70:8');
  });

  test('a damaged record is refused by name', async () => {
    const { set, root } = await unpacked('damaged');
    writeFileSync(`${root}.attributes.json`, '{"schemaVersion": 1}');
    const { exitCode, stderr } = await firmwright(['build', set, '-o', join(folder, 'damaged.out')]);
    expect([exitCode, stderr.includes('FW_ROOTFS_RECORD')]).toEqual([4, true]);
  });

  test('piece and folder cannot both be edited', async () => {
    const { set, root } = await unpacked('both');
    writeFileSync(join(root, 'banner'), 'x');
    writeFileSync(`${root}.bin`, noise(100, 3));
    const { exitCode, stderr } = await firmwright(['build', set, '-o', join(folder, 'both.out')]);
    expect([exitCode, stderr.includes('which one is meant')]).toEqual([2, true]);
    rmSync(root, { recursive: true });
    expect((await built(set)).edited).toHaveLength(1);
  });

  test('an archive in its place is taken the same way', async () => {
    const { set, root } = await unpacked('archive', '--trees', 'tar');
    expect(root.endsWith('.tar')).toBe(true);
    expect((await built(set)).bytes.equals(original)).toBe(true);
  });
});

describe('a root that needs another erase block', () => {
  test('is refused with the figures, and grows when the board has room', async () => {
    const { set, root } = await unpacked('large');
    writeFileSync(join(root, 'noise'), noise(70_000, 5));
    const refused = await firmwright(['build', set, '-o', join(folder, 'large.out')]);
    expect(refused.exitCode).toBe(10);
    expect(refused.stderr).toMatch(/\d over/);
    expect(refused.stderr).toContain('--board');
    expect(existsSync(join(folder, 'large.out'))).toBe(false);
    const { bytes } = await built(set, '--board', 'ubnt_unifi-ap');
    expect(bytes.length).toBe(original.length + 0x10000);
    expect(failedChecks(bytes)).toEqual([]);
    expect(summary(rootOf(bytes))).toContain('/noise file 644 0:0');
  });

  test('is refused beyond the partition of the board', async () => {
    const { set, root } = await unpacked('huge');
    writeFileSync(join(root, 'noise'), noise(4_200_000, 5));
    const { exitCode, stderr } = await firmwright([
      ...['build', set, '-o', join(folder, 'huge.out'), '--board', 'tplink_tl-wr841-v11'],
    ]);
    expect(exitCode).toBe(10);
    expect(stderr).toContain('the firmware partition of tplink_tl-wr841-v11');
  });
});

test('--tar writes the root alone, with owners and devices', async () => {
  const archive = join(folder, 'root.tar');
  const { exitCode } = await firmwright(['unpack', image, '--tar', archive]);
  expect(exitCode).toBe(0);
  const { root } = readArchiveTreeFromBytes(new Uint8Array(readFileSync(archive)), 'root.tar');
  expect(summary(root)).toEqual(summary(sampleTree()));
  const at = `0x${kernel.length.toString(16)}`;
  expect((await firmwright(['unpack', image, '--tar', archive, '--at', at])).exitCode).toBe(0);
  expect((await firmwright(['unpack', image, '--tar', archive, '--at', '0x10'])).exitCode).toBe(2);
});

test('an unpacked folder is a root for other builds, with its record', async () => {
  const { root } = await unpacked('source');
  const packed = join(folder, 'source.squashfs');
  const { exitCode } = await firmwright(['mkfs', 'squashfs', root, packed]);
  expect(exitCode).toBe(0);
  expect(summary(squashfsTree(new Uint8Array(readFileSync(packed))))).toEqual(summary(sampleTree()));
});

test('a JFFS2 is unpacked and packed again in its own byte order and erase size', async () => {
  const options = { endian: 'big', eraseSize: 0x10000, compression: 'cfe' } as const;
  const area = new Uint8Array(0x80000).fill(0xff);
  area.set(writeJffs2(sampleTree(), options));
  const file = join(folder, 'data.jffs2');
  writeFileSync(file, area);
  const set = join(folder, 'jffs2');
  await firmwright(['unpack', file, '-C', set, '--no-owners']);
  const [root = ''] = readdirSync(set).filter((name) => name.endsWith('-jffs2'));
  writeFileSync(join(set, root, 'banner'), 'changed\n');
  const out = join(folder, 'jffs2.out');
  expect((await firmwright(['build', set, '-o', out])).exitCode).toBe(0);
  const bytes = new Uint8Array(readFileSync(join(out, 'data.jffs2')));
  expect(bytes.length).toBe(area.length);
  const [part] = inspectFile(bytes).parts;
  expect(part?.details).toMatchObject({ endian: 'big', eraseSize: 0x10000, names: 4, mountable: true });
});
