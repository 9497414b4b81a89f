/** Bills of materials: valid by their schemas, every file exactly once, the same for the same image. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { byteStringFromText } from '../../tools/core/index.js';
import { assembleRootTree, detectRootSource } from '../../tools/rootfs/index.js';
import { billOf, cycloneDx, spdx } from '../../tools/sbom/index.js';
import type { Bill } from '../../tools/sbom/index.js';
import { licenseExpression } from '../../tools/sbom/license.js';
import { walkTree } from '../../tools/vfs/index.js';
import type { TreeDirectory } from '../../tools/vfs/index.js';
import { fixture, fixturePath, path, requires } from '../support/requires.js';
import { routerTree } from '../support/router-image.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const schemas = join(
  dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json')),
  'res/schema',
);
const schemaOf = (file: string): object => JSON.parse(readFileSync(file, 'utf8')) as object;

const control = [
  'Package: web',
  'Version: 1.0-1',
  'Depends: libz, libgone',
  'License: GPL-2.0 BSD-3-Clause',
  'Maintainer: Ann Example <ann@example.org>',
  'CPE-ID: cpe:/a:example:web',
  'Source: feeds/base/web',
  'Description:  Serves pages.',
  ' Two lines.',
].join('\n');

function smallRoot(): TreeDirectory {
  return routerTree({
    '/usr/lib/opkg/status': [
      'Package: web\nVersion: 1.0-1\nDepends: libz, libgone\nStatus: install user installed\nArchitecture: mips_24kc\n',
      'Package: libz\nVersion: 1:2.3+git~1\nStatus: install ok installed\nArchitecture: mips_24kc\n',
      'Package: kmod-odd+name\nVersion: 5\nStatus: install ok installed\nArchitecture: all\n',
    ].join('\n'),
    '/usr/lib/opkg/info/web.list': '/usr/sbin/web\n/etc/config/web\n',
    '/usr/lib/opkg/info/web.control': control,
    '/usr/lib/opkg/info/libz.control': 'Package: libz\nLicense: Some own terms\n',
    '/usr/lib/opkg/info/libz.list': '/usr/lib/libz.so\n',
    '/usr/lib/opkg/info/kmod-odd+name.list': '',
    '/usr/sbin/web': 'program',
    '/etc/config/web': 'config',
    '/usr/lib/libz.so': 'library',
    '/etc/os-release': 'NAME="OpenWrt"\nID="openwrt"\n',
  });
}

function bill(root: TreeDirectory): Bill {
  return billOf({
    name: 'image.bin',
    version: 'OpenWrt 1.0 r1',
    sha256: createHash('sha256').update('image').digest('hex'),
    builtAt: 1_700_000_000,
    board: 'ubnt_unifi-ap',
    root,
    tool: { name: 'firmwright', version: '0.1.0' },
  });
}

/** CycloneDX's own schema, with the two that it refers to. */
function checkCycloneDx(document: object): void {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  // Formats of international names that the checker does not know; the document uses neither.
  for (const format of ['idn-email', 'iri-reference']) ajv.addFormat(format, true);
  for (const file of ['spdx', 'jsf-0.82', 'cryptography-defs'].map((name) => `${name}.SNAPSHOT.schema.json`))
    ajv.addSchema(schemaOf(join(schemas, file)), `http://cyclonedx.org/schema/${file}`);
  const validate = ajv.compile(schemaOf(join(schemas, 'bom-1.6.SNAPSHOT.schema.json')));
  validate(document);
  expect(validate.errors ?? []).toEqual([]);
}

