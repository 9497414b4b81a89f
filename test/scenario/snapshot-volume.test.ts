/** A device in snapshot mode: its archives become the RAM overlay at each boot. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { writeArchive } from '../../tools/archive/index.js';
import { byteStringFromText } from '../../tools/core/index.js';
import { bytesContent, newDirectory } from '../../tools/vfs/index.js';
import { smallBoard, sysupgradeImage } from '../support/router-image.js';
import { problemsOf, runSteps } from '../support/scenario-steps.js';

const profile = smallBoard();

/** One record: header, then an archive with one file. */
function record(kind: 'DATA' | 'CONF', sequence: number, name: string, text: string): Uint8Array {
  const tree = newDirectory();
  const content = bytesContent(Buffer.from(text));
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() };
  tree.entries.set(byteStringFromText(name), { type: 'file', ...attributes, content });
  const archive = writeArchive(tree, { format: 'pax', compression: 'gzip' });
  const bytes = Buffer.alloc(32 + archive.length);
  bytes.write(`OWRT${kind}`);
  bytes.writeUInt32BE(sequence, 8);
  bytes.writeUInt32BE(archive.length, 12);
  createHash('md5').update(archive).digest().copy(bytes, 16);
  bytes.set(archive, 32);
  return bytes;
}

test('data and configuration are unpacked into a RAM overlay, at every boot anew', async () => {
  const image = await sysupgradeImage(profile, undefined, 60_000);
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const { eraseSize } = profile.flash;
  const report = runSteps(
    `  - flash: { partition: rootfs_data, erase: true }
  - flash: { partition: rootfs_data, base64: "${base64(record('DATA', 0, 'first', 'one'))}" }
  - flash: { partition: rootfs_data, offset: ${eraseSize}, base64: "${base64(record('DATA', 1, 'second', 'two'))}" }
  - flash: { partition: rootfs_data, offset: ${2 * eraseSize}, base64: "${base64(record('CONF', 0, 'settings', 'three'))}" }
  - boot
  - expect:
      state: ram-overlay
      volume: snapshot
      noFindings: [foreign-data, ram-overlay-forever]
      file: [{ path: /first, text: one }, { path: /second, text: two }, { path: /settings, text: three }]
  - write: { path: /later, text: lost }
  - reboot
  - expect: { file: [{ path: /first, text: one }, { path: /later, absent: true }] }
`,
    { profile, image },
  );
  expect(problemsOf(report)).toEqual([]);
});
