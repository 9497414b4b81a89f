/**
 * Sweep: the same work cut at the same byte on a real kernel and here.
 *
 *     npx tsx test/sweep/jffs2-cuts.ts [COUNT [AT-ONCE]]     (default 300 2), spread evenly over the work
 */
import { bytesOfWork, cutBoth } from '../support/jffs2-oracle-cuts.js';

const [count = 300, atOnce = 2] = process.argv.slice(2).map(Number);

async function main(): Promise<void> {
  const total = bytesOfWork();
  let next = 0;
  let bad = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const bytes = 1 + Math.floor((next * (total - 2)) / count);
      next += 1;
      const faults = await cutBoth({ endian: next % 2 === 0 ? 'little' : 'big', bytes });
      if (faults.length === 0) continue;
      bad += 1;
      console.log(`after ${bytes} bytes (${next % 2 === 0 ? 'little' : 'big'}-endian):`);
      for (const fault of faults.slice(0, 6)) console.log(`  ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.log(`${count} cuts in ${total} bytes of work, ${bad} with differences`);
  process.exitCode = bad === 0 ? 0 : 1;
}

void main();