const spdxId = z.string().regex(/^SPDXRef-[A-Za-z0-9.-]+$/);
const checksum = z.strictObject({
  algorithm: z.enum(['SHA1', 'SHA256']),
  checksumValue: z.string().regex(/^[0-9a-f]{40,64}$/),
});
/** The fields of SPDX 2.3 that a bill uses, with the rules of chapters 6 to 11 that a JSON schema does not hold. */
const spdxDocument = z.strictObject({
  spdxVersion: z.literal('SPDX-2.3'),
  dataLicense: z.literal('CC0-1.0'),
  SPDXID: z.literal('SPDXRef-DOCUMENT'),
  name: z.string(),
  documentNamespace: z.url(),
  creationInfo: z.strictObject({
    created: z.iso.datetime(),
    creators: z.array(z.string().regex(/^Tool: \S+-\S+$/)),
  }),
  documentDescribes: z.array(spdxId),
  packages: z.array(
    z.strictObject({
      SPDXID: spdxId,
      name: z.string(),
      versionInfo: z.string(),
      downloadLocation: z.literal('NOASSERTION'),
      primaryPackagePurpose: z.enum(['FIRMWARE', 'APPLICATION', 'LIBRARY', 'OPERATING_SYSTEM']),
      filesAnalyzed: z.boolean(),
      packageVerificationCode: z
        .strictObject({ packageVerificationCodeValue: z.string().length(40) })
        .optional(),
      licenseInfoFromFiles: z.array(z.string()).optional(),
      checksums: z.array(checksum).optional(),
      comment: z.string().optional(),
      licenseConcluded: z.string().optional(),
      licenseDeclared: z.string().optional(),
      copyrightText: z.string().optional(),
      description: z.string().optional(),
      originator: z
        .string()
        .regex(/^Person: /)
        .optional(),
      sourceInfo: z.string().optional(),
      externalRefs: z
        .array(
          z.strictObject({
            referenceCategory: z.enum(['PACKAGE-MANAGER', 'SECURITY']),
            referenceType: z.string(),
            referenceLocator: z.string().regex(/^\S+$/),
          }),
        )
        .optional(),
    }),
  ),
  files: z.array(
    z.strictObject({
      SPDXID: spdxId,
      fileName: z.string().regex(/^\.\//),
      checksums: z.array(checksum),
      licenseConcluded: z.string(),
      licenseInfoInFiles: z.array(z.string()),
      copyrightText: z.string(),
      comment: z.string().optional(),
    }),
  ),
  relationships: z.array(
    z.strictObject({
      spdxElementId: spdxId,
      relationshipType: z.enum(['DESCRIBES', 'CONTAINS', 'DEPENDS_ON']),
      relatedSpdxElement: spdxId,
    }),
  ),
  hasExtractedLicensingInfos: z
    .array(z.strictObject({ licenseId: z.string(), extractedText: z.string(), name: z.string() }))
    .optional(),
});

function checkSpdx(document: object): z.infer<typeof spdxDocument> {
  const read = spdxDocument.parse(document);
  const ids = [
    read.SPDXID,
    ...read.packages.map((one) => one.SPDXID),
    ...read.files.map((one) => one.SPDXID),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  for (const { spdxElementId, relatedSpdxElement } of read.relationships) {
    expect(ids).toContain(spdxElementId);
    expect(ids).toContain(relatedSpdxElement);
  }
  return read;
}

function everyFile(root: TreeDirectory): string[] {
  return [...walkTree(root)]
    .filter(({ inode }) => inode.type !== 'directory')
    .map(({ path: name }) => name)
    .sort();
}

describe('a small root', () => {
  const made = bill(smallRoot());

  test('every file has one home; what opkg keeps on a package belongs to it', () => {
    const files = [...made.components.flatMap((one) => one.files), ...made.unowned].map((file) => file.path);
    expect(files.sort()).toEqual(everyFile(smallRoot()));
    expect(made.components.find((one) => one.package.name === 'web')?.files.map((file) => file.path)).toEqual(
      ['/etc/config/web', '/usr/lib/opkg/info/web.control', '/usr/lib/opkg/info/web.list', '/usr/sbin/web'],
    );
    expect(made.unowned.map((file) => file.path)).toContain('/etc/passwd');
  });

  test('components have purl, dependencies that are installed, and what the control file says', () => {
    expect(made.components.map(({ purl, kind, dependsOn }) => ({ purl, kind, dependsOn }))).toEqual([
      { purl: 'pkg:opkg/openwrt/kmod-odd%2Bname@5?arch=all', kind: 'driver', dependsOn: [] },
      { purl: 'pkg:opkg/openwrt/libz@1:2.3%2Bgit~1?arch=mips_24kc', kind: 'library', dependsOn: [] },
      { purl: 'pkg:opkg/openwrt/web@1.0-1?arch=mips_24kc', kind: 'application', dependsOn: ['libz'] },
    ]);
    expect(made.components[2]?.package).toMatchObject({
      license: 'GPL-2.0 BSD-3-Clause',
      maintainer: 'Ann Example <ann@example.org>',
      cpe: 'cpe:/a:example:web',
    });
  });

  test('CycloneDX: valid by its schema; licences as expressions, or by the name they have', () => {
    const document = cycloneDx(made);
    checkCycloneDx(document);
    expect(document).toMatchObject({
      components: [
        { type: 'device-driver' },
        { type: 'library', licenses: [{ license: { name: 'Some own terms' } }] },
        { type: 'application', licenses: [{ expression: 'GPL-2.0 AND BSD-3-Clause' }] },
        ...made.unowned.map(({ path: name }) => ({
          type: 'file',
          name,
          properties: expect.arrayContaining([{ name: 'firmwright:owner', value: 'none' }]) as unknown,
        })),
      ],
    });
  });

  test('SPDX: every field known, identifiers unique, relationships between things that are there', () => {
    const document = checkSpdx(spdx(made));
    expect(document.hasExtractedLicensingInfos).toEqual([
      { licenseId: 'LicenseRef-1', extractedText: 'Some own terms', name: 'Some own terms' },
    ]);
    const hashes = ['program', 'config', control, '/usr/sbin/web\n/etc/config/web\n'].map((text) =>
      createHash('sha1').update(text).digest('hex'),
    );
    expect(document.packages.find(({ name }) => name === 'web')?.packageVerificationCode).toEqual({
      packageVerificationCodeValue: createHash('sha1').update(hashes.sort().join('')).digest('hex'),
    });
  });

  test('the same image gives the same bill', () => {
    expect(cycloneDx(bill(smallRoot()))).toEqual(cycloneDx(made));
    expect(made.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

test('a root without packages: all files are unowned, and both documents are valid', () => {
  const root = routerTree();
  root.entries.set(byteStringFromText('odd\\name'), {
    type: 'char',
    mode: 0o600,
    uid: 0,
    gid: 0,
    mtimeNs: 0n,
    xattrs: new Map(),
    rdev: { major: 5, minor: 1 },
  });
  const made = bill(root);
  expect(made.unowned).toHaveLength(everyFile(root).length);
  checkCycloneDx(cycloneDx(made));
  checkSpdx(spdx(made));
});

test.each([
  ['GPL-2.0', 'GPL-2.0'],
  ['GPL-2.0+', 'GPL-2.0+'],
  ['MIT BSD-3-Clause', 'MIT AND BSD-3-Clause'],
  ['MIT, ISC', 'MIT AND ISC'],
  ['GPL-2.0-or-later WITH Classpath-exception-2.0', 'GPL-2.0-or-later WITH Classpath-exception-2.0'],
  ['GPL-3.0-with-GCC-exception', 'GPL-3.0-with-GCC-exception'],
  ['Public Domain', undefined],
  ['', undefined],
])('licence line %j reads as %j', (line, expression) => {
  expect(licenseExpression(line)).toBe(expression);
});

for (const name of [
  'rootfs-openwrt-15.05-ath25-mips-be.tar.xz',
  'rootfs-openwrt-19.07.7-rt305x-mips-le.tar.xz',
]) {
  requires(fixture(name))(`${name}: both documents are valid, every file has one home`, async () => {
    using tree = await assembleRootTree([detectRootSource(fixturePath(name))], {
      temporaryFolder: folder,
      sourceDateEpoch: 0,
    });
    const made = bill(tree.root);
    const owned = made.components.flatMap((one) => one.files);
    expect([...owned, ...made.unowned].map((file) => file.path).sort()).toHaveLength(
      everyFile(tree.root).length,
    );
    expect(owned.length).toBeGreaterThan(made.unowned.length);
    checkCycloneDx(cycloneDx(made));
    checkSpdx(spdx(made));
  });
}

requires(path(process.env['FIRMWRIGHT_SPDX_SCHEMA'] ?? 'schema of SPDX 2.3 (FIRMWRIGHT_SPDX_SCHEMA)'))(
  'SPDX: valid by the schema that its authors publish',
  () => {
    const validate = new Ajv({ strict: false, allErrors: true }).compile(
      schemaOf(process.env['FIRMWRIGHT_SPDX_SCHEMA'] ?? ''),
    );
    validate(spdx(bill(smallRoot())));
    expect(validate.errors ?? []).toEqual([]);
  },
);
