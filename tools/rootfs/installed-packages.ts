/**
 * Package lists that a root tree carries: those of opkg (`usr/lib/opkg`) and of apk (`lib/apk/db/installed`). They tell
 * which file came with which package, for attribution of flash cost and for taking a package out.
 */
import { byteString, compareBytes } from '../core/index.js';
import type { ByteString } from '../core/index.js';
import type { TreeDirectory } from '../vfs/index.js';
import { dependencyNames, parseControl } from './control-file.js';
import { readTreeFile } from './tree-path.js';

/** A package that the lists in a root tree call installed. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Names it depends on, without versions; of alternatives each. */
  readonly dependencies: readonly string[];
  /** Absolute paths of its files, sorted by bytes. */
  readonly files: readonly ByteString[];
  /** Those of its files that an upgrade keeps. */
  readonly conffiles: readonly ByteString[];
  /** As the package says it, which is not always an SPDX expression. */
  readonly license?: string;
  readonly description?: string;
  readonly maintainer?: string;
  /** Folder in the feed it was built from. */
  readonly source?: string;
  /** Name in the CPE dictionary, such as `cpe:/a:busybox:busybox`. */
  readonly cpe?: string;
}

/** Folder of opkg's lists in an OpenWrt root. */
export const opkgFolder = '/usr/lib/opkg';
/** File in which apk keeps its database. */
export const apkDatabase = '/lib/apk/db/installed';

/**
 * Reads the packages that opkg or apk call installed, by name.
 *
 * @returns nothing when the tree has no lists; a file that a list names need not be in the tree
 * @see opkg-lede libopkg/pkg.c; apk-tools 2.14 doc/apk-db
 */
export function installedPackages(root: TreeDirectory): InstalledPackage[] {
  const packages = [...opkgPackages(root), ...apkPackages(root)];
  return packages.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function opkgPackages(root: TreeDirectory): InstalledPackage[] {
  const status = readTreeFile(root, `${opkgFolder}/status`);
  if (status === undefined) return [];
  const installed = parseControl(status.toString('utf8')).filter(
    (paragraph) =>
      / installed$/.test(paragraph.get('Status') ?? '') && paragraph.get('Package') !== undefined,
  );
  return installed.map((paragraph) => {
    const name = paragraph.get('Package') ?? '';
    const conffiles = readTreeFile(root, `${opkgFolder}/info/${name}.conffiles`)
      ?.toString('latin1')
      .split('\n');
    const [control] = parseControl(
      readTreeFile(root, `${opkgFolder}/info/${name}.control`)?.toString('utf8') ?? '',
    );
    return {
      name,
      ...described({
        license: control?.get('License'),
        description: control?.get('Description')?.trim(),
        maintainer: control?.get('Maintainer'),
        source: control?.get('Source'),
        cpe: control?.get('CPE-ID'),
      }),
      version: paragraph.get('Version') ?? '',
      architecture: paragraph.get('Architecture') ?? '',
      dependencies: paragraph.list('Depends').flatMap(dependencyNames),
      files: paths(
        readTreeFile(root, `${opkgFolder}/info/${name}.list`)?.toString('latin1').split('\n') ?? [],
      ),
      conffiles: paths(conffiles ?? paragraph.lines('Conffiles')),
    };
  });
}

/** Cleans lines of a list: `path`, `path<TAB>mode<TAB>target` or `path checksum`, with or without a leading `.`. */
function paths(lines: readonly string[]): ByteString[] {
  const found = lines
    .map((line) => (/^([^\t]*?)(?:\t.*| [0-9a-f]{32,64})?$/.exec(line)?.[1] ?? line).replace(/^\.?\/*/, '/'))
    .filter((path) => path !== '/');
  return [...new Set(found as ByteString[])].sort(compareBytes);
}

/** One letter a line; `F:` opens a folder, `R:` names a file in it. */
function apkPackages(root: TreeDirectory): InstalledPackage[] {
  const database = readTreeFile(root, apkDatabase);
  if (database === undefined) return [];
  return byteString(database)
    .split('\n\n')
    .map((block) => block.split('\n'))
    .filter((lines) => lines.some((line) => line.startsWith('P:')))
    .map((lines) => {
      const value = (letter: string): string =>
        lines.find((line) => line.startsWith(`${letter}:`))?.slice(2) ?? '';
      const files: string[] = [];
      let folder = '';
      for (const line of lines) {
        if (line.startsWith('F:')) folder = line.slice(2);
        else if (line.startsWith('R:')) files.push(`/${folder}/${line.slice(2)}`.replace(/\/+/g, '/'));
      }
      const name = value('P');
      const conffiles = readTreeFile(root, `/lib/apk/packages/${name}.conffiles`)
        ?.toString('latin1')
        .split('\n');
      const text = (letter: string): string | undefined =>
        Buffer.from(value(letter), 'latin1').toString('utf8') || undefined;
      return {
        name,
        ...described({
          license: text('L'),
          description: text('T'),
          maintainer: text('m'),
          source: text('o'),
        }),
        version: value('V'),
        architecture: value('A'),
        dependencies: value('D')
          .split(' ')
          .map((item) => item.replace(/[<>=~].*$/, ''))
          .filter((item) => item !== '' && !item.startsWith('!')),
        files: paths(files),
        conffiles: paths(conffiles ?? []),
      };
    });
}

type Description = Pick<InstalledPackage, 'license' | 'description' | 'maintainer' | 'source' | 'cpe'>;

/** Leaves out what a package does not say. */
function described(fields: { readonly [field in keyof Description]?: string | undefined }): Description {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== undefined));
}
