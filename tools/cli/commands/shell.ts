/** `shell`: an interactive prompt on the emulated device. */
import { createInterface } from 'node:readline/promises';
import process from 'node:process';
import { FirmwrightError, printablePage } from '../../core/index.js';
import {
  chipFromImage,
  Device,
  runDeviceCommand,
  splitCommandLine,
  start,
  type BootResult,
} from '../../emulator/index.js';
import { FsError } from '../../vfs/index.js';
import { boardOfImage } from '../board-profiles.js';
import { defineCommand, example } from '../command.js';
import { readImage } from '../input-files.js';
import { writeBeside } from '../output-files.js';
import { boardOption, branchOption } from '../device-options.js';

/** The verb. */
export const shell = defineCommand(
  (yargs) =>
    yargs
      .positional('image', {
        type: 'string',
        demandOption: true,
        describe: 'image, or a dump of the chip, which is changed in place',
      })
      .option('board', boardOption)
      .option('branch', branchOption)
      .option('snapshot', { type: 'boolean', default: false, describe: 'leave a dump of the chip as it is' })
      .example(...example('$0 shell image.bin --board ubnt_unifi-ap', 'type help for the commands')),
  async (args, session) => {
    const image = readImage(args.image);
    const profile = boardOfImage(args.board, image, args.image);
    const device = new Device({
      profile,
      chip: chipFromImage(profile, image),
      ...(args.branch ? { branch: args.branch } : {}),
    });
    let last: BootResult | undefined = start(device);
    const prompt = createInterface({ input: process.stdin, output: process.stderr, signal: session.signal });
    prompt.setPrompt(`${profile.id}# `);
    prompt.prompt();
    for await (const line of prompt) {
      try {
        const words = splitCommandLine(line);
        if (words[0] === 'exit') break;
        const outcome = runDeviceCommand(device, last, words, { image, read: readImage });
        last = outcome.last;
        session.write(printablePage(outcome.text));
      } catch (error) {
        if (!(error instanceof FsError) && !(error instanceof FirmwrightError)) throw error;
        session.warn(error.message);
      }
      prompt.prompt();
    }
    prompt.close();
    if (image.length === profile.flash.size && !args.snapshot) writeBeside(args.image, device.chip.image());
    return 0;
  },
);
