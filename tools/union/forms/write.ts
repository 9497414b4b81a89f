/** Writes the marks of one directory in any form; nothing of another form is touched. */
import { bytesOf } from '../../core/index.js';
import type { ByteString } from '../../core/index.js';
import type { FileSystem, Ino } from '../../vfs/index.js';
import { aufsOpaque, fuseOpaque, markSet } from '../marks.js';
import { makeWhiteoutObject } from '../whiteout-object.js';
import { formAbilities } from './layer-form.js';
import type { LayerForm } from './layer-form.js';
import { writeMiniFoList } from './mini-fo.js';
import type { MarkedDirectory } from './scan.js';
import { hide } from './unionfs-fuse.js';

/** Marks of one directory that is there. */
export interface MarksToWrite extends Pick<MarkedDirectory, 'path' | 'whiteouts' | 'opaque' | 'redirect'> {
  readonly ino: Ino;
  /** Its directories whose lower parts are elsewhere. */
  readonly renamed: ReadonlyMap<ByteString, ByteString>;
}

const prefixed = (form: LayerForm, mark: string): ByteString =>
  `${formAbilities[form].prefix ?? ''}${mark}` as ByteString;

/** Writes the marks; what the form cannot hold was refused before. */
export function writeMarks(fs: FileSystem, root: Ino, marks: MarksToWrite, form: LayerForm): void {
  const { ino, path, whiteouts, opaque, redirect, renamed } = marks;
  const names = [...whiteouts];
  switch (form) {
    case 'overlay':
    case 'overlay-x':
    case 'overlay-user':
    case 'overlay-v7': {
      if (opaque) fs.setxattr(ino, prefixed(form, 'opaque'), markSet);
      else if (form === 'overlay-x' && names.length > 0)
        fs.setxattr(ino, prefixed(form, 'opaque'), Uint8Array.of(0x78));
      if (redirect !== undefined) fs.setxattr(ino, prefixed(form, 'redirect'), bytesOf(redirect));
      const how = { form: form === 'overlay-user' ? 'overlay' : form, prefix: prefixed(form, '') } as const;
      for (const name of names) makeWhiteoutObject(fs, how, ino, name);
      return;
    }
    case 'aufs':
      if (opaque) makeRecord(fs, ino, aufsOpaque);
      for (const name of names) makeRecord(fs, ino, `.wh.${name}` as ByteString);
      return;
    case 'fuse-overlayfs':
      if (opaque) makeRecord(fs, ino, fuseOpaque);
      for (const name of names) makeWhiteoutObject(fs, { form: 'overlay', prefix: '' }, ino, name);
      return;
    case 'bsd':
      if (opaque) fs.whiteouts?.setOpaque(ino, true);
      for (const name of names) fs.whiteouts?.add(ino, name);
      return;
    case 'unionfs-fuse':
      for (const name of names) hide(fs, root, path, name);
      return;
    case 'mini_fo':
      writeMiniFoList(fs, ino, { deleted: names, renamed });
  }
}

function makeRecord(fs: FileSystem, directory: Ino, name: ByteString): void {
  if (fs.lookup(directory, name) !== undefined) return;
  makeWhiteoutObject(fs, { form: 'aufs', prefix: '' }, directory, name);
}
