/** A folder that unpacking wrote, with the record beside it. */
import { readFileSync } from 'node:fs';
import { FormatError } from '../core/index.js';
import { applyRecord, attributeRecordSchema, latestTime } from './attribute-record.js';
import type { AttributeRecord, TreeChanges } from './attribute-record.js';
import { folderTree } from './folder-tree.js';
import type { FolderTree } from './folder-tree.js';
import { recordPathOf, wrapHostError } from './root-source.js';

/** A folder with its record, and what was edited since it was unpacked. */
export interface RecordedFolderTree extends FolderTree {
  readonly changes: TreeChanges;
}

/**
 * Reads a folder that unpacking wrote, with owners, modes, nodes, attributes and times as recorded beside it.
 *
 * @param mtimeNs  time of what was added or edited since; the latest time of the record when absent
 * @throws EnvironmentError FW_ENV_FILE; FormatError FW_ROOTFS_RECORD when the record is damaged
 */
export function recordedFolderTree(path: string, mtimeNs?: bigint): RecordedFolderTree {
  const record = readRecord(recordPathOf(path));
  const time = mtimeNs ?? latestTime(record);
  const tree = folderTree({ kind: 'folder', path, attributes: 'keep' }, time);
  const changes = applyRecord(tree.root, record, time);
  return { ...tree, changes };
}

function readRecord(path: string): AttributeRecord {
  const text = wrapHostError(path, () => readFileSync(path, 'utf8'));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw damagedRecord(path, error.message);
  }
  const parsed = attributeRecordSchema().safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damagedRecord(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

function damagedRecord(path: string, reason: string): FormatError {
  return new FormatError('FW_ROOTFS_RECORD', `${path} is damaged: ${reason}`, {
    hint: 'correct it, or unpack the image again',
    data: { path },
  });
}
