/** The union that the words of a mount describe. */
import { resolve } from 'node:path';
import { byteStringFromText, UsageError } from '../../core/index.js';
import { joinLayerList, layerAt, mountUnion } from '../../union/index.js';
import type { Union } from '../../union/index.js';
import type { MountWords } from './options.js';
import type { OpenLayer, Sources } from './sources.js';

/**
 * Opens the layers and mounts the union over them.
 *
 * @param warn  hears what the union has to say of its layers
 * @throws UsageError FW_USAGE_MOUNT for layers that do not go together; as `Sources.open` and `mountUnion`
 */
export function openUnion(
  words: MountWords,
  sources: Sources,
  warn: (warning: { readonly code: string; readonly message: string }) => void,
): Union {
  const lowers = words.lowers.map((path) => sources.open(resolve(path)));
  const { policy, readOnly } = words;
  if (words.upper === undefined) return mountUnion({ lowers, policy, readOnly: true, warn });
  const upper = sources.open(resolve(words.upper), true);
  if (upper.fs.kind !== 'host') {
    // An image has room for both: the changes lie in its folders upper and work, as OpenWrt lays them out.
    const [top, work] = ['upper', 'work'].map((name) => layerAt(upper.fs, byteStringFromText(`/${name}`)));
    return mountUnion({
      lowers,
      upper: { ...upper, ...top },
      policy,
      readOnly,
      warn,
      ...(work?.root && { work: work.root }),
    });
  }
  if (words.work === undefined) {
    throw new UsageError('FW_USAGE_MOUNT', 'an upper needs a work folder beside it', { hint: '--work DIR' });
  }
  const work = sources.open(resolve(words.work), true);
  if (work.fs !== upper.fs || work.root === undefined) {
    throw new UsageError('FW_USAGE_MOUNT', 'upper and work folder must lie on one file system', {
      data: { errno: 'EINVAL' },
    });
  }
  refuseOverlap(lowers, [upper, work]);
  for (const path of new Set([resolve(words.upper), resolve(words.work)])) sources.claim(path);
  return mountUnion({ lowers, upper, work: work.root, policy, readOnly, warn });
}

/** The kernel refuses a longer source, which is one page with its end. */
const sourceMax = 3000;

/** What the table of mounts shows of a union: its layers from the top, as a list of them is written (9). */
export function layersAsSource({ layers }: Union): string {
  const list = joinLayerList(layers);
  return list.length > sourceMax ? `union of ${layers.length} layers` : list;
}

/** Folders that lie in one another but are reached through different mounts, which the union cannot see (6). */
function refuseOverlap(lowers: readonly OpenLayer[], writable: readonly OpenLayer[]): void {
  for (const lower of lowers) {
    for (const { fs, name, place } of writable) {
      if (lower.fs === fs || lower.place === undefined || place === undefined) continue;
      if (!`${lower.place}/`.startsWith(`${place}/`) && !`${place}/`.startsWith(`${lower.place}/`)) continue;
      throw new UsageError(
        'FW_USAGE_MOUNT',
        `${name ?? 'upper'} and ${lower.name ?? 'lower'} lie inside one another`,
        {
          data: { errno: 'ELOOP' },
        },
      );
    }
  }
}
