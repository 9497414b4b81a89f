/** The chip to scale: a bar of its partitions, and every erase block as a cell. */
import { formatSize } from '../../core/index.js';
import { innermostPartitions } from '../count.js';
import type { BudgetPartition, FlashBudget } from '../count.js';
import { digits, escapeHtml } from './markup.js';

/** What a range of the chip holds, as the colours tell it. */
type Role = 'kernel' | 'rootfs' | 'rootfs_data' | 'other';

interface Area {
  readonly label: string;
  readonly role: Role;
  readonly offset: number;
  readonly size: number;
  readonly used: number;
  readonly readOnly: boolean;
}

/** Renders map and table of the partitions. */
export function flashMap(budget: FlashBudget): string {
  const areas = areasOf(budget);
  const chip = Math.max(0, ...budget.partitions.map(({ offset, size }) => offset + size));
  if (chip === 0) return '';
  const blocks = Math.ceil(chip / budget.eraseSize);
  return `<section aria-labelledby="map-title">
<h2 id="map-title">Flash map</h2>
<p class="lead">${digits(blocks)} erase blocks of ${formatSize(budget.eraseSize)}, ${formatSize(chip)} in all, to scale. Filled: in use. Outlined: free.</p>
${bar(areas, chip)}
${blockGrid(areas, blocks, budget.eraseSize)}
${table(areas, budget.eraseSize)}
</section>`;
}

function areasOf(budget: FlashBudget): Area[] {
  return innermostPartitions(budget).map(({ label, offset, size, used, readOnly }) => ({
    label,
    role: roleOf(label),
    offset,
    size,
    used,
    readOnly,
  }));
}

function roleOf(label: BudgetPartition['label']): Role {
  return label === 'kernel' || label === 'rootfs' || label === 'rootfs_data' ? label : 'other';
}

function bar(areas: readonly Area[], chip: number): string {
  const shapes = areas.map(({ role, offset, size, used, label }) => {
    const [x, width, filled] = [offset, size, Math.min(used, size)].map((value) => (1000 * value) / chip);
    const title = `<title>${escapeHtml(label)}: ${formatSize(size)} at 0x${offset.toString(16)}</title>`;
    return `<g class="${role}">${title}${rectangle('free', x, width)}${rectangle('used', x, filled)}</g>`;
  });
  return `<svg class="bar" viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" aria-label="Partitions along the chip, to scale; the table below lists them">${shapes.join('')}</svg>
<div class="scale" aria-hidden="true"><span>0</span><span>${formatSize(chip / 2)}</span><span>${formatSize(chip)}</span></div>`;
}

function rectangle(className: string, x = 0, width = 0): string {
  return `<rect class="${className}" x="${x.toFixed(2)}" y="1" width="${width.toFixed(2)}" height="38"/>`;
}

/** One path for all blocks of one look, so that a chip of thousands of blocks stays small. */
function blockGrid(areas: readonly Area[], blocks: number, eraseSize: number): string {
  const columns = blocks <= 1024 ? 32 : 64;
  const paths = new Map<string, string[]>();
  for (let block = 0; block < blocks; block += 1) {
    const start = block * eraseSize;
    const look = lookOf(areas, start, start + eraseSize);
    const [x, y] = [(block % columns) * 10 + 1, Math.floor(block / columns) * 10 + 1];
    const path = paths.get(look) ?? [];
    path.push(`M${x} ${y}h8v8h-8z`);
    paths.set(look, path);
  }
  const rows = Math.ceil(blocks / columns);
  const shapes = [...paths].map(([look, path]) => `<path class="${look}" d="${path.join('')}"/>`);
  return `<svg class="blocks" viewBox="0 0 ${columns * 10} ${rows * 10}" role="img" aria-label="${blocks} erase blocks, row by row from the start of the chip">${shapes.join('')}</svg>`;
}

/** A block shows the area that has most of it. */
function lookOf(areas: readonly Area[], start: number, end: number): string {
  const overlap = ({ offset }: Area, size: number): number =>
    Math.min(end, offset + size) - Math.max(start, offset);
  const [best] = areas.toSorted((a, b) => overlap(b, b.size) - overlap(a, a.size));
  if (!best || overlap(best, best.size) <= 0) return 'gap';
  return `${best.role} ${overlap(best, best.used) > 0 ? 'used' : 'free'}`;
}

function table(areas: readonly Area[], eraseSize: number): string {
  const rows = areas.map(({ label, role, offset, size, used, readOnly }) => {
    const name = `<span class="chip ${role}" aria-hidden="true"></span>${escapeHtml(label)}${readOnly ? '' : ' <small>writable</small>'}`;
    const cells = [`0x${offset.toString(16)}`, digits(size), digits(used), digits(size - used)];
    const blocks = Math.round((10 * size) / eraseSize) / 10;
    return `<tr><th scope="row">${name}</th>${[...cells, blocks].map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="Partitions"><table>
<thead><tr><th scope="col">Partition</th><th scope="col">Offset</th><th scope="col">Size, bytes</th><th scope="col">Used</th><th scope="col">Free</th><th scope="col">Erase blocks</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}
