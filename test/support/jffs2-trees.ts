/** Trees for the JFFS2 tests: one of every kind of object, and listings to compare two trees by. */
import { createHash } from 'node:crypto';
import { byteStringFromText, bytesOf, seededRandom } from '../../tools/core/index.js';
import type { ByteString } from '../../tools/core/index.js';
import { bytesContent, newDirectory, walkTree } from '../../tools/vfs/index.js';
import type { TreeDirectory, TreeFile, TreeInode } from '../../tools/vfs/index.js';
import { typeLetters } from './type-letters.js';

const name = (text: string): ByteString => byteStringFromText(text);
const time = 1_700_000_000n * 1_000_000_000n;

/** Content that compresses about as well as text does. */
export function textLike(size: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const words = Array.from({ length: 200 }, () => random.next().toString(36));
  let text = '';
  while (text.length < size) text += `${words[random.below(200)] ?? ''} `;
  return bytesOf(text.slice(0, size) as ByteString);
}

/** Content that does not compress. */
export function noise(size: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length: size }, () => random.below(256));
}

/** Makes a file object. */
export function file(bytes: Uint8Array, extra: Partial<TreeFile> = {}): TreeFile {
  return {
    ...{ type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeNs: time, xattrs: new Map() },
    ...extra,
    content: bytesContent(bytes),
  };
}

/** Makes a directory from names and objects. */
export function directory(
  entries: Record<string, TreeInode>,
  extra: Partial<TreeDirectory> = {},
): TreeDirectory {
  const made = newDirectory({ mtimeNs: time, ...extra });
  for (const [text, inode] of Object.entries(entries)) made.entries.set(name(text), inode);
  return made;
}

const plain = (): {
  mode: number;
  uid: number;
  gid: number;
  mtimeNs: bigint;
  xattrs: Map<ByteString, Uint8Array>;
} => ({
  ...{ mode: 0o644, uid: 0, gid: 0, mtimeNs: time, xattrs: new Map<ByteString, Uint8Array>() },
});

/** A tree with every file type, hard links, attributes, ACL, sparse and odd-sized files; about 700 KiB. */
export function sampleTree(): TreeDirectory {
  const linked = file(textLike(9000, 1), { mode: 0o4755, uid: 1000, gid: 65535 });
  const acl = Buffer.from(
    '0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff',
    'hex',
  );
  const sparse = new Uint8Array(70_000);
  sparse.set(textLike(3000, 2), 30_000);
  const many: Record<string, TreeInode> = {};
  for (let i = 0; i < 60; i++) many[`file-${i}`] = file(i % 3 ? textLike(i * 117, i) : noise(i * 91, i));
  return directory(
    {
      bin: directory({
        busybox: file(textLike(300_000, 3), { mode: 0o755 }),
        sh: { ...plain(), type: 'symlink', mode: 0o777, target: name('busybox') },
        linked,
      }),
      dev: directory({
        console: { ...plain(), type: 'char', mode: 0o600, rdev: { major: 5, minor: 1 } },
        large: { ...plain(), type: 'block', mode: 0o660, rdev: { major: 300, minor: 70_000 } },
        whiteout: { ...plain(), type: 'char', mode: 0, rdev: { major: 0, minor: 0 } },
        pipe: { ...plain(), type: 'fifo' },
        sock: { ...plain(), type: 'socket' },
      }),
      empty: directory({}, { mode: 0o1777, mtimeNs: 1_600_000_000n * 1_000_000_000n }),
      etc: directory(
        {
          'with-xattr': file(textLike(100, 4), {
            xattrs: new Map([
              [name('user.one'), Uint8Array.of(1, 0, 255)],
              [name('security.capability'), Uint8Array.of(1, 0, 0, 2, 0, 0x20, ...new Uint8Array(14))],
            ]),
          }),
          'same-xattr': file(new Uint8Array(), {
            xattrs: new Map([[name('user.one'), Uint8Array.of(1, 0, 255)]]),
          }),
          'with-acl': file(textLike(50, 5), {
            xattrs: new Map([[name('system.posix_acl_access'), new Uint8Array(acl)]]),
          }),
          'hard-link': linked,
          'größe \u00fe': file(textLike(4096, 6)),
        },
        {
          mode: 0o750,
          uid: 7,
          gid: 8,
          xattrs: new Map([[name('trusted.overlay.opaque'), bytesOf(name('y'))]]),
        },
      ),
      data: directory({
        'one-page': file(noise(4096, 7)),
        'page-and-one': file(noise(4097, 8)),
        noise: file(noise(100_000, 9)),
        sparse: file(sparse),
        zeros: file(new Uint8Array(20_000)),
        'ends-in-zeros': file(Uint8Array.from([...textLike(5000, 10), ...new Uint8Array(8000)])),
        ['n'.repeat(254)]: file(textLike(10, 11)),
      }),
      many: directory(many),
    },
    { mode: 0o711, uid: 3, gid: 4, mtimeNs: 1_650_000_000n * 1_000_000_000n },
  );
}

