/** A sample of `npx tsx test/sweep/all-boards.ts`: boards whose recipes no other test builds, on a published root. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { loadBoard, profilePath } from '../../tools/cli/board-profiles.js';
import { kernelFixture, publishedRoots, surveyBoard } from '../support/board-survey.js';
import { fixture, requires } from '../support/requires.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();

for (const id of ['netgear_wndr3800', 'ubnt_nanostation-2']) {
  const needs = [kernelFixture, publishedRoots['15.05-be']].map(fixture);
  requires(...needs)(`${id} builds with a published root, and the check proves its image`, async () => {
    const profile = loadBoard(id);
    const row = await surveyBoard(profile, '15.05-be', folder);
    expect(row).toMatchObject({ fits: true, overBy: 0, check: 'proven' });
    expect(row.artefacts).toEqual(profile.artefacts.map(({ name }) => name));
    expect(row.overlayBlocks).toBeGreaterThanOrEqual(5);
  });
}

requires(fixture(kernelFixture), fixture(publishedRoots['15.05-be']))(
  'a board that is too small is told with the bytes, and not checked',
  async () => {
    const file = join(folder, 'small_board.yaml');
    const text = readFileSync(profilePath('ubnt_unifi-ap'), 'utf8');
    writeFileSync(
      file,
      text.replace(/^id: .*$/m, 'id: small_board').replace(/^image_size: .*$/m, 'image_size: 2 MiB'),
    );
    const row = await surveyBoard(loadBoard(file), '15.05-be', folder, file);
    expect(row).toMatchObject({ fits: false, check: '-' });
    expect(row.overBy).toBeGreaterThan(500_000);
    expect(row.overWhat).toMatch(/image size|sysupgrade\.bin/);
  },
);
