/**
 * The words behind `-o`: those of overlayfs and of FreeBSD's mount_unionfs, those of mount(8), and a few of ours.
 * A word that is not known is refused, never dropped.
 */
import { UsageError } from '../../core/index.js';
import { masquerade, policies, splitLayerList } from '../../union/index.js';
import type { CopyMode, UnionPolicy } from '../../union/index.js';
import { deviceLayers } from './device-layer.js';
import type { DeviceChoice } from './device-layer.js';

/** What the words say. */
export interface MountWords {
  lowers: string[];
  upper?: string;
  work?: string;
  policy: UnionPolicy;
  readOnly: boolean;
  cacheSeconds?: number;
  source?: string;
  subtype?: string;
  allowOther?: boolean;
  /** Words handed on to the kernel. */
  readonly kernel: string[];
  /** An image shows the device of a board. */
  device: DeviceChoice;
  /** Words that were understood and need nothing done, so that helpers of mount(8) work. */
  readonly ignored: string[];
}

/** Facts of the mount point that defaults are taken from. */
export interface MountPointFacts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const kernelWords = new Set([
  'dev',
  'nodev',
  'suid',
  'nosuid',
  'exec',
  'noexec',
  'async',
  'sync',
  'dirsync',
  'atime',
  'noatime',
  'relatime',
]);
/** Words of fstab that are for mount(8), and switches that are always on here. */
const quietWords = new Set([
  'rw',
  'defaults',
  'auto',
  'noauto',
  'nofail',
  '_netdev',
  'user',
  'nouser',
  'default_permissions',
]);

/** Splits the text of `-o` at commas; a backslash takes the meaning from the next character. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  for (let at = 0; at < text.length; at++) {
    // Layer lists have their own use for the backslash, so only the one before a comma ends here.
    if (text[at] === '\\' && text[at + 1] === ',') word += text[++at] ?? '';
    else if (text[at] === ',') {
      words.push(word);
      word = '';
    } else word += text[at] ?? '';
  }
  return [...words, word].filter((part) => part !== '');
}

/**
 * Reads all words.
 *
 * @throws UsageError FW_USAGE_MOUNT for an unknown word or a value outside its set
 */
export function readMountWords(words: readonly string[], mountPoint: MountPointFacts): MountWords {
  const { policy, rest } = choosePolicy(words);
  const found: MountWords = {
    lowers: [],
    policy,
    readOnly: false,
    kernel: [],
    device: { board: undefined, layer: 'root', write: false, save: undefined },
    ignored: [],
  };
  const copy = new Map<string, string>();
  for (const word of rest) {
    const at = word.indexOf('=');
    const [key, value] = at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    if (['copymode', 'ufile', 'udir', 'uid', 'gid'].includes(key)) copy.set(key, value);
    else readWord(found, word, key, value);
  }
  const copyMode = copyModeFrom(copy, mountPoint);
  if (copyMode) found.policy = { ...found.policy, copyMode };
  return found;
}

function choosePolicy(words: readonly string[]): { policy: UnionPolicy; rest: string[] } {
  const chosen =
    words
      .filter((word) => word.startsWith('policy='))
      .at(-1)
      ?.slice('policy='.length) ?? 'overlayfs';
  const policy = Object.entries(policies).find(([name]) => name === chosen)?.[1];
  if (!policy) throw wrong('policy', chosen, Object.keys(policies));
  return { policy, rest: words.filter((word) => !word.startsWith('policy=')) };
}

function readWord(found: MountWords, word: string, key: string, value: string): void {
  switch (key) {
    case 'lowerdir':
      found.lowers = splitLayerList(value);
      return;
    case 'upperdir':
      found.upper = value;
      return;
    case 'workdir':
      found.work = value;
      return;
    case 'ro':
      found.readOnly = true;
      return;
    case 'redirect_dir':
      found.policy = {
        ...found.policy,
        redirectDir: oneOf(key, value, ['on', 'follow', 'nofollow', 'off'] as const),
      };
      return;
    case 'index':
    case 'metacopy':
      found.policy = { ...found.policy, [key]: oneOf(key, value, ['on', 'off'] as const) === 'on' };
      return;
    case 'whiteout':
      found.policy = { ...found.policy, whiteout: oneOf(key, value, ['whenneeded', 'always'] as const) };
      return;
    case 'copyup':
      found.policy = { ...found.policy, copyUp: oneOf(key, value, ['write', 'open'] as const) };
      return;
    case 'userxattr':
      found.policy = { ...found.policy, prefix: 'user.overlay.' };
      return;
    case 'volatile':
      found.policy = { ...found.policy, volatile: true };
      return;
    case 'xino':
    case 'uuid':
      // Numbers are constant here whatever the layers are.
      oneOf(key, value, ['on', 'off', 'auto', 'null'] as const);
      found.ignored.push(word);
      return;
    case 'board':
    case 'save':
      found.device = { ...found.device, [key]: value };
      return;
    case 'layer':
      found.device = { ...found.device, layer: oneOf(key, value, deviceLayers) };
      return;
    case 'write':
      found.device = { ...found.device, write: true };
      return;
    case 'timeout':
      found.cacheSeconds = number(key, value, 10);
      return;
    case 'fsname':
      found.source = value;
      return;
    case 'subtype':
      found.subtype = value;
      return;
    case 'allow_other':
      found.allowOther = true;
      return;
    default:
      if (kernelWords.has(key)) found.kernel.push(word);
      else if (quietWords.has(key) || key.startsWith('x-') || key.startsWith('comment'))
        found.ignored.push(word);
      else
        throw new UsageError('FW_USAGE_MOUNT', `unknown mount option ${word}`, {
          hint: 'firmwright mount --help',
        });
  }
}

function copyModeFrom(copy: ReadonlyMap<string, string>, mountPoint: MountPointFacts): CopyMode | undefined {
  if (copy.size === 0) return undefined;
  const kind = oneOf('copymode', copy.get('copymode') ?? 'masquerade', [
    'transparent',
    'traditional',
    'masquerade',
  ] as const);
  const [uid, gid] = ['uid', 'gid'].map((key) => optionalNumber(key, copy.get(key), 10));
  if (kind === 'transparent') return { kind };
  if (kind === 'traditional')
    return { kind, uid: uid ?? process.getuid?.() ?? 0, gid: gid ?? process.getgid?.() ?? 0 };
  const [ufile, udir] = ['ufile', 'udir'].map((key) => optionalNumber(key, copy.get(key), 8));
  return masquerade(
    {
      ...(ufile !== undefined && { ufile }),
      ...(udir !== undefined && { udir }),
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    },
    mountPoint,
  );
}

function oneOf<const Value extends string>(key: string, value: string, allowed: readonly Value[]): Value {
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw wrong(key, value, allowed);
  return found;
}

function number(key: string, value: string, base: 8 | 10): number {
  if (!(base === 8 ? /^[0-7]+$/ : /^\d+$/).test(value)) {
    throw wrong(key, value, [base === 8 ? 'octal bits' : 'a whole number']);
  }
  return Number.parseInt(value, base);
}

function optionalNumber(key: string, value: string | undefined, base: 8 | 10): number | undefined {
  return value === undefined ? undefined : number(key, value, base);
}

function wrong(key: string, value: string, allowed: readonly string[]): UsageError {
  return new UsageError(
    'FW_USAGE_MOUNT',
    `mount option ${key}: found '${value}', expected ${allowed.join(' | ')}`,
  );
}
