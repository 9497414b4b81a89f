/** `which`: the layer that a path of the device's root comes from, and why. */
import { byteStringFromText, printable, UsageError } from '../../core/index.js';
import { boardOfImage } from '../board-profiles.js';
import { bootDevice } from '../booted-device.js';
import { defineCommand, example } from '../command.js';
import type { WhichDocument } from '../documents/check.js';
import { readInput } from '../input-files.js';
import { boardOption, branchOption } from '../device-options.js';

/** The verb. */
export const which = defineCommand(
  (yargs) =>
    yargs
      .positional('image', { type: 'string', demandOption: true, describe: 'image or dump of the chip' })
      .positional('path', { type: 'string', demandOption: true, describe: 'absolute path on the device' })
      .option('board', boardOption)
      .option('branch', branchOption)
      .example(
        ...example(
          '$0 which dump.bin /etc/config/network --board ubnt_unifi-ap',
          'upper: the user changed it',
        ),
      ),
  async (args, session) => {
    if (!args.path.startsWith('/'))
      throw new UsageError('FW_USAGE_ARGUMENT', `${args.path}: a path inside the device starts with /`);
    const image = await readInput(args.image, session);
    const profile = boardOfImage(args.board, image, args.image);
    const system = bootDevice(profile, image, args.image, { branch: args.branch });
    const found = system.whereIs(byteStringFromText(args.path));
    const document: WhichDocument = {
      schemaVersion: 1,
      path: args.path,
      layer: found.layer,
      causes: [...found.causes],
    };
    session.result(
      document,
      () =>
        `${printable(args.path)}: ${document.layer}\n${document.causes.map((cause) => `  ${cause}\n`).join('')}`,
    );
    return document.layer === 'none' ? 11 : 0;
  },
);
