/** `repack`: puts together what `unpack` took apart, with the checksums of edited parts rewritten. */
import { loadBoard } from '../board-profiles.js';
import { defineCommand, example } from '../command.js';
import { writeOutput } from '../output-files.js';
import { boardOption } from '../device-options.js';
import { reportRepacked } from '../unpacked/report.js';
import { repackSet } from '../unpacked/read-set.js';

/** The verb. */
export const repack = defineCommand(
  (yargs) =>
    yargs
      .positional('folder', { type: 'string', demandOption: true, describe: 'folder that unpack made' })
      .option('output', {
        alias: ['o', 'out'],
        type: 'string',
        demandOption: true,
        describe: 'image to write, - for standard output',
      })
      .option('board', {
        ...boardOption,
        describe: 'board id: the image may grow up to its partition; else it keeps its size',
      })
      .example(...example('$0 repack parts -o new.bin', 'byte-identical when nothing was edited'))
      .example(
        ...example(
          '$0 repack parts -o new.bin --board ubnt_unifi-ap',
          'an edited root may take more erase blocks',
        ),
      ),
  async (args, session) => {
    const profile = args.board === undefined ? undefined : loadBoard(args.board);
    const repacked = await repackSet(args.folder, profile, session);
    writeOutput(args.output, repacked.bytes, session);
    reportRepacked(repacked, args.output, session);
    return 0;
  },
);
