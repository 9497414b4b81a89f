/** Published images: every checksum verified, every header rebuilt to the same bytes from what was read. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { buildCombined, readCombined } from '../../../tools/firmware/combined.js';
import { readDeviceTree, writeDeviceTree } from '../../../tools/firmware/device-tree.js';
import { readFit } from '../../../tools/firmware/fit.js';
import { readChunks } from '../../../tools/firmware/fwtool.js';
import { linksysTable, readLinksys } from '../../../tools/firmware/linksys.js';
import { buildNamedChecksum, readNamedChecksum } from '../../../tools/firmware/named-checksum.js';
import { buildDni, readDni } from '../../../tools/firmware/netgear-dni.js';
import { readSafeloader, safeloaderDigest, safeloaderTable } from '../../../tools/firmware/safeloader.js';
import { readTplinkV1, tplinkV1Table } from '../../../tools/firmware/tplink-v1.js';
import { readTplinkV2, tplinkV2Table } from '../../../tools/firmware/tplink-v2.js';
import { readTrx, sealTrx, trxTable } from '../../../tools/firmware/trx.js';
import { buildUImage, readUImage } from '../../../tools/firmware/uimage.js';
import { buildWrgg, readWrgg } from '../../../tools/firmware/wrgg.js';
import { hdr1Table, readHdr1 } from '../../../tools/firmware/xiaomi.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';

const real = (name: string, title: string, body: (bytes: Uint8Array) => void): void => {
  requires(fixture(name))(`${name}: ${title}`, () => {
    body(new Uint8Array(readFileSync(fixturePath(name))));
  });
};
const same = (a: Uint8Array, b: Uint8Array): void => {
  expect(Buffer.compare(a, b)).toBe(0);
};

for (const [name, ...offsets] of [
  ['flash-halny-hl-gsfp-linux-partition.bin', 0],
  ['fw-dni-netgear-wnr2000v5-1.0.0.18.img', 128, 852032],
  ['fw-uboot-mips-image-with-header.bin', 0],
  ['fw-uimage-a5v11-19.07.7-sysupgrade.bin', 0],
  ['fw-wrgg-dir-300-b1-factory.bin', 96],
] as const)
  real(name, 'uImage verified and rebuilt', (bytes) => {
    for (const offset of offsets) {
      const { header, headerCrcOk, dataCrcOk } = readUImage(bytes, offset);
      expect([headerCrcOk, dataCrcOk]).toEqual([true, true]);
      const end = offset + 64 + header.size;
      same(buildUImage(bytes.subarray(offset + 64, end), header), bytes.subarray(offset, end));
    }
  });

real('fw-ath25-combined-redboot.img', 'built from the two golden parts', (bytes) => {
  const { kernel, rootfs, digestOk } = readCombined(bytes);
  expect(digestOk).toBe(true);
  same(
    buildCombined(
      bytes.subarray(kernel.offset, kernel.offset + kernel.size),
      bytes.subarray(rootfs.offset, rootfs.offset + rootfs.size),
    ),
    bytes,
  );
  const parts = ['fw-ath25-vmlinux.lzma', 'fw-ath25-root.squashfs'].map((name) =>
    readFileSync(fixturePath(name)),
  );
  same(buildCombined(parts[0] ?? bytes, parts[1] ?? bytes), bytes);
});

real('fw-dni-netgear-wnr2000v5-1.0.0.18.img', 'DNI verified and rebuilt', (bytes) => {
  const { header, checksumOk } = readDni(bytes);
  expect(checksumOk).toBe(true);
  same(buildDni(header, bytes.subarray(128, -1)), bytes);
});

real('fw-fit-kernel.itb', 'FIT parts found, tree written back', (bytes) => {
  const fit = readFit(bytes);
  expect(fit.images.map(({ name, offset, size }) => [name, offset, size])).toEqual([
    ['kernel', 184, 1048765],
    ['fdt', 1049104, 155],
    ['rootfs', 1049400, 1049072],
  ]);
  expect(fit.size).toBe(bytes.length);
  same(writeDeviceTree(readDeviceTree(bytes).tree), bytes);
  same(writeDeviceTree(readDeviceTree(bytes, 1049104).tree), bytes.subarray(1049104, 1049104 + 155));
});

real('fw-orion-wnr854t-factory-jffs2-kernel.img', 'name and checksum rebuilt', (bytes) => {
  const { name, crcOk } = readNamedChecksum(bytes);
  expect([name, crcOk]).toEqual(['NG_WNR854T', true]);
  same(buildNamedChecksum(name, bytes.subarray(20)), bytes);
});

real('fw-tplink-safeloader-cpe210-factory.bin', 'SafeLoader verified, parts listed', (bytes) => {
  const { digestOk, size, vendor, parts, partitions } = readSafeloader(bytes);
  expect([digestOk, size, vendor]).toEqual([true, bytes.length, 'CPE510(TP-LINK|UN|N300-5):1.0\r\n']);
  expect(parts.map(({ name }) => name)).toEqual([
    'partition-table',
    'soft-version',
    'support-list',
    'os-image',
    'file-system',
  ]);
  expect(parts.at(-1)).toMatchObject({ offset: 1237493, size: 0x1d0004 });
  expect(partitions.find(({ name }) => name === 'file-system')).toMatchObject({
    base: 0x1c0000,
    size: 0x600000,
  });
  const header = safeloaderTable.read(bytes);
  same(
    safeloaderTable.write({ ...header, md5: safeloaderDigest(bytes) }),
    bytes.subarray(0, safeloaderTable.size),
  );
});

real('fw-tplink-v1-tl-wr703n-sysupgrade.bin', 'TP-Link v1 verified and rebuilt', (bytes) => {
  const { header, digestOk } = readTplinkV1(bytes);
  expect([digestOk, header.vendor, header.versionText, header.hardwareId]).toEqual([
    true,
    'OpenWrt',
    'r49630',
    0x07030101,
  ]);
  same(tplinkV1Table.write(header), bytes.subarray(0, 512));
});

real('fw-tplink-v2-tl-wr841n-v14-tftp-recovery.bin', 'TP-Link v2 verified and rebuilt', (bytes) => {
  const { header, digestOk } = readTplinkV2(bytes, 0x10000);
  expect([digestOk, header.hardwareId, header.rootfsOffset]).toEqual([true, 0x08410014, 0x1871a8]);
  same(tplinkV2Table.write(header), bytes.subarray(0x10000, 0x10200));
});

real('fw-trx-wrt54g-openwrt-brcm2.4.bin', 'Linksys and TRX headers verified and rebuilt', (bytes) => {
  same(linksysTable.write(readLinksys(bytes)), bytes.subarray(0, 32));
  const { header, crcOk, parts } = readTrx(bytes, 32);
  expect([crcOk, header.length, parts.map(({ offset }) => offset - 32)]).toEqual([
    true,
    2428928,
    [28, 2308, 513024],
  ]);
  const blank = Uint8Array.from(bytes);
  blank.set(trxTable.write({ ...header, crc: 0 }), 32);
  same(sealTrx(blank, header.length, 32), bytes);
});

real('tiny-trx.img', 'TRX verified', (bytes) => {
  expect(readTrx(bytes)).toMatchObject({ crcOk: true, header: { length: 4096, version: 1 } });
});

real('fw-wrgg-dir-300-b1-factory.bin', 'WRGG verified and rebuilt', (bytes) => {
  const { header, digestOk } = readWrgg(bytes);
  expect([digestOk, header.signature]).toEqual([true, 'wrgn23_dlwbr_dir300b']);
  same(buildWrgg(header, bytes.subarray(96, 96 + header.size)), bytes.subarray(0, 96 + header.size));
});

real('fw-uimage-a5v11-19.07.7-sysupgrade.bin', 'metadata trailer verified', (bytes) => {
  const [metadata] = readChunks(bytes);
  expect(metadata).toMatchObject({ type: 'metadata', offset: bytes.length - 222 });
  const content: unknown = JSON.parse(Buffer.from(metadata?.payload ?? []).toString());
  expect(content).toMatchObject({ supported_devices: ['a5-v11'], version: { version: '19.07.7' } });
});

real('tiny-xiaomi-hdr1.bin', 'HDR1 verified and rebuilt', (bytes) => {
  const { header, crcOk, parts } = readHdr1(bytes);
  expect([crcOk, parts]).toEqual([true, [48, 116, 226]]);
  same(hdr1Table.write(header), bytes.subarray(0, 48));
});
