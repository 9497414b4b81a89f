import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { checkoutPath, EnvironmentError } from '../core/index.js';

/** Debian packages of the shared libraries that the addons link. */
const packageOfLibrary: Readonly<Record<string, string>> = {
  'libarchive.so': 'libarchive13',
  'libdeflate.so': 'libdeflate0',
  'libfuse3.so': 'libfuse3-3',
  'liblz4.so': 'liblz4-1',
  'liblzma.so': 'liblzma5',
  'liblzo2.so': 'liblzo2-2',
  'libsquashfs.so': 'libsquashfs1',
  'libz.so': 'zlib1g',
  'libzstd.so': 'libzstd1',
};

const require = createRequire(import.meta.url);

/**
 * Loads the native addon of one subject, `build/Release/firmwright_<subject>.node` of the checkout.
 *
 * @param subject  such as `squashfs`
 * @param names    exports that the addon must have; an addon built from older sources lacks some
 * @throws EnvironmentError FW_ENV_ADDON_MISSING when it is not built, is out of date, or a shared library is missing
 */
export function loadAddon<T extends object>(subject: string, names: readonly (keyof T & string)[]): T {
  const file = checkoutPath(`build/Release/firmwright_${subject}.node`);
  let addon: unknown;
  try {
    addon = require(file);
  } catch (cause) {
    throw missingAddon(subject, file, cause);
  }
  const absent = names.filter((name) => !(addon instanceof Object && name in addon));
  if (absent.length > 0) {
    throw missingAddon(subject, file, new Error(`it is out of date: no ${absent.join(', ')}`));
  }
  return addon as T;
}

/** Makes the error for an addon that does not load: which library is missing, or that it has to be built. */
export function missingAddon(subject: string, file: string, cause: unknown): EnvironmentError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const library = /(lib[\w+-]+\.so)[.\d]*: cannot open shared object/.exec(reason)?.[1];
  if (library !== undefined) {
    const name = packageOfLibrary[library];
    return new EnvironmentError(
      'FW_ENV_ADDON_MISSING',
      `the ${subject} addon needs ${library}, which is missing`,
      {
        hint: name === undefined ? 'npm run setup' : `apt-get install ${name}`,
        data: { subject, library },
        cause,
      },
    );
  }
  const fault = existsSync(file)
    ? `the ${subject} addon cannot be loaded: ${reason.split('\n')[0] ?? ''}`
    : `the ${subject} addon is not built: ${file} is not there`;
  return new EnvironmentError('FW_ENV_ADDON_MISSING', fault, {
    hint: 'npm run build:native',
    data: { subject, file, reason },
    cause,
  });
}
