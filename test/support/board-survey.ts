/**
 * Builds and checks a board with a published root tree, through the command line, and says in one row what came out.
 *
 * The kernel is that of the published ath25 image, unpacked: a raw kernel, which every kernel recipe takes. Loaders are
 * stand-ins of noise, because the project has none and the emulator does not run them. The root tree is the same for all
 * boards: what is looked at is flash layout and flows, which do not depend on the byte order of the programs in it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lzmaAloneDecode } from '../../tools/addon/index.js';
import type { BoardProfile } from '../../tools/boards/index.js';
import { budgetDocument, buildDocument } from '../../tools/cli/documents/budget.js';
import { checkDocument } from '../../tools/cli/documents/check.js';
import { firmwright, jsonOf } from './cli.js';
import type { CliResult } from './cli.js';
import { noise } from './image-inputs.js';
import { fixturePath } from './requires.js';

/** The published root trees, by a short name. */
export const publishedRoots = {
  '15.05-be': 'rootfs-openwrt-15.05-ath25-mips-be.tar.xz',
  '19.07-le': 'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz',
} as const;
/** Short name of a root tree. */
export type PublishedRoot = keyof typeof publishedRoots;

/** Fixture that the kernel comes from. */
export const kernelFixture = 'fw-ath25-vmlinux.lzma';
/** More than any kernel here unpacks to. */
const kernelLimit = 64 * 1024 ** 2;
const loaderSize = 6000;

/** What came out for one board and one root tree; sizes in bytes. */
export interface SurveyRow {
  readonly board: string;
  readonly root: PublishedRoot;
  readonly endianness: 'big' | 'little';
  readonly flashSize: number;
  readonly eraseSize: number;
  readonly squashfsSize: number | undefined;
  readonly overlayBlocks: number | undefined;
  readonly fits: boolean;
  readonly overBy: number;
  /** What breaks its limit. */
  readonly overWhat: string | undefined;
  readonly artefacts: readonly string[];
  /** `proven`, the titles of what is not, or `-` where there is nothing to check. */
  readonly check: string;
}

/** Writes kernel, loader and recipe into `folder`; the rows of all boards share them, and the packed trees. */
function prepareSurvey(folder: string): void {
  if (existsSync(join(folder, 'image.yaml'))) return;
  mkdirSync(folder, { recursive: true });
  const kernel = lzmaAloneDecode(new Uint8Array(readFileSync(fixturePath(kernelFixture))), kernelLimit).data;
  writeFileSync(join(folder, 'kernel.bin'), kernel);
  writeFileSync(join(folder, 'loader.bin'), noise(loaderSize, 1));
  writeFileSync(join(folder, 'image.yaml'), 'name: survey\nversion: { dist: OpenWrt }\ndate: 1600000000\n');
}

/**
 * Builds and checks one board; a board that does not fit is counted, not checked.
 *
 * @param named  how the command line names the board: its id, or the file of its profile
 */
export async function surveyBoard(
  profile: BoardProfile,
  root: PublishedRoot,
  folder: string,
  named = profile.id,
): Promise<SurveyRow> {
  prepareSurvey(folder);
  const { id, endianness, flash } = profile;
  const out = join(folder, root, id);
  const env = { XDG_CACHE_HOME: join(folder, 'cache') };
  const inputs = [
    join(folder, 'image.yaml'),
    ...[
      '--board',
      named,
      '--rootfs',
      fixturePath(publishedRoots[root]),
      '--kernel',
      join(folder, 'kernel.bin'),
    ],
    ...Object.keys(profile.loaders).flatMap((step) => [
      '--loader',
      `${id}:${step}=${join(folder, 'loader.bin')}`,
    ]),
    '--quiet',
    '--json',
  ];
  const common = { board: id, root, endianness, flashSize: flash.size, eraseSize: flash.eraseSize };
  const built = await firmwright(['build', ...inputs, '--out', out], { env });
  if (built.exitCode === 10) {
    const counted = await firmwright(['budget', ...inputs], { env });
    const [budget] = budgetDocument.parse(jsonOf(counted)).budgets;
    const worst = budget?.limits.toSorted((a, b) => b.overBy - a.overBy)[0];
    return {
      ...common,
      squashfsSize: budget?.rootfs?.size,
      overlayBlocks: budget?.overlay?.eraseBlocks,
      fits: false,
      overBy: budget?.overBy ?? 0,
      overWhat: worst !== undefined && worst.overBy > 0 ? worst.what : 'overlay',
      artefacts: [],
      check: '-',
    };
  }
  if (built.exitCode !== 0) throw new Error(`build of ${id} exits ${built.exitCode}: ${built.stderr}`);
  const [board] = buildDocument.parse(jsonOf(built)).boards;
  // The upgrade image where the board has one that holds what stands in `firmware`; else the whole chip.
  let checked: CliResult | undefined;
  for (const type of ['sysupgrade', 'flash']) {
    const image = board?.files.find((file) => file.type === type)?.name;
    if (image === undefined) continue;
    checked = await firmwright(['check', join(out, image), '--board', named, '--quiet', '--json'], { env });
    if (checked.exitCode !== 4) break;
  }
  if (checked?.exitCode !== 0 && checked?.exitCode !== 11)
    throw new Error(
      `check of ${id} exits ${checked?.exitCode ?? ''}: ${checked?.stderr ?? 'no image to check'}`,
    );
  const failed = checkDocument.parse(jsonOf(checked)).proofs.filter(({ problems }) => problems.length > 0);
  return {
    ...common,
    squashfsSize: board?.squashfs.size,
    overlayBlocks: board?.budget.overlay?.eraseBlocks,
    fits: board?.budget.fits ?? false,
    overBy: board?.budget.overBy ?? 0,
    overWhat: undefined,
    artefacts: profile.artefacts
      .map(({ name }) => name)
      .filter((name) => board?.files.some((file) => file.name.endsWith(`-squashfs-${name}`))),
    check:
      failed.length === 0
        ? 'proven'
        : failed.map(({ title, problems }) => `${title}: ${problems.join('; ')}`).join(' | '),
  };
}
