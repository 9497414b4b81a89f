/** Writes planned steps as nodes; how the pages of files are placed is the matter of a `PageWriter`. */
import { FormatError, textOf } from '../../core/index.js';
import type { StoredData } from '../compression/compression.js';
import { encodeDirent, encodeInode, encodeXattr, encodeXref } from '../node/encode.js';
import {
  comprNumbers,
  INODE_SIZE,
  SUMMARY_DIRENT_SIZE,
  SUMMARY_INODE_SIZE,
  SUMMARY_XATTR_SIZE,
  SUMMARY_XREF_SIZE,
} from '../node/layout.js';
import type { Endian } from '../node/layout.js';
import type { Page, ReadyStep } from './content.js';
import type { BlockOutput } from './output.js';
import type { InodeTemplate } from './plan.js';

/** Places the pages of one file after the other; large files come in pieces, `isEnd` tells the last. */
export interface PageWriter {
  write(template: InodeTemplate, pages: readonly Page[], isEnd: boolean): void;
}

/** Appends one node of a file to the current block, where the caller has seen that it fits. */
export type PutInode = (template: InodeTemplate, version: number, offset: number, stored: StoredData) => void;

/** Makes the function that appends nodes of files. */
export function inodePutter(output: BlockOutput, endian: Endian): PutInode {
  return (template, version, offset, stored) => {
    const { compr, data, consumed: dsize } = stored;
    const node = encodeInode({ ...template, version, offset, dsize, compr }, data, endian);
    output.append(node, { kind: 'inode', ino: template.ino, version, totlen: node.length });
  };
}

/** Writes every step in order. */
export function writeSteps(
  steps: Iterable<ReadyStep>,
  output: BlockOutput,
  endian: Endian,
  pages: PageWriter,
): void {
  const putInode = inodePutter(output, endian);
  const put = (node: Uint8Array, entrySize: number, entry: Parameters<BlockOutput['append']>[1]): void => {
    output.need(node.length, entrySize);
    output.append(node, entry);
  };
  for (const step of steps) {
    switch (step.kind) {
      case 'dirent': {
        const { pino, version, ino, type, name } = step.fields;
        const node = encodeDirent(step.fields, endian);
        const entry = { kind: 'dirent', pino, version, ino, type, name, totlen: node.length } as const;
        put(node, SUMMARY_DIRENT_SIZE + name.length, entry);
        break;
      }
      case 'xattr': {
        const { xid, version } = step.fields;
        const node = encodeXattr(step.fields, endian);
        if (node.length > output.roomInEmptyBlock(SUMMARY_XATTR_SIZE)) {
          const path = textOf(step.path);
          const found = node.length;
          throw new FormatError(
            'FW_JFFS2_LIMIT',
            `${path}: an attribute of ${found} bytes is larger than a block`,
            {
              data: { path, structure: 'attribute', found },
            },
          );
        }
        put(node, SUMMARY_XATTR_SIZE, { kind: 'xattr', xid, version, totlen: node.length });
        break;
      }
      case 'xref':
        put(encodeXref(step.fields, endian), SUMMARY_XREF_SIZE, { kind: 'xref' });
        break;
      case 'inode': {
        const { template, version, data } = step;
        output.need(INODE_SIZE + data.length, SUMMARY_INODE_SIZE);
        putInode(template, version, 0, { compr: comprNumbers.none, data, consumed: data.length });
        break;
      }
      case 'pages':
        pages.write(step.file.template, step.pages, step.isEnd);
        break;
    }
  }
}
