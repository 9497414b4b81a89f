/** What an image is made of, before it is written in a format: components, who owns which file, what depends on what. */
import { createHash } from 'node:crypto';
import { textOf } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import { followPath, installedPackages, opkgFolder } from '../rootfs/index.js';
import type { InstalledPackage } from '../rootfs/index.js';
import { walkTree } from '../vfs/index.js';
import type { TreeDirectory, TreeInode } from '../vfs/index.js';

/** The image that a bill is for. */
export interface BillSubject {
  /** File name of the image. */
  readonly name: string;
  readonly version: string;
  /** Of the image file, lower-case hex. */
  readonly sha256: string;
  /** Seconds since 1970. */
  readonly builtAt: number;
  readonly board: string;
  readonly root: TreeDirectory;
  /** Name and version of the program that writes the bill. */
  readonly tool: { readonly name: string; readonly version: string };
}

/** One file of the root; directories are not listed. */
export interface BillFile {
  /** Absolute path, as text. */
  readonly path: string;
  readonly kind: TreeInode['type'];
  /** Of the content; of a symlink's target; of nothing for a device, FIFO or socket. */
  readonly sha1: string;
  readonly sha256: string;
  /** Target of a symlink. */
  readonly target?: string;
}

/** One installed package with its files. */
export interface BillComponent {
  readonly package: InstalledPackage;
  readonly purl: string;
  /** What kind of software it is, as far as its name tells. */
  readonly kind: 'application' | 'library' | 'driver' | 'kernel';
  readonly files: readonly BillFile[];
  /** Names of installed packages that it depends on, sorted. */
  readonly dependsOn: readonly string[];
}

/** The bill of one image. */
export interface Bill {
  readonly subject: Omit<BillSubject, 'root'>;
  /** A UUID made from the image's hash: the same image has the same bill. */
  readonly uuid: string;
  /** By name. */
  readonly components: readonly BillComponent[];
  /** Files that no package lists, by path. */
  readonly unowned: readonly BillFile[];
}

/** Where opkg keeps a list, a control file and scripts a package. */
const infoFolder = `${opkgFolder}/info`;

/** Reads the bill of an image; every file of the root is in it exactly once. */
export function billOf({ root, ...subject }: BillSubject): Bill {
  const packages = installedPackages(root);
  const owners = new Map<ByteString, string>(
    packages.flatMap(({ name, files }) => files.map((path) => [path, name] as const)),
  );
  const listed = new Map<string, BillFile[]>(packages.map(({ name }) => [name, []]));
  const unowned: BillFile[] = [];
  for (const { path, inode } of walkTree(root)) {
    if (inode.type === 'directory') continue;
    const home = listed.get(owners.get(path) ?? ownerOfList(path, listed) ?? '') ?? unowned;
    home.push(fileOf(path, inode));
  }
  const distribution = distributionOf(root);
  return {
    subject,
    uuid: uuidFrom(subject.sha256),
    components: packages.map((one) => ({
      package: one,
      purl: purlOf(one, distribution, packageManagerOf(root)),
      kind: kindOf(one.name),
      files: listed.get(one.name) ?? [],
      dependsOn: [...new Set(one.dependencies)]
        .filter((name) => listed.has(name) && name !== one.name)
        .sort(),
    })),
    unowned,
  };
}

/** The package that a list of opkg itself (`info/NAME.list` and so on) speaks of. */
function ownerOfList(path: ByteString, packages: ReadonlyMap<string, unknown>): string | undefined {
  if (!path.startsWith(`${infoFolder}/`)) return undefined;
  const name = path.slice(infoFolder.length + 1).replace(/\.[^.]*$/, '');
  return packages.has(name) ? name : undefined;
}

function fileOf(path: ByteString, inode: TreeInode): BillFile {
  const hashes = [createHash('sha1'), createHash('sha256')] as const;
  if (inode.type === 'file') {
    const { size } = inode.content;
    for (let offset = 0; offset < size; offset += 1024 ** 2) {
      const piece = inode.content.read(offset, Math.min(1024 ** 2, size - offset));
      for (const hash of hashes) hash.update(piece);
    }
  } else if (inode.type === 'symlink') {
    for (const hash of hashes) hash.update(inode.target, 'latin1');
  }
  const [sha1, sha256] = hashes;
  return {
    path: textOf(path),
    kind: inode.type,
    sha1: sha1.digest('hex'),
    sha256: sha256.digest('hex'),
    ...(inode.type === 'symlink' ? { target: textOf(inode.target) } : {}),
  };
}

/** `ID` of os-release, `openwrt` where the root does not say. */
function distributionOf(root: TreeDirectory): string {
  const release = followPath(root, '/etc/os-release' as ByteString);
  const text =
    release?.type === 'file'
      ? Buffer.from(release.content.read(0, release.content.size)).toString('utf8')
      : '';
  return /^ID="?([A-Za-z0-9._-]+)"?$/m.exec(text)?.[1]?.toLowerCase() ?? 'openwrt';
}

function packageManagerOf(root: TreeDirectory): 'opkg' | 'apk' {
  return followPath(root, infoFolder as ByteString) ? 'opkg' : 'apk';
}

/** @see purl specification 1.0, "Rules for each purl component" */
function purlOf(
  { name, version, architecture }: InstalledPackage,
  distribution: string,
  type: string,
): string {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':');
  return `pkg:${type}/${encode(distribution)}/${encode(name)}@${encode(version)}?arch=${encode(architecture)}`;
}

function kindOf(name: string): BillComponent['kind'] {
  if (name === 'kernel') return 'kernel';
  if (name.startsWith('kmod-')) return 'driver';
  return /^lib/.test(name) ? 'library' : 'application';
}

/** Version 8 of RFC 9562: the bits are ours to choose, and come from the hash. */
function uuidFrom(sha256: string): string {
  const variant = ((parseInt(sha256.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    sha256.slice(0, 8),
    sha256.slice(8, 12),
    `8${sha256.slice(13, 16)}`,
    `${variant}${sha256.slice(17, 20)}`,
    sha256.slice(20, 32),
  ].join('-');
}
