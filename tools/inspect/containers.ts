/** Recognisers of vendor containers: each reads the header, verifies its checksums, and looks at what is inside. */
import {
  combinedTable,
  deviceTreeTable,
  dniHeaderSize,
  hdr1Table,
  isCombined,
  isDni,
  isFit,
  isLinksys,
  isNamedChecksum,
  isSafeloader,
  isTplinkV1,
  isTplinkV2,
  isUbiquiti,
  isWrgg,
  linksysTable,
  namedChecksumTable,
  readChk,
  readCombined,
  readDeviceTree,
  readDni,
  readFit,
  readHdr1,
  readLinksys,
  readLxl,
  readNamedChecksum,
  readSafeloader,
  readSeama,
  readTplinkV1,
  readTplinkV2,
  readTrx,
  readUbiquiti,
  readUImage,
  readWrgg,
  startsWith,
  uImageArchitectures,
  uImageCompressions,
  uImageTable,
  uImageTypes,
  ubiquitiEndTable,
  wordBe,
  wordLe,
  wrggTable,
} from '../firmware/index.js';
import type { InspectInput, Recogniser } from './input.js';
import { makePart } from './part.js';
import type { Part } from './part.js';

const hex = (value: number): string => `0x${value.toString(16)}`;
const nameOf = (names: Readonly<Record<string, number>>, value: number): string =>
  Object.entries(names).find(([, number]) => number === value)?.[0] ?? `unknown (${value})`;
const isoTime = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** A range that a container names, with what is inside; cut where the file ends. */
function range(
  input: InspectInput,
  title: string,
  start: number,
  size: number,
  end: number,
): Part | undefined {
  const stop = Math.min(start + size, end);
  if (stop <= start) return undefined;
  return makePart('range', title, start, stop - start, { parts: input.inside(start, stop) });
}

const present = (parts: readonly (Part | undefined)[]): Part[] =>
  parts.filter((part) => part !== undefined).sort((a, b) => a.offset - b.offset);

export const uImagePart: Recogniser = (input, offset, end) => {
  if (wordBe(input.bytes, offset) !== 0x27051956 || offset + uImageTable.size > end) return undefined;
  const { header, headerCrcOk, dataCrcOk } = readUImage(input.bytes.subarray(0, end), offset);
  const start = offset + uImageTable.size;
  const stop = Math.min(start + header.size, end);
  // A header that is wrong in checksum and length is a chance hit.
  if (!headerCrcOk && stop < start + header.size) return undefined;
  return makePart('uimage', `uImage "${header.name}"`, offset, stop - offset, {
    details: {
      name: header.name,
      dataSize: header.size,
      load: hex(header.load),
      entry: hex(header.entry),
      os: header.os,
      arch: nameOf(uImageArchitectures, header.arch),
      type: nameOf(uImageTypes, header.type),
      typeNumber: header.type,
      compression: nameOf(uImageCompressions, header.compression),
      time: isoTime(header.time),
    },
    checks: [
      { name: 'header CRC', ok: headerCrcOk },
      { name: 'data CRC', ok: dataCrcOk },
    ],
    parts: input.inside(start, stop),
  });
};

export const trxPart: Recogniser = (input, offset, end) => {
  if (wordLe(input.bytes, offset) !== 0x30524448) return undefined;
  const { header, crcOk, parts, headerSize } = readTrx(input.bytes.subarray(0, end), offset);
  const stop = Math.min(offset + header.length, end);
  const labels = parts.length === 3 ? ['loader', 'kernel', 'rootfs'] : ['kernel', 'rootfs'];
  const inside =
    parts.length > 0
      ? parts.map((part, index) =>
          range(input, labels[index] ?? `part ${index}`, part.offset, part.size, stop),
        )
      : input.inside(offset + headerSize, stop);
  return makePart('trx', `TRX v${header.version}`, offset, stop - offset, {
    details: {
      version: header.version,
      length: header.length,
      partOffsets: [header.offset0, header.offset1, header.offset2].map(String),
    },
    checks: [{ name: 'CRC', ok: crcOk }],
    parts: present(inside),
  });
};

