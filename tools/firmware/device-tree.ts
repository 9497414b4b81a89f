/**
 * Flattened device trees: read into plain nodes, written back byte-identical when nothing changed.
 *
 * @see SPEC.md "Device tree"; Devicetree Specification 0.4, chapter 5
 */
import { FormatError, roundUp } from '../core/index.js';
import { concatBytes } from './bytes.js';
import { fieldTable, u32be } from './fields.js';

/** The header of version 17. */
export const deviceTreeTable = fieldTable('device tree header', 40, {
  magic: u32be(0),
  totalSize: u32be(4),
  structOffset: u32be(8),
  stringsOffset: u32be(12),
  reservationsOffset: u32be(16),
  version: u32be(20),
  lastCompatibleVersion: u32be(24),
  bootCpu: u32be(28),
  stringsSize: u32be(32),
  structSize: u32be(36),
});

/** First word of a device tree. */
export const deviceTreeMagic = 0xd00dfeed;
const depthLimit = 64;
const tokens = { beginNode: 1, endNode: 2, property: 3, nop: 4, end: 9 } as const;

/** A node; properties and children keep their order. */
export interface DeviceTreeNode {
  readonly name: string;
  readonly properties: ReadonlyMap<string, Uint8Array>;
  readonly children: readonly DeviceTreeNode[];
}

/** A tree with what is needed to write it back the same. */
export interface DeviceTree {
  readonly root: DeviceTreeNode;
  readonly totalSize: number;
  readonly bootCpu: number;
  /** Pairs of address and size. */
  readonly reservations: readonly (readonly [bigint, bigint])[];
  /** The strings block as it stood, so that names keep their places. */
  readonly strings: Uint8Array;
}

/** Finds where the value of a property stands in the file; see `readDeviceTree`. */
export type PropertyPlace = (node: DeviceTreeNode, property: string) => number | undefined;

/**
 * Reads the device tree that starts at `offset`.
 *
 * @returns the tree, and where each property's value stands in `bytes`
 * @throws FormatError FW_FIRMWARE_MAGIC, FW_FIRMWARE_TRUNCATED, FW_FIRMWARE_DEVICE_TREE for a damaged structure block
 */
export function readDeviceTree(
  bytes: Uint8Array,
  offset = 0,
): { readonly tree: DeviceTree; readonly placeOf: PropertyPlace } {
  const header = deviceTreeTable.read(bytes, offset);
  if (header.magic !== deviceTreeMagic)
    throw new FormatError('FW_FIRMWARE_MAGIC', `no device tree at 0x${offset.toString(16)}`, {
      data: { structure: 'device tree header', offset, expected: deviceTreeMagic, found: header.magic },
    });
  const whole = bytes.subarray(offset, offset + header.totalSize);
  if (whole.length < header.totalSize || header.totalSize < deviceTreeTable.size)
    throw new FormatError('FW_FIRMWARE_TRUNCATED', 'the device tree runs past the end of the file', {
      data: { structure: 'device tree header', offset, expected: header.totalSize, found: whole.length },
    });
  const struct = block(whole, header.structOffset, header.structSize, 'structure block');
  const strings = block(whole, header.stringsOffset, header.stringsSize, 'strings block');
  const places = new Map<DeviceTreeNode, ReadonlyMap<string, number>>();
  const root = readNodes(struct, strings, offset + header.structOffset, places);
  return {
    tree: {
      root,
      totalSize: header.totalSize,
      bootCpu: header.bootCpu,
      reservations: readReservations(whole, header.reservationsOffset),
      strings: Uint8Array.from(strings),
    },
    placeOf: (node, property) => places.get(node)?.get(property),
  };
}

function damaged(what: string, offset: number): FormatError {
  return new FormatError('FW_FIRMWARE_DEVICE_TREE', `device tree: ${what} at 0x${offset.toString(16)}`, {
    data: { structure: 'device tree', offset },
  });
}

function block(whole: Uint8Array, offset: number, size: number, name: string): Uint8Array {
  if (offset + size > whole.length) throw damaged(`${name} runs past the end`, offset);
  return whole.subarray(offset, offset + size);
}

function readReservations(whole: Uint8Array, offset: number): [bigint, bigint][] {
  const view = new DataView(whole.buffer, whole.byteOffset, whole.byteLength);
  const list: [bigint, bigint][] = [];
  for (let at = offset; at + 16 <= whole.length; at += 16) {
    const pair: [bigint, bigint] = [view.getBigUint64(at), view.getBigUint64(at + 8)];
    if (pair[0] === 0n && pair[1] === 0n) return list;
    list.push(pair);
  }
  throw damaged('memory reservations run past the end', offset);
}

interface OpenNode {
  readonly name: string;
  readonly properties: Map<string, Uint8Array>;
  readonly children: DeviceTreeNode[];
  readonly places: Map<string, number>;
}

