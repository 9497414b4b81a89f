/**
 * Tries the laws of unions on many random cases.
 *
 *     npx tsx test/sweep/union-laws.ts [cases of each law, default 2000] [seed, default 1]
 */
import { tryLaw, unionLaws } from '../support/union-laws.js';

const [cases = '2000', seed = '1'] = process.argv.slice(2);
for (const law of unionLaws) {
  try {
    tryLaw(law, Number(cases), Number(seed));
    console.log(`${cases} cases: ${law.title}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`VIOLATED: ${law.title}\n${error instanceof Error ? error.message : 'unknown error'}`);
  }
}
