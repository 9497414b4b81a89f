/**
 * A bill as CycloneDX 1.6 JSON: the image is the main component, packages are components that hold their files, files
 * without an owner stand beside them.
 *
 * @see CycloneDX 1.6, bom-1.6.schema.json
 */
import type { Bill, BillComponent, BillFile } from './bill.js';
import { licenseExpression } from './license.js';

const componentTypes = {
  application: 'application',
  library: 'library',
  driver: 'device-driver',
  kernel: 'operating-system',
} as const;

/** Writes a bill as a CycloneDX document. */
export function cycloneDx({ subject, uuid, components, unowned }: Bill): object {
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuid}`,
    version: 1,
    metadata: {
      timestamp: new Date(subject.builtAt * 1000).toISOString(),
      tools: { components: [{ type: 'application', ...subject.tool }] },
      component: {
        type: 'firmware',
        'bom-ref': 'image',
        name: subject.name,
        version: subject.version,
        hashes: [{ alg: 'SHA-256', content: subject.sha256 }],
        properties: [{ name: 'firmwright:board', value: subject.board }],
      },
    },
    components: [
      ...components.map(packageComponent),
      ...unowned.map((file) => ({ ...fileComponent(file), properties: [owner(), ...kindOf(file)] })),
    ],
    dependencies: [
      { ref: 'image', dependsOn: components.map(referenceOf) },
      ...components.map((component) => ({
        ref: referenceOf(component),
        dependsOn: component.dependsOn.map((name) => `package:${name}`),
      })),
    ],
  };
}

function referenceOf({ package: { name } }: BillComponent): string {
  return `package:${name}`;
}

function packageComponent(component: BillComponent): object {
  const { name, version, description, license, maintainer, cpe } = component.package;
  return {
    type: componentTypes[component.kind],
    'bom-ref': referenceOf(component),
    name,
    version,
    purl: component.purl,
    ...(description === undefined ? {} : { description }),
    ...(maintainer === undefined ? {} : { publisher: maintainer }),
    ...(cpe === undefined ? {} : { cpe }),
    ...(license === undefined ? {} : { licenses: [licenseOf(license)] }),
    ...(component.files.length === 0
      ? {}
      : { components: component.files.map((file) => withProperties(fileComponent(file), kindOf(file))) }),
  };
}

function licenseOf(text: string): object {
  const expression = licenseExpression(text);
  return expression === undefined ? { license: { name: text } } : { expression };
}

function fileComponent({ path, sha1, sha256 }: BillFile): object {
  return {
    type: 'file',
    'bom-ref': `file:${path}`,
    name: path,
    hashes: [
      { alg: 'SHA-1', content: sha1 },
      { alg: 'SHA-256', content: sha256 },
    ],
  };
}

interface Property {
  readonly name: string;
  readonly value: string;
}

function owner(): Property {
  return { name: 'firmwright:owner', value: 'none' };
}

/** What a reader must know of a file whose hash is not over its content. */
function kindOf({ kind, target }: BillFile): Property[] {
  if (kind === 'file') return [];
  return [
    { name: 'firmwright:kind', value: kind },
    ...(target === undefined ? [] : [{ name: 'firmwright:target', value: target }]),
  ];
}

function withProperties(component: object, properties: readonly Property[]): object {
  return properties.length === 0 ? component : { ...component, properties };
}