export const tplinkV1Part: Recogniser = (input, offset, end) => {
  if (!isTplinkV1(input.bytes.subarray(0, end), offset)) return undefined;
  const { header, digestOk } = readTplinkV1(input.bytes.subarray(0, end), offset);
  const kernel = range(input, 'kernel', offset + header.kernelOffset, header.kernelLength, end);
  const stop = kernel ? kernel.offset + kernel.size : offset + header.kernelOffset;
  return makePart('tplink-v1', 'TP-Link v1 header and kernel', offset, Math.min(stop, end) - offset, {
    details: {
      vendor: header.vendor,
      version: header.versionText,
      hardwareId: hex(header.hardwareId),
      hardwareRevision: hex(header.hardwareRevision),
      region: header.region,
      firmwareLength: hex(header.firmwareLength),
      kernelLength: header.kernelLength,
      rootfsOffset: hex(header.rootfsOffset),
      rootfsLength: header.rootfsLength,
    },
    checks: digestOk === undefined ? [] : [{ name: 'MD5', ok: digestOk }],
    parts: present([kernel]),
  });
};

export const tplinkV2Part: Recogniser = (input, offset, end) => {
  if (!isTplinkV2(input.bytes.subarray(0, end), offset)) return undefined;
  const { header, digestOk } = readTplinkV2(input.bytes.subarray(0, end), offset);
  const kernel = range(input, 'kernel', offset + header.kernelOffset, header.kernelLength, end);
  const stop = kernel ? kernel.offset + kernel.size : offset + header.kernelOffset;
  const version = Buffer.from(header.versionText).toString('latin1').split('\0')[0] ?? '';
  return makePart(
    'tplink-v2',
    `TP-Link v${header.version >>> 24} header "${version}" and kernel`,
    offset,
    Math.min(stop, end) - offset,
    {
      details: {
        version,
        hardwareId: hex(header.hardwareId),
        hardwareRevision: hex(header.hardwareRevision),
        hardwareRevisionAdd: hex(header.hardwareRevisionAdd),
        firmwareLength: hex(header.firmwareLength),
        kernelLength: header.kernelLength,
        rootfsOffset: hex(header.rootfsOffset),
        rootfsLength: header.rootfsLength,
      },
      checks: [{ name: 'MD5', ok: digestOk }],
      parts: present([kernel]),
    },
  );
};

export const seamaPart: Recogniser = (input, offset, end) => {
  if (wordBe(input.bytes, offset) !== 0x5ea3a417) return undefined;
  const seama = readSeama(input.bytes.subarray(0, end), offset);
  const stop = seama.kind === 'seal' ? end : Math.min(seama.imageOffset + seama.imageSize, end);
  return makePart('seama', `Seama ${seama.kind}`, offset, stop - offset, {
    details: { meta: seama.meta, imageSize: seama.imageSize },
    checks: seama.digestOk === undefined ? [] : [{ name: 'MD5', ok: seama.digestOk }],
    parts: input.inside(seama.imageOffset, stop),
  });
};

export const wrggPart: Recogniser = (input, offset, end) => {
  if (!isWrgg(input.bytes.subarray(0, end), offset)) return undefined;
  const { header, digestOk } = readWrgg(input.bytes.subarray(0, end), offset);
  const start = offset + wrggTable.size;
  const stop = Math.min(start + header.size, end);
  return makePart('wrgg', `WRGG02 "${header.signature}"`, offset, stop - offset, {
    details: { signature: header.signature, device: header.device, imageSize: header.size },
    checks: [{ name: 'MD5', ok: digestOk }],
    parts: input.inside(start, stop),
  });
};

