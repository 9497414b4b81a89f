/** Steps with storage besides the flash. */
import { readArchiveTreeFromBytes } from '../../archive/index.js';
import { ScenarioError } from '../../core/index.js';
import { treeFromFileSystem } from '../../vfs/index.js';
import { copyTreeOver } from '../overlay/copy-over.js';
import type { Device } from '../device/device.js';
import { Storage } from '../device/storage.js';
import type { RunningSystem } from '../device/system.js';
import type { ScenarioStep } from './schema.js';

const defaultUuid = '5eed0000-0000-4000-8000-000000000001';

/** Plugs in the storage of that name that was there before, or a new one. */
export function plugStorage(
  device: Device,
  args: Extract<ScenarioStep, { kind: 'plug' }>['arguments'],
  read: (file: string) => Uint8Array,
): void {
  const { device: name, type = 'ext4', uuid = defaultUuid, label, readyAfter, capacity, tar } = args;
  const known = device.storages.get(name);
  if (known && Object.keys(args).length === 1) {
    device.plug(known);
    return;
  }
  const content = tar === undefined ? undefined : readArchiveTreeFromBytes(read(tar), tar).root;
  const options = {
    device: name,
    type,
    uuid,
    ...(label === undefined ? {} : { label }),
    ...(readyAfter === undefined ? {} : { readyAfterSeconds: readyAfter }),
    ...(capacity === undefined ? {} : { capacity }),
    ...(content ? { content } : {}),
  };
  device.plug(new Storage(options, device.clock));
}

/** Finds a storage, plugged in or not. @throws ScenarioError FW_EMULATOR_STORAGE */
export function storageOf(device: Device, name: string): Storage {
  const storage = device.storages.get(name);
  if (storage) return storage;
  throw new ScenarioError('FW_EMULATOR_STORAGE', `no storage ${name} was plugged in`, {
    hint: 'plug it in first: `plug: { device: sda1 }`',
  });
}

/** What `tar -C /overlay -c . | tar -C /mnt -x` does. @throws FsError ENOSPC */
export function copyOverlay({ overlay, jffs2 }: RunningSystem, storage: Storage): void {
  const from = jffs2 ?? overlay?.fs;
  if (!from) throw new ScenarioError('FW_EMULATOR_STORAGE', 'no overlay is mounted', { hint: 'boot first' });
  copyTreeOver(storage.fs, storage.fs.root, treeFromFileSystem(from));
}
