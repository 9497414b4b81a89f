/** Trees for the squashfs tests, and a form of trees that can be compared. */
import { createHash } from 'node:crypto';
import { byteString, byteStringFromText, textOf } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import type { SquashfsOptions } from '../../tools/squashfs/index.js';
import { bytesContent, newDirectory, walkTree } from '../../tools/vfs/index.js';
import type { TreeDirectory, TreeFile, TreeInode } from '../../tools/vfs/index.js';

/** Time of most objects below, in seconds. */
export const someTime = 1_700_000_000;

/** Options that make small images fast. */
export const fastOptions: SquashfsOptions = {
  compressor: { kind: 'gzip', level: 1 },
  blockSize: 4096,
  imageTime: someTime,
  workers: 2,
};

/** Attributes of a new object; root:root 0644 at `someTime`. */
export function attributes(
  change: Partial<Omit<TreeFile, 'type' | 'content'>> = {},
): Omit<TreeFile, 'type' | 'content'> {
  return {
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeNs: BigInt(someTime) * 1_000_000_000n,
    xattrs: new Map(),
    ...change,
  };
}

/** Makes a file of bytes or text. */
export function file(
  content: Uint8Array | string,
  change: Partial<Omit<TreeFile, 'type' | 'content'>> = {},
): TreeFile {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { type: 'file', ...attributes(change), content: bytesContent(bytes) };
}

/** Makes a directory of named objects. */
export function directory(
  entries: Readonly<Record<string, TreeInode>>,
  change: Partial<Omit<TreeFile, 'type' | 'content'>> = {},
): TreeDirectory {
  const made = newDirectory({ ...attributes({ mode: 0o755 }), ...change });
  for (const [name, inode] of Object.entries(entries)) made.entries.set(byteStringFromText(name), inode);
  return made;
}

/** Bytes that do not compress, the same for the same seed. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Text that compresses, the same for the same seed. */
export function prose(length: number, seed = 1): Uint8Array {
  const words = ['flash', 'erase', 'block', 'router', 'kernel', 'overlay', 'config', '\n', 'option', '='];
  const choice = noise(length, seed);
  let text = '';
  for (let i = 0; text.length < length; i += 1) text += `${words[(choice[i] ?? 0) % words.length]} `;
  return Buffer.from(text.slice(0, length));
}

/** One object of every kind, odd names, hard links of every type, xattrs, holes, boundary sizes for 4 KiB blocks. */
export function everyKind(): TreeDirectory {
  const capability = Uint8Array.of(0, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  const xattrs = new Map<ByteString, Uint8Array>([
    [byteStringFromText('security.capability'), capability],
    [byteStringFromText('user.binary'), Uint8Array.of(0, 255, 0, 1)],
  ]);
  // Linux keeps user. xattrs of files and directories only.
  const special = new Map([[byteStringFromText('trusted.note'), Uint8Array.of(0, 255, 0, 1)]]);
  const linked = file('linked');
  const linkedSymlink: TreeInode = {
    type: 'symlink',
    ...attributes({ mode: 0o777 }),
    target: byteStringFromText('t'),
  };
  const linkedFifo: TreeInode = { type: 'fifo', ...attributes() };
  const linkedSocket: TreeInode = { type: 'socket', ...attributes() };
  const linkedDevice: TreeInode = { type: 'char', ...attributes(), rdev: { major: 5, minor: 1 } };
  const holes = new Uint8Array(5 * 4096 + 100);
  holes.set(noise(4096, 5), 2 * 4096);
  const odd = newDirectory(attributes({ mode: 0o755 }));
  for (const name of [
    [0xff, 0xfe],
    [0x20],
    [0x0a],
    [0x5c, 0x78],
    [0xc3, 0xa4],
    Array<number>(255).fill(0x61),
  ]) {
    odd.entries.set(byteString(Uint8Array.from(name)), file(`named ${name.length}`));
  }
  return directory(
    {
      sizes: directory(
        Object.fromEntries(
          [0, 1, 4095, 4096, 4097, 8192, 12_300].map((size) => [`of-${size}`, file(prose(size, size))]),
        ),
      ),
      incompressible: file(noise(10_000)),
      holes: file(holes),
      'all-zero': file(new Uint8Array(3 * 4096)),
      odd,
      empty: directory({}),
      a: directory({ linked, linkedSymlink, linkedFifo, linkedSocket, linkedDevice }),
      b: directory({ again: linked, linkedSymlink, linkedFifo, linkedSocket, linkedDevice }),
      symlink: { type: 'symlink', ...attributes({ mode: 0o777 }), target: byteStringFromText('../x/ü') },
      'long-symlink': {
        type: 'symlink',
        ...attributes({ mode: 0o777 }),
        target: byteStringFromText('y'.repeat(4095)),
      },
      console: { type: 'char', ...attributes({ mode: 0o600 }), rdev: { major: 5, minor: 1 } },
      disk: { type: 'block', ...attributes({ mode: 0o660, gid: 6 }), rdev: { major: 259, minor: 70_000 } },
      wide: { type: 'block', ...attributes(), rdev: { major: 4095, minor: 0xfffff } },
      fifo: { type: 'fifo', ...attributes() },
      socket: { type: 'socket', ...attributes() },
      owned: file('x', { uid: 4_294_967_294, gid: 1000, mode: 0o6755 }),
      sticky: directory({}, { mode: 0o1777, xattrs }),
      capable: file('binary', { xattrs }),
      'xattr-symlink': {
        type: 'symlink',
        ...attributes({ mode: 0o777, xattrs: special }),
        target: byteStringFromText('z'),
      },
      'xattr-device': { type: 'char', ...attributes({ xattrs: special }), rdev: { major: 1, minor: 3 } },
      'xattr-fifo': { type: 'fifo', ...attributes({ xattrs: special }) },
      old: file('1970', { mtimeNs: 0n }),
      late: file('2040', { mtimeNs: 2_208_988_800n * 1_000_000_000n }),
    },
    { mtimeNs: 1_600_000_000n * 1_000_000_000n },
  );
}

/** Every object of a tree as one line, with hard links by the first path; equal lists mean equal trees. */
export function describeTree(root: TreeDirectory): string[] {
  const first = new Map<TreeInode, string>();
  const lines: string[] = [];
  const line = (path: string, inode: TreeInode): void => {
    const earlier = first.get(inode);
    first.set(inode, earlier ?? path);
    const seconds = inode.mtimeNs / 1_000_000_000n;
    const xattrs = [...inode.xattrs]
      .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
      .sort();
    const own = `${inode.type} ${inode.mode.toString(8)} ${inode.uid}:${inode.gid} ${seconds} [${xattrs.join(' ')}]`;
    lines.push(`${path} ${own} ${describeContent(inode)}${earlier === undefined ? '' : ` = ${earlier}`}`);
  };
  line('/', root);
  for (const { path, inode } of walkTree(root)) line(textOf(path), inode);
  return lines;
}

function describeContent(inode: TreeInode): string {
  switch (inode.type) {
    case 'file': {
      const hash = createHash('sha256');
      for (let offset = 0; offset < inode.content.size; offset += 1 << 20) {
        hash.update(inode.content.read(offset, 1 << 20));
      }
      return `${inode.content.size} ${hash.digest('hex').slice(0, 16)}`;
    }
    case 'symlink':
      return `-> ${textOf(inode.target)}`;
    case 'char':
    case 'block':
      return `${inode.rdev.major}:${inode.rdev.minor}`;
    default:
      return '';
  }
}