export const chkPart: Recogniser = (input, offset, end) => {
  if (wordBe(input.bytes, offset) !== 0x2a23245e) return undefined;
  const chk = readChk(input.bytes.subarray(0, end), offset);
  const start = offset + chk.header.headerLength;
  const rootfs = start + chk.header.kernelLength;
  const stop = Math.min(rootfs + chk.header.rootfsLength, end);
  return makePart('chk', `Netgear CHK "${chk.boardId}"`, offset, stop - offset, {
    details: { boardId: chk.boardId, region: chk.header.region, version: [...chk.header.version].join('.') },
    checks: [
      { name: 'header checksum', ok: chk.headerOk },
      { name: 'kernel checksum', ok: chk.kernelOk },
      { name: 'image checksum', ok: chk.imageOk },
    ],
    parts: present([
      range(input, 'kernel', start, chk.header.kernelLength, end),
      range(input, 'rootfs', rootfs, chk.header.rootfsLength, end),
    ]),
  });
};

export const dniPart: Recogniser = (input, offset, end) => {
  if (!isDni(input.bytes.subarray(0, end), offset)) return undefined;
  const { header, checksumOk } = readDni(input.bytes.subarray(0, end), offset);
  return makePart('dni', `Netgear DNI "${header.device}" ${header.version}`, offset, end - offset, {
    details: {
      device: header.device,
      version: header.version,
      region: header.region,
      ...(header.hardwareId === undefined ? {} : { hardwareId: header.hardwareId }),
    },
    checks: [{ name: 'checksum byte', ok: checksumOk }],
    parts: input.inside(offset + dniHeaderSize, end - 1),
  });
};

export const namedChecksumPart: Recogniser = (input, offset, end) => {
  if (!isNamedChecksum(input.bytes.subarray(0, end), offset)) return undefined;
  const { name, crcOk } = readNamedChecksum(input.bytes.subarray(0, end), offset);
  return makePart('named-checksum', `name and checksum header "${name}"`, offset, end - offset, {
    details: { name },
    checks: [{ name: 'CRC', ok: crcOk }],
    parts: input.inside(offset + namedChecksumTable.size, end),
  });
};

export const linksysPart: Recogniser = (input, offset, end) => {
  if (!isLinksys(input.bytes.subarray(0, end), offset)) return undefined;
  const { pattern, version, date } = readLinksys(input.bytes, offset);
  return makePart('linksys-header', `Linksys header "${pattern}"`, offset, linksysTable.size, {
    details: { pattern, version: [...version].join('.'), date: [...date].join('.') },
  });
};

export const safeloaderPart: Recogniser = (input, offset, end) => {
  if (!isSafeloader(input.bytes.subarray(0, end), offset)) return undefined;
  const image = readSafeloader(input.bytes.subarray(0, end), offset);
  const stop = Math.min(offset + image.size, end);
  return makePart('safeloader', 'TP-Link SafeLoader image', offset, Math.max(0x1814, stop - offset), {
    details: {
      vendor: image.vendor,
      imageSize: image.size,
      flashPartitions: image.partitions.map(({ name, base, size }) => `${name} ${hex(base)}+${hex(size)}`),
    },
    checks: [{ name: 'MD5', ok: image.digestOk }],
    parts: disjoint(
      present(image.parts.map(({ name, offset: start, size }) => range(input, name, start, size, stop))),
    ),
  });
};

export const ubiquitiPart: Recogniser = (input, offset, end) => {
  if (!isUbiquiti(input.bytes.subarray(0, end), offset)) return undefined;
  const image = readUbiquiti(input.bytes.subarray(0, end), offset);
  const last = image.parts.at(-1);
  const stop = image.end
    ? image.end.offset + ubiquitiEndTable.size
    : last
      ? last.offset + last.size + 8
      : end;
  return makePart('ubiquiti', `Ubiquiti image "${image.version}"`, offset, Math.min(stop, end) - offset, {
    details: {
      magic: image.magic,
      version: image.version,
      flashParts: image.parts.map(
        (part) => `${part.name} ${hex(part.flashAddress)}+${hex(part.partitionSize)}`,
      ),
    },
    checks: [
      { name: 'header CRC', ok: image.headerCrcOk },
      ...image.parts.map(({ name, crcOk }) => ({ name: `${name} CRC`, ok: crcOk })),
      { name: 'end CRC', ok: image.end?.crcOk ?? false },
    ],
    parts: present(image.parts.map((part) => range(input, part.name, part.offset, part.size, end))),
  });
};

