/** Changes of names in the directories: made, linked, moved, removed. */
import type { HostCalls } from '../../addon/index.js';
import type { ByteString } from '../../core/index.js';
import { errnoNumbers } from '../errno.js';
import type { Ino, NewInode, NewNode, RenameFlags } from '../file-system.js';
import { checkName } from '../names.js';
import { typeBits } from '../type-bits.js';
import { checkDone, hostFailure } from './host-failure.js';
import type { HostObjects } from './host-objects.js';
import { O_RDWR, O_TMPFILE } from './open-flags.js';

/** Owner and mode of a new object; a symlink has no mode. */
type Ownership = Omit<NewInode, 'mode'> & { readonly mode?: number };

/** Makes and removes names, and keeps what is known of the objects true. */
export class HostNameChanges {
  readonly #calls: HostCalls;
  readonly #objects: HostObjects;
  readonly #uid = process.geteuid?.() ?? 0;

  constructor(calls: HostCalls, objects: HostObjects) {
    this.#calls = calls;
    this.#objects = objects;
  }

  mknod(directory: Ino, name: ByteString, { type, mode, uid, gid, rdev }: NewNode): Ino {
    return this.#make('mknod', directory, name, { mode, uid, gid }, (path) =>
      this.#calls.mknod(path, typeBits[type] | 0o600, rdev?.major ?? 0, rdev?.minor ?? 0),
    );
  }

  mkdir(directory: Ino, name: ByteString, { mode, uid, gid }: NewInode): Ino {
    return this.#make('mkdir', directory, name, { mode, uid, gid }, (path) => this.#calls.mkdir(path, 0o700));
  }

  symlink(directory: Ino, name: ByteString, target: ByteString, { uid, gid }: NewInode): Ino {
    return this.#make('symlink', directory, name, { uid, gid }, (path) => this.#calls.symlink(target, path));
  }

  tmpfile(directory: Ino, { mode, uid, gid }: NewInode): Ino {
    const parent = this.#objects.directory(directory, 'tmpfile');
    const descriptor = this.#calls.open(this.#objects.path(parent), O_TMPFILE | O_RDWR, 0o600);
    if (descriptor < 0) throw hostFailure(-descriptor, 'tmpfile');
    const path = `/proc/self/fd/${descriptor}`;
    checkDone(this.#calls.stat(path, true, this.#objects.block.slots), 'tmpfile');
    const node = this.#objects.metNameless(descriptor);
    this.#setOwnership(path, true, { mode, uid, gid });
    return node.ino;
  }

  link(ino: Ino, directory: Ino, name: ByteString): void {
    checkName(name, 'link');
    const node = this.#objects.node(ino, 'link');
    this.#objects.stat(node, 'link');
    const parent = this.#objects.directory(directory, 'link');
    const path = `${this.#objects.path(parent)}/${name}`;
    checkDone(this.#calls.link(...this.#objects.place(node), path), 'link', name);
    this.#objects.addName(node, parent, name);
  }

  unlink(directory: Ino, name: ByteString): void {
    this.#remove('unlink', directory, name, (path) => this.#calls.unlink(path));
  }

  rmdir(directory: Ino, name: ByteString): void {
    this.#remove('rmdir', directory, name, (path) => this.#calls.rmdir(path));
  }

  rename(
    directory: Ino,
    name: ByteString,
    newDirectory: Ino,
    newName: ByteString,
    { noreplace, exchange, whiteout }: RenameFlags,
  ): void {
    checkName(name, 'rename');
    checkName(newName, 'rename');
    const objects = this.#objects;
    const [from, to] = [objects.directory(directory, 'rename'), objects.directory(newDirectory, 'rename')];
    const [fromPath, toPath] = [`${objects.path(from)}/${name}`, `${objects.path(to)}/${newName}`];
    const moved = objects.nodeAt(from, name);
    const target = objects.nodeAt(to, newName);
    const replaced = target !== moved && !exchange ? target : undefined;
    if (replaced) objects.anchor(replaced, to, newName);
    const bits = (noreplace ? 1 : 0) | (exchange ? 2 : 0) | (whiteout ? 4 : 0);
    const error = this.#calls.rename(fromPath, toPath, bits);
    if (error !== 0) {
      if (replaced) objects.unanchor(replaced);
      throw hostFailure(error, 'rename', name);
    }
    if (moved && moved === target) return;
    if (replaced) objects.dropName(replaced, to, newName);
    if (moved) {
      objects.forgetName(moved, from, name);
      objects.addName(moved, to, newName);
    }
    if (exchange && target) {
      objects.forgetName(target, to, newName);
      objects.addName(target, from, name);
    }
    objects.touch(from);
    objects.touch(to);
  }

  #make(
    syscall: string,
    directory: Ino,
    name: ByteString,
    ownership: Ownership,
    call: (path: string) => number,
  ): Ino {
    checkName(name, syscall);
    const parent = this.#objects.directory(directory, syscall);
    const path = `${this.#objects.path(parent)}/${name}`;
    checkDone(call(path), syscall, name);
    this.#objects.touch(parent);
    this.#setOwnership(path, false, ownership);
    checkDone(this.#calls.stat(path, false, this.#objects.block.slots), syscall, name);
    return this.#objects.met(parent, name).ino;
  }

  /** Owner first: a change of it clears set-ID bits. */
  #setOwnership(path: string, follow: boolean, { mode, uid, gid }: Ownership): void {
    const { block } = this.#objects;
    checkDone(this.#calls.stat(path, follow, block.slots), 'chown');
    if (block.uid !== uid || block.gid !== gid) {
      const error = this.#calls.chown(path, follow, uid, gid);
      // A plain user cannot give files away; they stay his own, as with any archive he unpacks.
      if (error !== 0 && (error !== errnoNumbers.EPERM || this.#uid === 0)) throw hostFailure(error, 'chown');
    }
    if (mode !== undefined && (block.mode & 0o7777) !== mode)
      checkDone(this.#calls.chmod(path, mode & 0o7777), 'chmod');
  }

  #remove(syscall: string, directory: Ino, name: ByteString, call: (path: string) => number): void {
    checkName(name, syscall);
    const parent = this.#objects.directory(directory, syscall);
    const path = `${this.#objects.path(parent)}/${name}`;
    const node = this.#objects.nodeAt(parent, name);
    if (node) this.#objects.anchor(node, parent, name);
    const error = call(path);
    if (error !== 0) {
      if (node) this.#objects.unanchor(node);
      throw hostFailure(error, syscall, name);
    }
    if (node) this.#objects.dropName(node, parent, name);
    this.#objects.touch(parent);
  }
}
