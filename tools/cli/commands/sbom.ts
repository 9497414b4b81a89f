/** `sbom`: the software bill of materials of an image. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { readImageContents } from '../../diff/index.js';
import { billOf, cycloneDx, spdx } from '../../sbom/index.js';
import { boardOfImage } from '../board-profiles.js';
import { cancellationPoint } from '../cancellation-point.js';
import { defineCommand, example } from '../command.js';
import { boardOption } from '../device-options.js';
import { readInput } from '../input-files.js';
import { programVersion } from '../version.js';

const formats = { cyclonedx: cycloneDx, spdx } as const;

/** The verb. */
export const sbom = defineCommand(
  (yargs) =>
    yargs
      .positional('image', { type: 'string', demandOption: true, describe: 'image, or dump of the chip' })
      .option('board', boardOption)
      .option('format', {
        choices: ['cyclonedx', 'spdx'] as const,
        default: 'cyclonedx' as const,
        describe: 'CycloneDX 1.6 or SPDX 2.3, both as JSON',
      })
      .example(
        ...example('$0 sbom sysupgrade.bin >bom.json', 'packages, their files, and files without an owner'),
      )
      .example(...example('$0 sbom sysupgrade.bin --format spdx >image.spdx.json', '')),
  async (args, session) => {
    const bytes = await readInput(args.image, session);
    const contents = readImageContents(bytes, boardOfImage(args.board, bytes, args.image));
    await cancellationPoint(session.signal);
    const bill = billOf({
      name: basename(args.image),
      version: contents.identity.version ?? 'unknown',
      sha256: createHash('sha256').update(bytes).digest('hex'),
      builtAt: contents.builtAt,
      board: contents.profile.id,
      root: contents.root,
      tool: { name: 'firmwright', version: programVersion() },
    });
    session.write(`${JSON.stringify(formats[args.format](bill), undefined, 2)}\n`);
    return undefined;
  },
);
