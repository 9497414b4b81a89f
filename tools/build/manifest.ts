/** The text files beside the images: profiles.json and sha256sums as OpenWrt writes them, package list, build record. */
import type { BoardProfile } from '../boards/index.js';
import type { StepVersion } from '../firmware/index.js';
import type { InstalledPackage } from '../rootfs/index.js';

/** A file as manifests name it. */
export interface ManifestFile {
  readonly name: string;
  /** `sysupgrade`, `factory`, `flash`, ... */
  readonly type: string;
  readonly size: number;
  readonly sha256: string;
}

/** What profiles.json says of one board. */
export interface ManifestBoard {
  readonly profile: BoardProfile;
  readonly prefix: string;
  readonly images: readonly ManifestFile[];
}

/** Writes profiles.json for boards of one target (OpenWrt's schema, metadata version 1). */
export function profilesJson(
  boards: readonly ManifestBoard[],
  version: StepVersion,
  sourceDateEpoch: number,
): string {
  const profiles = boards.map(({ profile, prefix, images }) => {
    const [vendor, model] = splitOnce(profile.name, ' ');
    return [
      profile.id,
      {
        device_packages: [],
        image_prefix: prefix,
        images: images.map(({ name, type, sha256 }) => ({ filesystem: 'squashfs', name, sha256, type })),
        supported_devices: profile.supportedDevices,
        titles: [{ model, vendor }],
      },
    ] as const;
  });
  const [first] = boards;
  return json({
    arch_packages: first?.profile.arch ?? '',
    default_packages: [],
    metadata_version: 1,
    profiles: Object.fromEntries([...profiles].sort(([a], [b]) => (a < b ? -1 : 1))),
    source_date_epoch: sourceDateEpoch,
    target: first?.profile.target ?? '',
    version_code: version.revision,
    version_number: version.version,
  });
}

/** Writes sha256sums, sorted by name, in the form that `sha256sum -c` reads. */
export function sha256Sums(files: readonly ManifestFile[]): string {
  return [...files]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, sha256 }) => `${sha256} *${name}\n`)
    .join('');
}

/** Writes the list of installed packages, a line `name - version` each. */
export function packageManifest(packages: readonly InstalledPackage[]): string {
  return packages.map(({ name, version }) => `${name} - ${version}\n`).join('');
}

/** Writes a JSON document with a final newline. */
export function json(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
