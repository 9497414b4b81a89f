/** Some cases of each law; more: `npx tsx test/sweep/union-laws.ts`. */
import { test } from 'vitest';
import { tryLaw, unionLaws } from '../support/union-laws.js';

const { FW_REPLAY: replay } = process.env;

for (const law of unionLaws) {
  test(law.title, () => {
    tryLaw(law, 200, 1, replay);
  });
}
