/**
 * Packages of opkg: an ipk holds `debian-binary`, `control.tar.gz` and `data.tar.gz`, in a gzip tar (OpenWrt since the
 * start) or in an ar archive (the form of Debian, which opkg reads too).
 */
import { ArchiveWriter } from '../addon/index.js';
import { FormatError } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { newDirectory, newFile, typeBits } from '../vfs/index.js';
import type { TreeDirectory } from '../vfs/index.js';
import { readArchiveTreeFromBytes } from './read-archive.js';
import { writeArchive } from './write-archive.js';

/** A package in two trees. */
export interface Ipk {
  /** `control`, `conffiles`, `preinst`, `postinst`, `prerm`, `postrm` and what else the package brings. */
  readonly control: TreeDirectory;
  /** The files as installed, from the root. */
  readonly data: TreeDirectory;
}

const ipkVersion = '2.0\n';

/**
 * Reads an ipk of either form.
 *
 * @param name  how messages call it
 * @throws FormatError FW_ARCHIVE_DAMAGED and the like, FW_ARCHIVE_IPK when a part is missing or the version is not 2.0
 */
export function readIpk(bytes: Uint8Array, name: string): Ipk {
  const { root } = readArchiveTreeFromBytes(bytes, name);
  const part = (start: string): Uint8Array | undefined => {
    for (const [key, inode] of root.entries) {
      if (inode.type === 'file' && key.startsWith(start)) return inode.content.read(0, inode.content.size);
    }
    return undefined;
  };
  const version = part('debian-binary');
  const control = part('control.tar');
  const data = part('data.tar');
  if (version === undefined || control === undefined || data === undefined) {
    const absent = [
      version === undefined ? 'debian-binary' : '',
      control === undefined ? 'control.tar.gz' : '',
      data === undefined ? 'data.tar.gz' : '',
    ];
    throw new FormatError(
      'FW_ARCHIVE_IPK',
      `${name}: no ${absent.filter((entry) => entry !== '').join(', no ')} in the package`,
    );
  }
  const text = Buffer.from(version).toString('latin1');
  if (!text.startsWith('2.')) {
    throw new FormatError(
      'FW_ARCHIVE_IPK',
      `${name}: package format 2.0 expected, found ${JSON.stringify(text)}`,
    );
  }
  return {
    control: readArchiveTreeFromBytes(control, `${name}: control.tar`).root,
    data: readArchiveTreeFromBytes(data, `${name}: data.tar`).root,
  };
}

/**
 * Writes an ipk; equal trees give equal bytes.
 *
 * @param form     `tar` as OpenWrt's ipkg-build, `ar` as Debian's
 * @param mtimeNs  time of the three parts
 */
export function writeIpk(ipk: Ipk, form: 'tar' | 'ar' = 'tar', mtimeNs = 0n): Uint8Array {
  const parts: readonly (readonly [string, Uint8Array])[] = [
    ['debian-binary', Buffer.from(ipkVersion)],
    ['data.tar.gz', writeArchive(ipk.data, { format: 'gnutar', compression: 'gzip', level: 9 })],
    ['control.tar.gz', writeArchive(ipk.control, { format: 'gnutar', compression: 'gzip', level: 9 })],
  ];
  if (form === 'tar') {
    const root = newDirectory({ mtimeNs });
    for (const [name, bytes] of parts) root.entries.set(name as ByteString, newFile(bytes, { mtimeNs }));
    return writeArchive(root, { format: 'gnutar', compression: 'gzip', level: 9 });
  }
  const writer = new ArchiveWriter('arbsd');
  for (const [name, bytes] of parts) {
    writer.entry({
      path: name as ByteString,
      type: typeBits.file,
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: bytes.length,
      mtimeSeconds: Number(mtimeNs / 1_000_000_000n),
      mtimeNanoseconds: 0,
      rdevMajor: 0,
      rdevMinor: 0,
      xattrs: [],
    });
    writer.data(bytes);
  }
  writer.finish();
  return writer.take();
}
