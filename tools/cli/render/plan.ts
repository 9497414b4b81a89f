/** A build plan as text, and as JSON. */
import type { BuildPlan } from '../../build/index.js';
import { formatSize } from '../../core/index.js';
import type { Style } from './style.js';

/** The plan as JSON: attribute values become hexadecimal. */
export function planDocument(plan: BuildPlan): Record<string, unknown> {
  const copy: unknown = JSON.parse(
    JSON.stringify(plan, (_, value: unknown) =>
      value instanceof Uint8Array ? `0x${Buffer.from(value).toString('hex')}` : value,
    ),
  );
  return { ...(copy as object) };
}

/** Renders the plan: sources, squashfs images, then each board with the steps of its artefacts. */
export function renderPlan(plan: BuildPlan, style: Style): string {
  const lines = [`${style.bold(plan.name)}, build time ${plan.sourceDateEpoch}`];
  for (const source of plan.root.sources) {
    lines.push(
      `  root tree from ${source.kind} ${'path' in source ? source.path : source.packages.join(' ')}`,
    );
  }
  for (const pack of plan.packs) {
    const { blockSize } = pack.parameters;
    lines.push(`  squashfs ${pack.id}, blocks of ${formatSize(blockSize)}, for ${pack.boards.join(', ')}`);
  }
  for (const board of plan.boards) {
    lines.push(style.bold(board.board), `  kernel ${board.kernel}`);
    for (const step of board.kernelSteps) lines.push(`    ${step.text}: ${step.does}`);
    for (const artefact of board.artefacts) {
      lines.push(`  ${artefact.file}`);
      for (const step of artefact.steps) lines.push(`    ${step.text}: ${step.does}`);
    }
    if (board.flashImage) {
      lines.push(`  ${board.flashImage.file}, ${formatSize(board.flashImage.size)}`);
      for (const { label, offset, content } of board.flashImage.parts) {
        const what = typeof content === 'string' ? content : content.file;
        lines.push(`    0x${offset.toString(16).padStart(7, '0')} ${label}: ${what}`);
        if (content !== 'firmware') continue;
        for (const step of board.flashImage.firmwareSteps) lines.push(`      ${step.text}: ${step.does}`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}
