/**
 * FIT images: a device tree that holds kernel, device trees and root file systems with their hashes.
 *
 * @see SPEC.md "FIT"; U-Boot doc/usage/fit/source_file_format.rst
 */
import { createHash } from 'node:crypto';
import { crc32, FormatError } from '../core/index.js';
import { concatBytes, padded, sameBytes } from './bytes.js';
import {
  cellProperty,
  cellValue,
  deviceTreeTable,
  findNode,
  readDeviceTree,
  textProperty,
  textValue,
  writeDeviceTree,
} from './device-tree.js';
import type { DeviceTreeNode } from './device-tree.js';

/** One image inside a FIT; `offset` counts from the start of the file. */
export interface FitImage {
  readonly name: string;
  readonly description: string;
  readonly type: string;
  readonly arch: string;
  readonly os: string;
  readonly compression: string;
  readonly offset: number;
  readonly size: number;
  /** True when the data stands behind the tree. */
  readonly external: boolean;
  readonly hashes: readonly { readonly algorithm: string; readonly ok: boolean | undefined }[];
}

/** A FIT read from bytes, every hash verified. */
export interface FitReading {
  readonly description: string;
  readonly time: number | undefined;
  /** Bytes of the tree. */
  readonly treeSize: number;
  /** Bytes up to the end of the last external data. */
  readonly size: number;
  readonly images: readonly FitImage[];
  readonly defaultConfiguration: string | undefined;
}

/** Says whether a device tree is a FIT: it has a node `images`. */
export function isFit(root: DeviceTreeNode): boolean {
  return findNode(root, 'images') !== undefined;
}

/**
 * Reads the FIT that starts at `offset`.
 *
 * @throws FormatError as `readDeviceTree` does
 */
export function readFit(bytes: Uint8Array, offset = 0): FitReading {
  const { tree, placeOf } = readDeviceTree(bytes, offset);
  const external = offset + Math.ceil(tree.totalSize / 4) * 4;
  const images = (findNode(tree.root, 'images')?.children ?? []).map((node) => {
    const inside = placeOf(node, 'data');
    const size = node.properties.get('data')?.length ?? cellProperty(node, 'data-size') ?? 0;
    const position = cellProperty(node, 'data-position');
    const start =
      inside ??
      (position === undefined ? external + (cellProperty(node, 'data-offset') ?? 0) : offset + position);
    const data = bytes.subarray(start, start + size);
    return {
      name: node.name,
      description: textProperty(node, 'description') ?? '',
      type: textProperty(node, 'type') ?? '',
      arch: textProperty(node, 'arch') ?? '',
      os: textProperty(node, 'os') ?? '',
      compression: textProperty(node, 'compression') ?? '',
      offset: start,
      size,
      external: inside === undefined,
      hashes: node.children
        .filter(({ name }) => name.startsWith('hash'))
        .map((hash) => {
          const algorithm = textProperty(hash, 'algo') ?? '';
          const value = hash.properties.get('value');
          const computed = hashOf(algorithm, data);
          return {
            algorithm,
            ok: value && computed ? data.length === size && sameBytes(value, computed) : undefined,
          };
        }),
    };
  });
  return {
    description: textProperty(tree.root, 'description') ?? '',
    time: cellProperty(tree.root, 'timestamp'),
    treeSize: tree.totalSize,
    size: Math.max(tree.totalSize, ...images.map((image) => image.offset + image.size - offset)),
    images,
    defaultConfiguration: textProperty(findNode(tree.root, 'configurations') ?? tree.root, 'default'),
  };
}

/** Computes a hash by its name in FIT images; undefined for one that is not known. */
function hashOf(algorithm: string, data: Uint8Array): Uint8Array | undefined {
  switch (algorithm) {
    case 'crc32':
      return cellValue(crc32(data));
    case 'md5':
    case 'sha1':
    case 'sha256':
    case 'sha512':
      return new Uint8Array(createHash(algorithm).update(data).digest());
    default:
      return undefined;
  }
}

