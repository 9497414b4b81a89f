/** Feeds: folders of ipk files with an index `Packages` or `Packages.gz`. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { deflateDecode } from '../../addon/index.js';
import { readIpk } from '../../archive/index.js';
import type { Ipk } from '../../archive/index.js';
import { FormatError, compareBytes } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import { walkTree } from '../../vfs/index.js';
import { parseControl } from '../control-file.js';
import type { ControlParagraph } from '../control-file.js';
import { wrapHostError } from '../root-source.js';
import { readTreeFile } from '../tree-path.js';

/** A package that a feed offers. */
export interface FeedPackage {
  readonly name: string;
  readonly version: string;
  readonly control: ControlParagraph;
  /** The ipk on the host. */
  readonly file: string;
  /** What the index tells of the file; undefined for a file that no index lists. */
  readonly sha256: string | undefined;
}

const indexLimit = 256 * 1024 ** 2;

/**
 * Reads what the feeds offer. An ipk that stands in the folder and not in the index counts too: the index of OpenWrt
 * leaves out `libc` and `kernel`, which an image needs all the same.
 *
 * @throws EnvironmentError FW_ENV_FILE; FormatError FW_ARCHIVE_IPK for an index that leads out of its folder or an ipk
 *   without control data
 */
export function readFeeds(folders: readonly string[]): FeedPackage[] {
  return folders.flatMap(readFeed);
}

function readFeed(folder: string): FeedPackage[] {
  const listed = readIndex(folder).map((control): FeedPackage => {
    const name = control.get('Package') ?? '';
    const fileName = control.get('Filename') ?? `${name}_${control.get('Version') ?? ''}.ipk`;
    if (fileName.startsWith('/') || fileName.split('/').includes('..')) {
      throw new FormatError(
        'FW_ARCHIVE_IPK',
        `${folder}: the index leads out of the feed with '${fileName}'`,
      );
    }
    const sha256 = control.get('SHA256sum')?.toLowerCase();
    return { name, version: control.get('Version') ?? '', control, file: join(folder, fileName), sha256 };
  });
  const known = new Set(listed.map((entry) => entry.file));
  const files = wrapHostError(folder, () => readdirSync(folder))
    .filter((name) => name.endsWith('.ipk'))
    .sort();
  const unlisted = files
    .map((name) => join(folder, name))
    .filter((file) => !known.has(file))
    .map((file): FeedPackage => {
      const control = controlOf(readPackageFile(file), file);
      return {
        name: control.get('Package') ?? '',
        version: control.get('Version') ?? '',
        control,
        file,
        sha256: undefined,
      };
    });
  return [...listed, ...unlisted];
}

function readIndex(folder: string): ControlParagraph[] {
  const plain = join(folder, 'Packages');
  const packed = `${plain}.gz`;
  if (existsSync(plain)) return parseControl(wrapHostError(plain, () => readFileSync(plain, 'utf8')));
  if (!existsSync(packed)) return [];
  const bytes = wrapHostError(packed, () => readFileSync(packed));
  return parseControl(Buffer.from(deflateDecode(bytes, 'gzip', indexLimit).data).toString('utf8'));
}

/** Reads an ipk of the host. @throws EnvironmentError FW_ENV_FILE; FormatError FW_ARCHIVE_* */
function readPackageFile(file: string): Ipk {
  return readIpk(
    wrapHostError(file, () => readFileSync(file)),
    file,
  );
}

function controlOf(ipk: Ipk, file: string): ControlParagraph {
  const paragraph = parseControl(readTreeFile(ipk.control, '/control')?.toString('utf8') ?? '')[0];
  if (paragraph?.get('Package') === undefined) {
    throw new FormatError('FW_ARCHIVE_IPK', `${file}: the control file names no package`);
  }
  return paragraph;
}

/** A package with its files and its hash. */
export interface LoadedPackage extends FeedPackage {
  readonly ipk: Ipk;
  readonly fileSha256: string;
  /** What it installs but directories, sorted by bytes. */
  readonly files: readonly ByteString[];
}

/**
 * Reads a package of a feed and compares it with what the index tells of it.
 *
 * @throws FormatError FW_ARCHIVE_IPK when hash or name differ
 */
export function loadPackage(entry: FeedPackage): LoadedPackage {
  const bytes = wrapHostError(entry.file, () => readFileSync(entry.file));
  const fileSha256 = createHash('sha256').update(bytes).digest('hex');
  if (entry.sha256 !== undefined && entry.sha256 !== fileSha256) {
    throw new FormatError(
      'FW_ARCHIVE_IPK',
      `${entry.file}: SHA-256 ${entry.sha256} expected by the index, found ${fileSha256}`,
      {
        hint: 'fetch the package again, or make the index anew',
        data: { expected: entry.sha256, found: fileSha256 },
      },
    );
  }
  const ipk = readIpk(bytes, entry.file);
  const control = controlOf(ipk, entry.file);
  if (control.get('Package') !== entry.name || control.get('Version') !== entry.version) {
    throw new FormatError(
      'FW_ARCHIVE_IPK',
      `${entry.file}: ${entry.name} ${entry.version} expected by the index, found ${control.get('Package') ?? ''} ${control.get('Version') ?? ''}`,
    );
  }
  const visits = [...walkTree(ipk.data)].filter(({ inode }) => inode.type !== 'directory');
  const files = visits.map(({ path }) => path).sort(compareBytes);
  return { ...entry, control, ipk, fileSha256, files };
}