export const combinedPart: Recogniser = (input, offset, end) => {
  if (!isCombined(input.bytes.subarray(0, end), offset)) return undefined;
  const { kernel, rootfs, digestOk } = readCombined(input.bytes.subarray(0, end), offset);
  const stop = Math.min(rootfs.offset + rootfs.size, end);
  return makePart('combined', 'combined image', offset, Math.max(combinedTable.size, stop - offset), {
    checks: [{ name: 'MD5', ok: digestOk }],
    parts: present([
      range(input, 'kernel', kernel.offset, kernel.size, end),
      range(input, 'rootfs', rootfs.offset, rootfs.size, end),
    ]),
  });
};

export const hdr1Part: Recogniser = (input, offset, end) => {
  if (!startsWith(input.bytes, Buffer.from('HDR1'), offset) || offset + hdr1Table.size > end)
    return undefined;
  const { header, crcOk, parts } = readHdr1(input.bytes.subarray(0, end), offset);
  const signature = Math.min(offset + header.signatureOffset, end);
  if (signature < offset + hdr1Table.size) return undefined;
  const starts = parts.map((part) => offset + part).filter((part) => part < signature);
  return makePart('hdr1', 'Xiaomi HDR1 image', offset, end - offset, {
    details: {
      device: hex(header.device),
      partOffsets: parts.map(String),
      signatureOffset: header.signatureOffset,
    },
    checks: [{ name: 'CRC', ok: crcOk }],
    parts: disjoint(
      present([
        ...starts.map((start, index) =>
          range(input, `part ${index}`, start, (starts[index + 1] ?? signature) - start, signature),
        ),
        range(input, 'signature', signature, end - signature, end),
      ]),
    ),
  });
};

export const lxlPart: Recogniser = (input, offset, end) => {
  if (!startsWith(input.bytes, Buffer.from('LXL#'), offset)) return undefined;
  const lxl = readLxl(input.bytes.subarray(0, end), offset);
  return makePart('lxl', `Luxul LXL v${lxl.version} "${lxl.board ?? ''}"`, offset, lxl.headerSize, {
    details: { version: lxl.version, ...(lxl.board === undefined ? {} : { board: lxl.board }) },
  });
};

export const deviceTreePart: Recogniser = (input, offset, end) => {
  if (wordBe(input.bytes, offset) !== 0xd00dfeed || offset + deviceTreeTable.size > end) return undefined;
  const bytes = input.bytes.subarray(0, end);
  const { tree } = readDeviceTree(bytes, offset);
  if (!isFit(tree.root)) {
    const compatible = tree.root.properties.get('compatible');
    return makePart('device-tree', 'device tree', offset, tree.totalSize, {
      details: {
        ...(compatible
          ? { compatible: Buffer.from(compatible).toString('latin1').split('\0').filter(Boolean) }
          : {}),
      },
    });
  }
  const fit = readFit(bytes, offset);
  return makePart('fit', `FIT "${fit.description}"`, offset, Math.min(fit.size, end - offset), {
    details: {
      description: fit.description,
      treeSize: fit.treeSize,
      images: fit.images.map(
        ({ name, type, compression, size }) => `${name}: ${type}, ${compression}, ${size} bytes`,
      ),
      configuration: fit.defaultConfiguration ?? 'none',
    },
    checks: fit.images.flatMap(({ name, hashes }) =>
      hashes.flatMap(({ algorithm, ok }) => (ok === undefined ? [] : [{ name: `${name} ${algorithm}`, ok }])),
    ),
    parts: disjoint(
      present(fit.images.map(({ name, offset: start, size }) => range(input, name, start, size, end))),
    ),
  });
};

/** Drops parts that overlap the one before, as only a damaged header makes them. */
function disjoint(parts: readonly Part[]): Part[] {
  const kept: Part[] = [];
  for (const part of parts) {
    const last = kept.at(-1);
    if (!last || last.offset + last.size <= part.offset) kept.push(part);
  }
  return kept;
}