/** What a caller chooses of a FIT with a kernel and, perhaps, a device tree. */
export interface FitOptions {
  readonly description: string;
  readonly time: number;
  readonly arch: string;
  readonly compression: string;
  readonly load: number;
  readonly entry: number;
  readonly kernel: Uint8Array;
  readonly deviceTree?: Uint8Array | undefined;
  /** Name of the configuration that boots. */
  readonly configuration: string;
  /**
   * Where the data stands: inside the tree; behind it, on multiples of 4 KiB; or the same with the places counted from
   * the start of the file, the first at 4 KiB. Default inside.
   */
  readonly data?: 'inside' | 'external' | 'external-fixed' | undefined;
}

/** Data outside of the tree stands on multiples of this. */
const externalUnit = 0x1000;

/** Builds a FIT, each image hashed with CRC-32 and SHA-1. */
export function buildFit(options: FitOptions): Uint8Array {
  const { kernel, deviceTree, configuration } = options;
  const hashes = (data: Uint8Array): DeviceTreeNode[] =>
    ['crc32', 'sha1'].map((algorithm, index) =>
      node(`hash-${index + 1}`, { value: hashOf(algorithm, data), algo: textValue(algorithm) }),
    );
  const images = [
    node(
      'kernel-1',
      {
        description: textValue(options.description),
        data: kernel,
        type: textValue('kernel'),
        arch: textValue(options.arch),
        os: textValue('linux'),
        compression: textValue(options.compression),
        load: cellValue(options.load),
        entry: cellValue(options.entry),
      },
      hashes(kernel),
    ),
    ...(deviceTree
      ? [
          node(
            'fdt-1',
            {
              description: textValue(`${options.description} device tree blob`),
              data: deviceTree,
              type: textValue('flat_dt'),
              arch: textValue(options.arch),
              compression: textValue('none'),
            },
            hashes(deviceTree),
          ),
        ]
      : []),
  ];
  const root = node(
    '',
    {
      timestamp: cellValue(options.time),
      description: textValue(`${options.arch.toUpperCase()} ${options.description}`),
      '#address-cells': cellValue(1),
    },
    [
      node('images', {}, images),
      node('configurations', { default: textValue(configuration) }, [
        node(configuration, {
          description: textValue(options.description),
          kernel: textValue('kernel-1'),
          fdt: deviceTree && textValue('fdt-1'),
        }),
      ]),
    ],
  );
  return options.data === undefined || options.data === 'inside'
    ? write(root)
    : moveDataOut(root, options.data === 'external-fixed');
}

const write = (root: DeviceTreeNode): Uint8Array =>
  writeDeviceTree({ root, totalSize: 0, bootCpu: 0, reservations: [], strings: new Uint8Array(0) });

/** Puts the data of the images behind the tree, as `mkimage -E -B 0x1000` does, with `-p 0x1000` when fixed. */
function moveDataOut(root: DeviceTreeNode, isFixed: boolean): Uint8Array {
  const pieces: Uint8Array[] = [];
  let used = 0;
  const moved = (image: DeviceTreeNode): DeviceTreeNode => {
    const data = image.properties.get('data') ?? new Uint8Array(0);
    const properties = new Map(image.properties);
    properties.delete('data');
    properties.set('data-size', cellValue(data.length));
    if (isFixed) properties.set('data-position', cellValue(externalUnit + used));
    else properties.set('data-offset', cellValue(used));
    const piece = padded(data, externalUnit);
    pieces.push(piece);
    used += piece.length;
    return { ...image, properties };
  };
  const children = root.children.map((child) =>
    child.name === 'images' ? { ...child, children: child.children.map(moved) } : child,
  );
  const tree = padded(write({ ...root, children }), externalUnit);
  if (isFixed && tree.length > externalUnit)
    throw new FormatError(
      'FW_FIRMWARE_FIELD',
      `the tree takes ${tree.length} bytes, more than the ${externalUnit} in front of data at a fixed place`,
      {
        data: { structure: 'FIT', expected: externalUnit, found: tree.length },
      },
    );
  // The tree counts the fill as its own, so that offsets from its end are on the unit.
  new DataView(tree.buffer, tree.byteOffset).setUint32(deviceTreeTable.fields.totalSize.offset, tree.length);
  return concatBytes(tree, ...pieces);
}

function node(
  name: string,
  properties: Readonly<Record<string, Uint8Array | undefined>>,
  children: readonly DeviceTreeNode[] = [],
): DeviceTreeNode {
  const present = Object.entries(properties).filter(
    (entry): entry is [string, Uint8Array] => entry[1] !== undefined,
  );
  return { name, properties: new Map(present), children };
}
