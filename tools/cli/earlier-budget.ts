/** What `budget --against` compares with: an earlier document, the record of a build, or an image. */
import { z } from 'zod';
import type { BoardProfile } from '../boards/index.js';
import type { ComparableBudget } from '../budget/index.js';
import { UsageError } from '../core/index.js';
import { countImage } from './budgets.js';
import { readImage } from './input-files.js';

const size = z.int().min(0);
const comparable = z.object({
  board: z.string(),
  rootfs: z
    .object({
      size,
      packages: z.array(z.object({ name: z.string(), version: z.string(), names: size, size, stored: size })),
      unowned: z.object({ names: size, size, stored: size }),
    })
    .optional(),
  overlay: z.object({ eraseBlocks: size }).optional(),
  files: z.array(z.object({ path: z.string(), stored: size })),
});
const documents = z.union([
  z.object({ budgets: z.array(comparable) }),
  z.object({ boards: z.array(z.object({ budget: comparable })) }),
]);

/**
 * Reads the budget to compare with.
 *
 * @param path  a document of `budget --json` or `build --json`, `firmwright.json`, or an image for the board
 * @throws UsageError FW_USAGE_FILE for JSON that holds no budget of the board
 */
export function readEarlierBudget(path: string, profile: BoardProfile): ComparableBudget {
  const bytes = readImage(path);
  if (!/^\s*\{/.test(Buffer.from(bytes.subarray(0, 64)).toString('latin1')))
    return countImage(bytes, profile).budget;
  const document = documents.safeParse(parseJson(bytes, path));
  if (!document.success) {
    throw new UsageError('FW_USAGE_FILE', `${path} holds no budget`, {
      hint: 'give a document of budget --json, the firmwright.json of a build, or an image',
    });
  }
  const budgets =
    'budgets' in document.data ? document.data.budgets : document.data.boards.map(({ budget }) => budget);
  const found = budgets.find(({ board }) => board === profile.id);
  if (found) return found;
  const boards = budgets.map(({ board }) => board).join(', ');
  throw new UsageError(
    'FW_USAGE_FILE',
    `${path} holds no budget of board ${profile.id}, only of ${boards || 'none'}`,
  );
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new UsageError('FW_USAGE_FILE', `${path} starts as JSON and is none`, { cause });
  }
}
