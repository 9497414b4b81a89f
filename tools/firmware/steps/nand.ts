/** Steps of NAND images, which this program does not make yet: a recipe may name them, a build refuses them. */
import { z } from 'zod';
import { FormatError } from '../../core/index.js';
import { defineStep } from './step.js';
import type { StepContext } from './step.js';

export const nandSteps = (
  [
    ['append-ubi', 'appends a UBI image'],
    ['linksys-image', 'appends a Linksys trailer'],
    ['sercom-footer', 'appends a Sercomm footer'],
    ['sercom-seal', 'puts a Sercomm seal in front'],
    ['zip', 'packs the file in a zip archive'],
  ] as const
).map(([name, summary]) =>
  defineStep({
    name,
    usage: `${name} [...]`,
    summary,
    words: { positions: ['words...'] },
    parameters: z.strictObject({ words: z.string().optional() }),
    run: (_file, { board }: StepContext) => {
      throw new FormatError(
        'FW_FIRMWARE_STEP_REFUSED',
        `step ${name} of ${board.id} cannot be built: NAND images are not built yet`,
        {
          hint: 'firmwright boards list --flash nor lists the boards that can be built',
          data: { step: name, board: board.id },
        },
      );
    },
  }),
);
