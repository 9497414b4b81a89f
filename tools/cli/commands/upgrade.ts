/** `upgrade`: a sysupgrade of the emulated device, or what it would do to the settings. */
import { groupDigits, textOf } from '../../core/index.js';
import { imageForFirmware, previewUpgrade, sysupgrade, type UpgradePreview } from '../../emulator/index.js';
import { boardOfImage } from '../board-profiles.js';
import { bootDevice } from '../booted-device.js';
import { defineCommand, example, type Session } from '../command.js';
import type { UpgradeDocument } from '../documents/preview.js';
import { readImage, readInput } from '../input-files.js';
import { whatChanged, writeBeside } from '../output-files.js';
import { boardOption, branchOption } from '../device-options.js';
import { renderTable } from '../render/table.js';

const meanings: Readonly<Record<UpgradePreview['kept'][number]['fate'], string>> = {
  kept: 'kept',
  'same-as-new': 'kept, same as the new default',
  'old-default': 'OLD DEFAULT hides the new one',
  conflict: 'CONFLICT: both changed',
  orphaned: 'ORPHANED: no default any more',
};

/** The verb. */
export const upgrade = defineCommand(
  (yargs) =>
    yargs
      .positional('image', {
        type: 'string',
        demandOption: true,
        describe: 'dump of the chip, which is upgraded in place; or an image',
      })
      .positional('new', { type: 'string', demandOption: true, describe: 'image to upgrade to' })
      .option('board', boardOption)
      .option('branch', branchOption)
      .option('keep-settings', { type: 'boolean', default: true, describe: '--no-keep-settings is -n' })
      .option('changed-etc', { type: 'boolean', default: false, describe: '-c: all changed files of /etc' })
      .option('changed-all', { type: 'boolean', default: false, describe: '-o: all changed files' })
      .option('skip-equal', { type: 'boolean', default: false, describe: '-u: not what equals the base' })
      .option('list-packages', { type: 'boolean', default: false, describe: '-k: list installed packages' })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: '-F: although checks fail; of a container or a dump, what it holds',
      })
      .option('preview', { type: 'boolean', default: false, describe: 'only tell; the dump stays as it is' })
      .example(
        ...example(
          '$0 upgrade dump.bin new.bin --board ubnt_unifi-ap --preview',
          'what happens to the settings',
        ),
      ),
  async (args, session) => {
    const image = readImage(args.image);
    const profile = boardOfImage(args.board, image, args.image);
    const file = await readInput(args.new, session);
    const system = bootDevice(profile, image, args.image, { branch: args.branch });
    const { keepSettings, changedEtc, changedAll, skipEqual, listPackages, force } = args;
    const options = { keepSettings, changedEtc, changedAll, skipEqual, listPackages, force };
    const content = imageForFirmware(profile, file);
    const next = force ? content : file;
    const preview = previewUpgrade(system, next, options);
    const byForce = (): UpgradePreview => previewUpgrade(system, content, { ...options, force: true });
    const told = toldOf(preview, { isContained: content !== file, force, byForce });
    const changes = !args.preview && told.verdict !== 'refused' && image.length === profile.flash.size;
    if (changes) {
      sysupgrade(system, next, options);
      writeBeside(args.image, system.device.chip.image());
    }
    session.result(
      documentOf(told, profile.id, !changes),
      () => `${render(told, session)}${whatChanged(args.image, changes)}`,
    );
    return told.verdict === 'refused' || told.verdict === 'no-boot' ? 11 : 0;
  },
);

interface Forcing {
  /** The file is a container or a dump; the device itself does not take it apart. */
  readonly isContained: boolean;
  readonly force: boolean;
  /** What an upgrade with --force would do. */
  readonly byForce: () => UpgradePreview;
}

/** Adds to the reasons what --force means for this file. */
function toldOf(told: UpgradePreview, { isContained, force, byForce }: Forcing): UpgradePreview {
  const { verdict, reasons, check } = told;
  const notes: string[] = [];
  if (isContained && force)
    notes.push(
      'only what the file holds for "firmware" is written; `sysupgrade -F` would write the file as it is',
    );
  else if (isContained)
    notes.push(
      'the file is a container or a dump, which `sysupgrade` does not take apart; --force writes what it holds',
    );
  else if (verdict === 'refused' && check.forceable) {
    const { verdict: forced, reasons: why } = byForce();
    notes.push(
      forced === 'no-boot'
        ? `--force (-F) flashes it all the same, and the device does not start again: ${why.at(-1) ?? ''}`
        : '--force (-F) flashes it all the same',
    );
  }
  const isSafe = verdict === 'safe' && notes.length > 0;
  return { ...told, verdict: isSafe ? 'attention' : verdict, reasons: [...reasons, ...notes] };
}

function documentOf(told: UpgradePreview, board: string, preview: boolean): UpgradeDocument {
  return {
    schemaVersion: 1,
    board,
    preview,
    verdict: told.verdict,
    reasons: [...told.reasons],
    kept: told.kept.map(({ path, fate }) => ({ path: textOf(path), fate })),
    lost: told.lost.map(textOf),
    droppedPackages: told.droppedPackages.map(({ name, from }) => ({ name: textOf(name), from })),
    archive: told.archive ?? null,
  };
}

function render(told: UpgradePreview, { style }: Session): string {
  const rows = [
    ...told.kept.map(({ path, fate }) => [meanings[fate], textOf(path)]),
    ...told.lost.map((path) => ['LOST: not on the keep list', textOf(path)]),
    ...told.droppedPackages.map(({ name, from }) => ['package DROPPED', `${textOf(name)} (${from})`]),
  ];
  const { archive } = told;
  const room = archive
    ? `archive: ${groupDigits(archive.size)} bytes in ${archive.eraseBlocks} of ${archive.eraseBlocksLeft} erase blocks; unpacked ${groupDigits(archive.unpacked)} of ${groupDigits(archive.rootfsData)} bytes\n`
    : 'no settings are carried\n';
  const verdict = {
    safe: style.green('safe'),
    attention: style.yellow('attention'),
    'no-boot': style.red('no boot: the device would take this image, and not start again'),
    refused: style.red('refused'),
  }[told.verdict];
  const tells = told.verdict === 'safe' || told.verdict === 'attention';
  const table = renderTable([{ heading: 'what' }, { heading: 'file or package' }], rows, style.bold);
  const reasons = told.reasons.map((reason) => `  ${reason}\n`).join('');
  return `${rows.length === 0 ? '' : `${table}\n`}${tells ? room : ''}${verdict}\n${reasons}`;
}