function readNodes(
  struct: Uint8Array,
  strings: Uint8Array,
  base: number,
  places: Map<DeviceTreeNode, ReadonlyMap<string, number>>,
): DeviceTreeNode {
  const view = new DataView(struct.buffer, struct.byteOffset, struct.byteLength);
  const open: OpenNode[] = [];
  let at = 0;
  const word = (): number => {
    if (at + 4 > struct.length) throw damaged('structure block ends early', at);
    at += 4;
    return view.getUint32(at - 4);
  };
  for (;;) {
    const start = at;
    const token = word();
    const top = open.at(-1);
    if (token === tokens.beginNode) {
      const end = struct.indexOf(0, at);
      if (end < 0) throw damaged('node name without end', at);
      if (open.length >= depthLimit) throw damaged('nodes nest too deep', start);
      const name = Buffer.from(struct.subarray(at, end)).toString('latin1');
      open.push({ name, properties: new Map(), children: [], places: new Map() });
      at = roundUp(end + 1, 4);
    } else if (token === tokens.property && top) {
      const size = word();
      const nameOffset = word();
      const nameEnd = strings.indexOf(0, nameOffset);
      if (at + size > struct.length || nameOffset >= strings.length || nameEnd < 0)
        throw damaged('property runs past its block', start);
      const name = Buffer.from(strings.subarray(nameOffset, nameEnd)).toString('latin1');
      top.properties.set(name, struct.slice(at, at + size));
      top.places.set(name, base + at);
      at = roundUp(at + size, 4);
    } else if (token === tokens.endNode && top) {
      open.pop();
      const node: DeviceTreeNode = { name: top.name, properties: top.properties, children: top.children };
      places.set(node, top.places);
      const parent = open.at(-1);
      if (!parent) return node;
      parent.children.push(node);
    } else if (token !== tokens.nop) {
      throw damaged(`unexpected token ${token}`, start);
    }
  }
}

/** Writes a tree as version 17: header, reservations, structure, strings, in the order of dtc and libfdt. */
export function writeDeviceTree(tree: DeviceTree): Uint8Array {
  const names = new NameTable(tree.strings);
  const struct = concatBytes(...nodeParts(tree.root, names), wordBytes(tokens.end));
  const reservations = new Uint8Array((tree.reservations.length + 1) * 16);
  const view = new DataView(reservations.buffer);
  for (const [index, [address, size]] of tree.reservations.entries()) {
    view.setBigUint64(index * 16, address);
    view.setBigUint64(index * 16 + 8, size);
  }
  const strings = names.bytes();
  const structOffset = deviceTreeTable.size + reservations.length;
  const stringsOffset = structOffset + struct.length;
  // Behind the strings some writers leave room; it is kept as zeros.
  const totalSize = Math.max(tree.totalSize, stringsOffset + strings.length);
  const header = deviceTreeTable.write({
    magic: deviceTreeMagic,
    totalSize,
    structOffset,
    stringsOffset,
    reservationsOffset: deviceTreeTable.size,
    version: 17,
    lastCompatibleVersion: 16,
    bootCpu: tree.bootCpu,
    stringsSize: strings.length,
    structSize: struct.length,
  });
  const whole = concatBytes(header, reservations, struct, strings);
  return concatBytes(whole, new Uint8Array(totalSize - whole.length));
}

/** Property names, each written once. */
class NameTable {
  #text: string;

  constructor(strings: Uint8Array) {
    this.#text = Buffer.from(strings).toString('latin1');
  }

  offsetOf(name: string): number {
    const whole = this.#text.indexOf(`\0${name}\0`);
    if (this.#text.startsWith(`${name}\0`)) return 0;
    if (whole >= 0) return whole + 1;
    const offset = this.#text.length;
    this.#text += `${name}\0`;
    return offset;
  }

  bytes(): Uint8Array {
    return Buffer.from(this.#text, 'latin1');
  }
}

const wordBytes = (...values: number[]): Uint8Array => {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(index * 4, value);
  return bytes;
};

const toWord = (bytes: Uint8Array): Uint8Array =>
  concatBytes(bytes, new Uint8Array(roundUp(bytes.length, 4) - bytes.length));

function nodeParts(node: DeviceTreeNode, names: NameTable): Uint8Array[] {
  return [
    wordBytes(tokens.beginNode),
    toWord(Buffer.from(`${node.name}\0`, 'latin1')),
    ...[...node.properties].flatMap(([name, value]) => [
      wordBytes(tokens.property, value.length, names.offsetOf(name)),
      toWord(value),
    ]),
    ...node.children.flatMap((child) => nodeParts(child, names)),
    wordBytes(tokens.endNode),
  ];
}

/** Finds a node by its path from `node`, names separated by slashes. */
export function findNode(node: DeviceTreeNode, path: string): DeviceTreeNode | undefined {
  return path
    .split('/')
    .filter((name) => name !== '')
    .reduce<DeviceTreeNode | undefined>(
      (at, name) => at?.children.find((child) => child.name === name),
      node,
    );
}

/** Reads a property as text without its final zero; undefined when absent. */
export function textProperty(node: DeviceTreeNode, name: string): string | undefined {
  const value = node.properties.get(name);
  return value && Buffer.from(value).toString('latin1').replace(/\0$/, '');
}

/** Reads a property of one 32-bit cell; undefined when absent or of another size. */
export function cellProperty(node: DeviceTreeNode, name: string): number | undefined {
  const value = node.properties.get(name);
  return value?.length === 4 ? Buffer.from(value).readUInt32BE() : undefined;
}

/** Makes the bytes of a text property. */
export const textValue = (value: string): Uint8Array => Buffer.from(`${value}\0`, 'latin1');

/** Makes the bytes of a property of 32-bit cells. */
export const cellValue = (...values: number[]): Uint8Array => wordBytes(...values);
