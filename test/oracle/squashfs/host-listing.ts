/** A folder of the host, such as a mounted image, described as `describeTree` describes a tree. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { byteString, textOf } from '../../../tools/core/index.js';

const kinds = [
  ['isDirectory', 'directory'],
  ['isFile', 'file'],
  ['isSymbolicLink', 'symlink'],
  ['isCharacterDevice', 'char'],
  ['isBlockDevice', 'block'],
  ['isFIFO', 'fifo'],
  ['isSocket', 'socket'],
] as const;

/** Lists a folder and all below it; names in the order of their bytes, hard links by their first path. */
export function describeFolder(folder: string): string[] {
  const first = new Map<bigint, string>();
  const xattrs = xattrsBelow(folder);
  const lines: string[] = [];
  const visit = (host: Buffer, path: string): void => {
    const status = lstatSync(host, { bigint: true });
    const type = kinds.find(([is]) => status[is]())?.[1] ?? 'unknown';
    const earlier = first.get(status.ino);
    first.set(status.ino, earlier ?? path);
    const major = Number((status.rdev >> 8n) & 0xfffn);
    const minor = Number((status.rdev & 0xffn) | ((status.rdev >> 12n) & 0xfff00n));
    let content = '';
    if (type === 'file') {
      const hash = createHash('sha256').update(readFileSync(host)).digest('hex');
      content = `${status.size} ${hash.slice(0, 16)}`;
    } else if (type === 'symlink') {
      content = `-> ${textOf(byteString(readlinkSync(host, 'buffer')))}`;
    } else if (type === 'char' || type === 'block') {
      content = `${major}:${minor}`;
    }
    const seconds = status.mtimeNs / 1_000_000_000n;
    const mode = (status.mode & 0o7777n).toString(8);
    const own = `${type} ${mode} ${status.uid}:${status.gid} ${seconds} [${xattrs.get(host.toString('latin1')) ?? ''}]`;
    lines.push(`${path} ${own} ${content}${earlier === undefined ? '' : ` = ${earlier}`}`);
    if (type !== 'directory') return;
    for (const name of readdirSync(host, 'buffer').sort((a, b) => Buffer.compare(a, b))) {
      const child = `${path === '/' ? '' : path}/${textOf(byteString(name))}`;
      visit(Buffer.concat([host, Buffer.from('/'), name]), child);
    }
  };
  visit(Buffer.from(folder), '/');
  return lines;
}

/** Xattrs of all objects that have some, by the bytes of their path. */
function xattrsBelow(folder: string): Map<string, string> {
  // It fails where a file system has no xattrs at all, and then says nothing.
  const { stdout: dump } = spawnSync(
    'getfattr',
    ['-R', '-h', '-P', '-d', '-m', '-', '-e', 'hex', '--absolute-names', folder],
    { encoding: 'latin1', maxBuffer: 1 << 28 },
  );
  const found = new Map<string, string>();
  for (const block of dump.split('\n\n')) {
    const [head, ...lines] = block.trim().split('\n');
    if (!head?.startsWith('# file: ')) continue;
    const path = head
      .slice('# file: '.length)
      .replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const values = lines.map((line) => line.replace('=0x', '=')).sort();
    found.set(path, values.join(' '));
  }
  return found;
}
