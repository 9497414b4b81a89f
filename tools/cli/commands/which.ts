/** `which`: the layer that a path of the device's root comes from, and why. */
import { byteStringFromText, UsageError } from '../../core/index.js';
import { loadBoard } from '../board-profiles.js';
import { bootDevice } from '../booted-device.js';
import { defineCommand } from '../command.js';
import type { WhichDocument } from '../documents/check.js';
import { readInput } from './check.js';

/** The verb. */
export const which = defineCommand(
  (yargs) =>
    yargs
      .positional('image', { type: 'string', demandOption: true, describe: 'image or dump of the chip' })
      .positional('path', { type: 'string', demandOption: true, describe: 'absolute path on the device' })
      .option('board', { type: 'string', demandOption: true, describe: 'board id or profile file' })
      .example('$0 which dump.bin /etc/config/network --board ubnt_unifi-ap', 'upper: the user changed it'),
  (args, session) => {
    if (!args.path.startsWith('/'))
      throw new UsageError('FW_USAGE_ARGUMENT', `${args.path}: a path inside the device starts with /`);
    const system = bootDevice(loadBoard(args.board), readInput(args.image), args.image);
    const found = system.whereIs(byteStringFromText(args.path));
    const document: WhichDocument = {
      schemaVersion: 1,
      path: args.path,
      layer: found.layer,
      causes: [...found.causes],
    };
    session.result(
      document,
      () => `${args.path}: ${document.layer}\n${document.causes.map((cause) => `  ${cause}\n`).join('')}`,
    );
    return Promise.resolve(document.layer === 'none' ? 11 : 0);
  },
);
