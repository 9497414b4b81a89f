/** Builders and descriptions of trees for tests. */
import { fc } from '@fast-check/vitest';
import { createHash } from 'node:crypto';
import type { ByteString } from '../../tools/core/index.js';
import { byteString, byteStringFromText } from '../../tools/core/index.js';
import { bytesContent, newDirectory, walkTree } from '../../tools/vfs/index.js';
import type { TreeDirectory, TreeInode } from '../../tools/vfs/index.js';

/** Lists a tree, one line an object, so that two trees can be compared and a difference can be read. */
export function describeTree(root: TreeDirectory): string[] {
  const numbers = new Map<TreeInode, number>();
  return [{ path: '/' as ByteString, inode: root as TreeInode }, ...walkTree(root)].map(({ path, inode }) => {
    const number = numbers.get(inode) ?? numbers.size;
    numbers.set(inode, number);
    return [
      path,
      `#${number}`,
      inode.type,
      inode.mode.toString(8),
      `${inode.uid}:${inode.gid}`,
      String(inode.mtimeNs),
      ...[...inode.xattrs].sort().map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`),
      ...(inode.type === 'file' ? [hashOf(inode.content.read(0, inode.content.size))] : []),
      ...(inode.type === 'symlink' ? [`-> ${inode.target}`] : []),
      ...('rdev' in inode ? [`${inode.rdev.major},${inode.rdev.minor}`] : []),
    ].join(' ');
  });
}

function hashOf(bytes: Uint8Array): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}

const nameBytes = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes) => byteString(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0xe9 : byte))));
const plainName = fc
  .constantFrom('a', 'b', 'c.txt', 'é', 'e\u0301', ' ', 'x'.repeat(255), '-rf')
  .map(byteStringFromText);
const name = fc.oneof(nameBytes, plainName).filter((text) => text !== '.' && text !== '..');

const attributes = fc.record({
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff_fffe })),
  gid: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff_fffe })),
  mtimeNs: fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }),
  xattrs: fc
    .uniqueArray(
      fc.tuple(
        fc
          .constantFrom('user.a', 'user.b', 'security.capability', 'trusted.overlay.opaque')
          .map(byteStringFromText),
        fc.uint8Array({ maxLength: 60, minLength: 1 }),
      ),
      { maxLength: 2, selector: ([key]) => key },
    )
    .map((pairs) => new Map(pairs)),
});

const leaf: fc.Arbitrary<TreeInode> = fc.oneof(
  fc.tuple(attributes, fc.uint8Array({ maxLength: 3000 })).map(([base, bytes]): TreeInode => {
    return { ...base, type: 'file', content: bytesContent(bytes) };
  }),
  fc.tuple(attributes, nameBytes).map(([base, target]): TreeInode => ({ ...base, type: 'symlink', target })),
  fc
    .tuple(attributes, fc.constantFrom('char' as const, 'block' as const), fc.nat(4095), fc.nat(1_048_575))
    .map(([base, type, major, minor]): TreeInode => ({ ...base, type, rdev: { major, minor } })),
  attributes.map((base): TreeInode => ({ ...base, type: 'fifo' })),
);

/** Any tree that a tar can hold: every type, names and xattrs of any bytes, hard links. */
export const anyTree: fc.Arbitrary<TreeDirectory> = fc
  .tuple(
    attributes,
    fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), leaf, fc.boolean()), { maxLength: 12 }),
  )
  .map(([base, objects]) => {
    const root = newDirectory(base);
    const placed: TreeInode[] = [];
    for (const [path, inode, linked] of objects) {
      let directory = root;
      for (const part of path.slice(0, -1)) {
        const next = directory.entries.get(part) ?? newDirectory({ mode: 0o751, mtimeNs: 7n });
        if (next.type !== 'directory') break;
        directory.entries.set(part, next);
        directory = next;
      }
      const last = path.at(-1);
      if (last === undefined || directory.entries.has(last)) continue;
      const target = linked ? placed.at(0) : undefined;
      directory.entries.set(last, target ?? inode);
      if (target === undefined) placed.push(inode);
    }
    return root;
  });