/** One line an object, in order of paths; two trees with equal listings are equal. */
export function listing(tree: TreeDirectory): string[] {
  const numbers = new Map<TreeInode, number>();
  const lines = [line('/' as ByteString, tree, numbers)];
  for (const { path, inode } of walkTree(tree)) lines.push(line(path, inode, numbers));
  return lines;
}

function line(path: ByteString, inode: TreeInode, numbers: Map<TreeInode, number>): string {
  const number = numbers.get(inode) ?? numbers.size;
  numbers.set(inode, number);
  const xattrs = [...inode.xattrs]
    .map(([key, value]) => `${key}=${Buffer.from(value).toString('hex')}`)
    .sort();
  return [
    ...[path, `#${number}`, inode.type, inode.mode.toString(8), inode.uid, inode.gid],
    ...[inode.mtimeNs, detail(inode), ...xattrs],
  ].join(' ');
}

function detail(inode: TreeInode): string {
  switch (inode.type) {
    case 'file':
      return `${inode.content.size} ${digest(inode.content.read(0, inode.content.size))}`;
    case 'symlink':
      return inode.target;
    case 'char':
    case 'block':
      return `${inode.rdev.major}:${inode.rdev.minor}`;
    default:
      return '-';
  }
}

/** SHA-256 in hexadecimal. */
export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A listing in the form of the `manifest` program that the real kernels run: one line an object. */
export function manifest(tree: TreeDirectory): string[] {
  const visits = [{ path: '/' as ByteString, inode: tree as TreeInode }, ...walkTree(tree)];
  const links = new Map<TreeInode, number>();
  for (const { inode } of visits) links.set(inode, (links.get(inode) ?? 0) + 1);
  return visits.map(({ path, inode }) => {
    const size =
      inode.type === 'file' ? inode.content.size : inode.type === 'symlink' ? inode.target.length : '-';
    const content = inode.type === 'file' ? digest(inode.content.read(0, inode.content.size)) : '-';
    const target = inode.type === 'symlink' ? printable(inode.target) : '-';
    const rdev =
      inode.type === 'char' || inode.type === 'block' ? `${inode.rdev.major}:${inode.rdev.minor}` : '-';
    const nlink = inode.type === 'directory' ? '-' : (links.get(inode) ?? 0);
    const xattrs = [...inode.xattrs]
      .map(([key, value]) => `${printable(key)}=${Buffer.from(value).toString('hex')}`)
      .sort();
    const mode = inode.mode.toString(8).padStart(4, '0');
    return [
      ...[printable(path), typeLetters[inode.type], mode, inode.uid, inode.gid, size],
      ...[inode.mtimeNs / 1_000_000_000n, content, target, rdev, nlink, ...xattrs],
    ].join(' ');
  });
}

function printable(text: ByteString): string {
  return text.replace(/[^!-[\]-~]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
