/** `reset`: a factory reset of the emulated device, or what it would do. */
import { textOf } from '../../core/index.js';
import { boot, factoryReset, previewReset, type ResetPreview } from '../../emulator/index.js';
import { boardOfImage } from '../board-profiles.js';
import { bootDevice } from '../booted-device.js';
import { defineCommand, example, type Session } from '../command.js';
import type { ResetDocument } from '../documents/preview.js';
import { readImage } from '../input-files.js';
import { whatChanged, writeBeside } from '../output-files.js';
import { boardOption, branchOption } from '../device-options.js';
import { renderTable } from '../render/table.js';

const meanings: Readonly<Record<ResetPreview['entries'][number]['fate'], string>> = {
  removed: 'goes',
  base: 'comes back',
  survives: 'STAYS',
  archive: 'STAYS',
  'runs-again': 'runs again',
};

/** The verb. */
export const reset = defineCommand(
  (yargs) =>
    yargs
      .positional('image', {
        type: 'string',
        demandOption: true,
        describe: 'dump of the chip, which is reset in place; or an image',
      })
      .option('board', boardOption)
      .option('branch', branchOption)
      .option('via', {
        choices: ['command', 'button', 'failsafe', 'mtd-erase'] as const,
        default: 'command' as const,
        describe: 'how the reset is asked for',
      })
      .option('keep-settings', { type: 'boolean', default: false, describe: '-k of firstboot' })
      .option('thorough', {
        type: 'boolean',
        default: false,
        describe: 'as it should be: hidden folders too',
      })
      .option('preview', { type: 'boolean', default: false, describe: 'only tell; the dump stays as it is' })
      .example(
        ...example(
          '$0 reset dump.bin --board ubnt_unifi-ap --preview',
          'what goes, what comes back, what stays',
        ),
      ),
  (args, session) => {
    const image = readImage(args.image);
    const profile = boardOfImage(args.board, image, args.image);
    const system = bootDevice(profile, image, args.image, { branch: args.branch });
    const { via, keepSettings, thorough } = args;
    const told = previewReset(system, { via, keepSettings, thorough });
    const changes = !args.preview && told.path !== 'nothing' && image.length === profile.flash.size;
    if (changes) {
      const { device } = system;
      let asked = system;
      if (via === 'failsafe') {
        system.shutdown();
        const result = boot(device, { failsafe: true });
        if (result.kind === 'running') asked = result.system;
      }
      factoryReset(asked, { via: via === 'failsafe' ? 'command' : via, keepSettings, thorough });
      if (via !== 'mtd-erase') asked.shutdown();
      writeBeside(args.image, device.chip.image());
    }
    session.result(
      documentOf(told, profile.id, !changes),
      () => `${render(told, session)}${whatChanged(args.image, changes)}`,
    );
    return Promise.resolve(told.path === 'nothing' ? 11 : 0);
  },
);

function documentOf(told: ResetPreview, board: string, preview: boolean): ResetDocument {
  return {
    schemaVersion: 1,
    board,
    preview,
    ...told,
    entries: told.entries.map((entry) => ({ ...entry, path: textOf(entry.path) })),
  };
}

function render({ entries, untouched, verdict }: ResetPreview, { style }: Session): string {
  const table = renderTable(
    [{ heading: 'what' }, { heading: 'path' }, { heading: 'why' }],
    entries.map(({ path, fate, reason }) => [meanings[fate], textOf(path), reason]),
    style.bold,
  );
  return `${entries.length === 0 ? '' : `${table}\n`}${untouched} paths are as in the base and stay so\n${style.bold(verdict)}\n`;
}
