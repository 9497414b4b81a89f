/**
 * Sweep: our mount and real kernels in turns on one flash, for many seeds.
 *
 *     npx tsx test/sweep/jffs2-exchange.ts [COUNT [FIRST [AT-ONCE]]]     (default 200 0 2)
 */
import { exchange, exchangeCase } from '../support/jffs2-exchange.js';

const [count = 200, first = 0, atOnce = 2] = process.argv.slice(2).map(Number);

async function main(): Promise<void> {
  let next = first;
  let bad = 0;
  let erases = 0;
  const worker = async (): Promise<void> => {
    while (next < first + count) {
      const seed = next;
      next += 1;
      const result = await exchange(exchangeCase(seed));
      erases += result.erases;
      if (result.faults.length === 0) continue;
      bad += 1;
      console.log(`seed ${seed}: FW_REPLAY=${seed} npx vitest run test/oracle/jffs2-exchange.test.ts`);
      for (const fault of result.faults.slice(0, 10)) console.log(`  ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.log(`${count} workloads, ${bad} with differences, ${erases} erases of ours`);
  process.exitCode = bad === 0 ? 0 : 1;
}

void main();
