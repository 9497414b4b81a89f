/** The chip as two lines of boxes: the partitions in their order, and how far each is filled. */
import { innermostPartitions } from '../../budget/index.js';
import type { FlashBudget } from '../../budget/index.js';
import type { Style } from './style.js';

const columns = 76;
/** A chip with so many partitions that its boxes are wider than this is not drawn. */
const columnsMax = 120;

/**
 * Draws the partitions of a budget; a box is as wide as its label, and what is left of the line goes by size.
 *
 * @returns two lines, or nothing for a chip of too many partitions
 */
export function drawFlash(budget: FlashBudget, style: Style): string {
  const partitions = innermostPartitions(budget);
  const chip = partitions.reduce((sum, { size }) => sum + size, 0);
  const labels = partitions.reduce((sum, { label }) => sum + label.length, 0);
  if (chip === 0 || labels + partitions.length + 1 > columnsMax) return '';
  const rest = Math.max(0, columns - labels - partitions.length - 1);
  const boxes = partitions.map(({ label, size, used }) => {
    const width = label.length + Math.round((rest * size) / chip);
    const filled = used === 0 ? 0 : Math.max(1, Math.round((width * Math.min(used, size)) / size));
    return {
      name: style.bold(label.padEnd(width)),
      fill: style.cyan('█'.repeat(filled)) + style.dim('░'.repeat(width - filled)),
    };
  });
  const line = (part: 'name' | 'fill'): string => `│${boxes.map((box) => box[part]).join('│')}│\n`;
  return line('name') + line('fill');
}
