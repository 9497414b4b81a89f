/**
 * A bill as SPDX 2.3 JSON: the image is a package that contains the installed packages and the files without an owner.
 *
 * @see SPDX 2.3, schemas/spdx-schema.json; 7.9 for the package verification code
 */
import { createHash } from 'node:crypto';
import type { Bill, BillComponent, BillFile } from './bill.js';
import { licenseExpression } from './license.js';

const imageId = 'SPDXRef-Image';

/** Writes a bill as an SPDX document. */
export function spdx({ subject, uuid, components, unowned }: Bill): object {
  const files = [...components.flatMap((component) => component.files), ...unowned];
  const idOf = new Map(files.map((file, i) => [file, `SPDXRef-File-${i + 1}`]));
  const ids = (owned: readonly BillFile[]): string[] => owned.map((file) => idOf.get(file) ?? '');
  const licenses = new ExtractedLicenses();
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: subject.name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(subject.name)}-${uuid}`,
    creationInfo: {
      created: `${new Date(subject.builtAt * 1000).toISOString().slice(0, 19)}Z`,
      creators: [`Tool: ${subject.tool.name}-${subject.tool.version}`],
    },
    documentDescribes: [imageId],
    packages: [
      {
        SPDXID: imageId,
        name: subject.name,
        versionInfo: subject.version,
        downloadLocation: 'NOASSERTION',
        primaryPackagePurpose: 'FIRMWARE',
        filesAnalyzed: false,
        checksums: [{ algorithm: 'SHA256', checksumValue: subject.sha256 }],
        comment: `board ${subject.board}; ${unowned.length} files belong to no package`,
      },
      ...components.map((component) => packageOf(component, licenses)),
    ],
    files: files.map((file) => fileOf(file, idOf.get(file) ?? '')),
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', imageId),
      ...components.map((component) => relationship(imageId, 'CONTAINS', packageId(component.package.name))),
      ...components.flatMap(({ package: { name }, dependsOn }) =>
        dependsOn.map((other) => relationship(packageId(name), 'DEPENDS_ON', packageId(other))),
      ),
      ...components.flatMap((component) =>
        ids(component.files).map((id) => relationship(packageId(component.package.name), 'CONTAINS', id)),
      ),
      ...ids(unowned).map((id) => relationship(imageId, 'CONTAINS', id)),
    ],
    ...(licenses.all.length === 0 ? {} : { hasExtractedLicensingInfos: licenses.all }),
  };
}

/** Identifiers take letters, digits, dots and dashes only; a name with others is told apart by its hash. */
function packageId(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9.-]/g, '-');
  const suffix = clean === name ? '' : `-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  return `SPDXRef-Package-${clean}${suffix}`;
}

function packageOf({ package: one, purl, kind, files }: BillComponent, licenses: ExtractedLicenses): object {
  const { name, version, license, description, maintainer, source, cpe } = one;
  return {
    SPDXID: packageId(name),
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    primaryPackagePurpose:
      kind === 'library' ? 'LIBRARY' : kind === 'kernel' ? 'OPERATING_SYSTEM' : 'APPLICATION',
    ...(files.length === 0
      ? { filesAnalyzed: false }
      : {
          filesAnalyzed: true,
          packageVerificationCode: { packageVerificationCodeValue: verificationCode(files) },
          licenseInfoFromFiles: ['NOASSERTION'],
        }),
    licenseConcluded: 'NOASSERTION',
    licenseDeclared:
      license === undefined ? 'NOASSERTION' : (licenseExpression(license) ?? licenses.idOf(license)),
    copyrightText: 'NOASSERTION',
    ...(description === undefined ? {} : { description }),
    ...(maintainer === undefined ? {} : { originator: `Person: ${maintainer}` }),
    ...(source === undefined ? {} : { sourceInfo: source }),
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl },
      ...(cpe === undefined
        ? []
        : [{ referenceCategory: 'SECURITY', referenceType: 'cpe22Type', referenceLocator: cpe }]),
    ],
  };
}

function fileOf({ path, sha1, sha256, kind, target }: BillFile, id: string): object {
  const comment =
    kind === 'file'
      ? undefined
      : kind === 'symlink'
        ? `symbolic link to ${target ?? ''}; the checksums are those of the target's path`
        : `${kind}; the checksums are those of no bytes`;
  return {
    SPDXID: id,
    fileName: `.${path}`,
    checksums: [
      { algorithm: 'SHA1', checksumValue: sha1 },
      { algorithm: 'SHA256', checksumValue: sha256 },
    ],
    licenseConcluded: 'NOASSERTION',
    licenseInfoInFiles: ['NOASSERTION'],
    copyrightText: 'NOASSERTION',
    ...(comment === undefined ? {} : { comment }),
  };
}

function verificationCode(files: readonly BillFile[]): string {
  return createHash('sha1')
    .update(
      files
        .map(({ sha1 }) => sha1)
        .sort()
        .join(''),
    )
    .digest('hex');
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): object {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

/** Licences that are no SPDX expressions, numbered as they come. */
class ExtractedLicenses {
  readonly #ids = new Map<string, string>();

  idOf(text: string): string {
    const id = this.#ids.get(text) ?? `LicenseRef-${this.#ids.size + 1}`;
    this.#ids.set(text, id);
    return id;
  }

  get all(): object[] {
    return [...this.#ids].map(([text, licenseId]) => ({ licenseId, extractedText: text, name: text }));
  }
}
