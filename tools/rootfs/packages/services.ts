import { byteString } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { newDirectory, noXattrs } from '../../vfs/index.js';
import type { TreeDirectory } from '../../vfs/index.js';
import { findInode } from '../tree-path.js';
import type { LoadedPackage } from './feed.js';

/**
 * Enables the services that packages bring: for each script below /etc/init.d the links in /etc/rc.d that
 * `rc.common enable` makes, S and START, K and STOP.
 *
 * @see openwrt package/base-files/files/etc/rc.common, function enable
 */
export function enableServices(
  root: TreeDirectory,
  packages: readonly LoadedPackage[],
  mtimeNs: bigint,
): void {
  const etc = findInode(root, '/etc' as ByteString);
  if (etc?.type !== 'directory') return;
  const links: [string, ByteString][] = [];
  const scripts = packages.flatMap((entry) =>
    entry.files.filter((path) => /^\/etc\/init\.d\/[^/]+$/.test(path)),
  );
  for (const path of scripts) {
    const inode = findInode(root, path);
    if (inode?.type !== 'file') continue;
    const name = path.slice('/etc/init.d/'.length);
    const text = byteString(inode.content.read(0, Math.min(inode.content.size, 65536)));
    // Only scripts of rc.common know `enable`.
    if (!/^#!\S*\/sh[ \t]+\/etc\/rc\.common/.test(text)) continue;
    for (const [letter, word] of [
      ['S', 'START'],
      ['K', 'STOP'],
    ] as const) {
      const number = new RegExp(`^${word}=["']?(\\d+)`, 'm').exec(text)?.[1];
      if (number === undefined) continue;
      const bare = name.replace(new RegExp(`^${letter}\\d\\d`), '');
      links.push([`${letter}${number}${bare}`, `../init.d/${name}` as ByteString]);
    }
  }
  if (links.length === 0) return;
  let folder = etc.entries.get('rc.d' as ByteString);
  if (folder?.type !== 'directory') {
    folder = newDirectory({ mtimeNs });
    etc.entries.set('rc.d' as ByteString, folder);
  }
  for (const [name, target] of links) {
    const attributes = { mode: 0o777, uid: 0, gid: 0, mtimeNs, xattrs: noXattrs };
    folder.entries.set(name as ByteString, { type: 'symlink', ...attributes, target });
  }
}
