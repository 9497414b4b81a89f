/** `inspect`: says what is inside a firmware file. */
import { formatSize, groupDigits } from '../../core/index.js';
import { inspectFile, stripMap, walkParts } from '../../inspect/index.js';
import type { Inspection, Part } from '../../inspect/index.js';
import { cancellationPoint } from '../cancellation-point.js';
import { defineCommand, example } from '../command.js';
import type { Session } from '../command.js';
import type { InspectDocument } from '../documents/inspect.js';
import { readInput } from '../input-files.js';
import { renderTable } from '../render/table.js';

/** The verb. */
export const inspect = defineCommand(
  (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'any firmware file or flash dump' })
      .option('decode', {
        type: 'boolean',
        default: true,
        describe: 'decompress streams to find their end and to verify them',
      })
      .option('details', { type: 'boolean', default: false, describe: 'every field of every header' })
      .example(...example('$0 inspect firmware.bin', 'headers, file systems, padding, with their checksums'))
      .example(...example('$0 inspect firmware.bin --json', 'the same for programs')),
  async (args, session) => {
    const inspection = inspectFile(await readInput(args.file, session), { decode: args.decode });
    await cancellationPoint(session.signal);
    const document: InspectDocument = {
      schemaVersion: 1,
      file: args.file,
      size: inspection.size,
      sha256: inspection.sha256,
      parts: inspection.parts.map(plainPart),
      failedChecks: [...walkParts(inspection.parts)].flatMap(({ part }) =>
        part.checks.filter(({ ok }) => !ok),
      ).length,
    };
    session.result(document, () => render(inspection, args.details, session));
    return 0;
  },
);

type DocumentPart = InspectDocument['parts'][number];

function plainPart(part: Part): DocumentPart {
  return {
    ...part,
    details: Object.fromEntries(
      Object.entries(part.details).map(([key, value]) => [
        key,
        typeof value === 'object' ? structuredClone(value) : value,
      ]),
    ) as DocumentPart['details'],
    checks: [...part.checks],
    parts: part.parts.map(plainPart),
  };
}

function render({ size, sha256, parts }: Inspection, details: boolean, { style }: Session): string {
  const { strip, legend, bytesPerCell } = stripMap(parts, size);
  const rows = [...walkParts(parts)].flatMap(({ part, depth }) => [
    [
      `0x${part.offset.toString(16)}`,
      groupDigits(part.size),
      `${'  '.repeat(depth)}${part.title}`,
      part.checks.map(({ name, ok }) => `${name} ${ok ? 'ok' : 'WRONG'}`).join(', '),
    ],
    ...(details
      ? Object.entries(part.details).map(([key, value]) => [
          '',
          '',
          `${'  '.repeat(depth + 2)}${key}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
          '',
        ])
      : []),
  ]);
  const table = renderTable(
    [
      { heading: 'offset', align: 'right' },
      { heading: 'size bytes', align: 'right' },
      { heading: 'what' },
      { heading: 'checks' },
    ],
    rows,
    style.bold,
  );
  const map =
    size === 0 ? '' : `${strip}\none letter is ${formatSize(bytesPerCell)}: ${legend.join(', ')}\n\n`;
  return `${groupDigits(size)} bytes, sha256 ${sha256}\n\n${map}${table}${summary(parts, size)}`;
}

/** What to make of it: the checks together, file systems that can be unpacked, bytes that nothing explains. */
function summary(parts: readonly Part[], size: number): string {
  const all = [...walkParts(parts)].map(({ part }) => part);
  const checks = all.flatMap((part) => part.checks.map((check) => ({ ...check, part })));
  const wrong = checks.filter(({ ok }) => !ok);
  const unknown = all.filter(({ kind }) => kind === 'unknown').reduce((sum, part) => sum + part.size, 0);
  const readable = all.some(({ kind, details }) => kind === 'jffs2' || details['canUnpack'] === true);
  const lines = [
    ...(checks.length > 0 && wrong.length === 0
      ? [checks.length === 1 ? 'the one check is right' : `all ${checks.length} checks are right`]
      : []),
    ...wrong.map(
      ({ name, part }) =>
        `WRONG: ${name} of the ${part.title} at 0x${part.offset.toString(16)}${cutNote(part)}`,
    ),
    ...(unknown > size / 100 ? [`${groupDigits(unknown)} bytes are unknown`] : []),
    ...(readable ? ['firmwright unpack FILE -C DIR takes it apart'] : []),
  ];
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}

/** A structure that says more bytes than there are was cut off. */
function cutNote({ details, size }: Part): string {
  const said = details['bytesUsed'] ?? details['dataSize'] ?? details['length'] ?? details['imageSize'];
  return typeof said === 'number' && said > size
    ? `: it says ${groupDigits(said)} bytes, ${groupDigits(size)} are there; the file may be cut off`
    : '';
}
