/**
 * The payload grows one erase block at a time: the budget must say "does not fit" at exactly the block at which a real
 * kernel stops mounting the overlay.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { executeBuild, loadRecipe, planBuild } from '../../../tools/build/index.js';
import { loadBoardProfile } from '../../../tools/boards/index.js';
import { countBudget } from '../../../tools/budget/index.js';
import type { FlashBudget } from '../../../tools/budget/index.js';
import { detectRootSource } from '../../../tools/rootfs/index.js';
import { noise, writeImageInputs } from '../../support/image-inputs.js';
import { runOracle } from '../../support/oracle.js';
import { oracle, requires } from '../../support/requires.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();
const chipSize = 1024 * 1024;
const firmwareOffset = 64 * 1024;

function profileText(eraseSize: number, endian: string): string {
  return `id: edge_${endian}-${eraseSize}
name: Edge Board
target: test/generic
arch: mips_24kc
endianness: ${endian}
supported_devices: [edge]
flash: { kind: nor, size: 1 MiB, erase_size: ${eraseSize} }
partitions:
  - { label: u-boot, offset: 0, size: 64 KiB, read_only: true }
  - { label: firmware, offset: 64 KiB, size: 960 KiB, parser: 'denx,uimage' }
split: { mode: nested, parser: uimage }
block_size: ${eraseSize}
kernel: kernel-bin | uImage lzma
artefacts:
  sysupgrade.bin: append-kernel | pad-to ${eraseSize} | append-rootfs | pad-rootfs | check-size 960k | append-metadata
`;
}

interface Step {
  readonly budget: FlashBudget;
  readonly mounts: boolean;
}

async function step(eraseSize: number, endian: 'big' | 'little', payload: number): Promise<Step> {
  const inputs = writeImageInputs(join(folder, `${endian}-${eraseSize}`), { kernelSize: 20_000 });
  writeFileSync(join(inputs.root, 'payload'), noise(payload));
  const profile = loadBoardProfile(profileText(eraseSize, endian), 'edge.yaml');
  const plan = planBuild(loadRecipe(readFileSync(inputs.recipe, 'utf8'), inputs.recipe), [profile], {
    detect: detectRootSource,
  });
  await using built = await executeBuild(plan, [profile], {
    outputFolder: join(folder, 'out'),
    signal: new AbortController().signal,
    tasks: { run: (_, work) => work({ progress: () => undefined }) },
    warn: () => undefined,
    programVersion: 'test',
  });
  const [board] = built.boards;
  if (!board?.images.flash) throw new Error('no flash image');
  const budget = countBudget({ profile, firmware: board.images.firmware });
  const rootfs = budget.partitions.find(({ label }) => label === 'rootfs');
  const { exitCode } = await runOracle({
    image: board.images.flash,
    script: 'mount_overlay && echo x >/mnt/x',
    endian,
    eraseSize,
    partitions: `${rootfs?.offset ?? 0}(front),-(rootfs)`,
  });
  return { budget, mounts: exitCode === 0 };
}

describe.each([
  [4096, 'little', 'uml'],
  [4096, 'big', 'uml-big'],
  [65536, 'little', 'uml'],
  [65536, 'big', 'uml-big'],
] as const)('erase blocks of %i bytes, %s-endian', (eraseSize, endian, backend) => {
  requires(oracle(backend))('budget and kernel flip at the same block', async () => {
    const blocksInFront = Math.ceil((firmwareOffset + 20_000) / eraseSize);
    const seen: { blocks: number; fits: boolean; mounts: boolean }[] = [];
    for (let left = 6; left >= 4; left -= 1) {
      // Half a block less than full, so that superblock and tables do not reach into the next one.
      const payload = chipSize - (blocksInFront + left) * eraseSize - (eraseSize > 4096 ? eraseSize / 2 : 1500);
      const { budget, mounts } = await step(eraseSize, endian, payload);
      seen.push({ blocks: budget.overlay?.eraseBlocks ?? 0, fits: budget.fits, mounts });
    }
    expect(seen.map(({ blocks }) => blocks)).toEqual([6, 5, 4]);
    expect(seen.map(({ fits }) => fits)).toEqual([true, true, false]);
    expect(seen.map(({ mounts }) => mounts)).toEqual(seen.map(({ fits }) => fits));
  });
});
