import { expect, test } from 'vitest';
import { appendMetadata, appendSignature, readChunks } from '../../../tools/firmware/index.js';
import { formatMetadata } from '../../../tools/firmware/fwtool.js';
import { hex } from './vectors.js';

const image = Buffer.from('HELLO-IMAGE-0123456789');
const text =
  '{ "metadata_version": "1.1", "compat_version": "1.0", "supported_devices":["acme,board-1"], "version": { "dist": "OpenWrt", "version": "SNAPSHOT", "revision": "r0", "target": "ath79/generic", "board": "acme_board-1" } }\n';

test('metadata and signature have the bytes of fwtool', () => {
  const withMetadata = appendMetadata(image, text);
  expect(withMetadata.length).toBe(266);
  expect(hex(withMetadata.subarray(-16))).toBe('465778307648940e01000000000000f4');
  const signed = appendSignature(withMetadata, Buffer.from('SIGDATA'));
  expect(signed.length).toBe(289);
  expect(hex(signed.subarray(-16))).toBe('46577830ca8744550000000000000017');
  const [signature, metadata] = readChunks(signed);
  expect(signature).toMatchObject({ type: 'signature', offset: 266, size: 23 });
  expect(metadata).toMatchObject({ type: 'metadata', offset: 22, size: 244 });
  expect(Buffer.from(metadata?.payload ?? []).toString()).toBe(text);
});

test('a chunk with a wrong checksum, and everything before it, is not found', () => {
  const signed = Uint8Array.from(appendSignature(appendMetadata(image, text), Buffer.from('SIGDATA')));
  signed[267] = 0x41;
  expect(readChunks(signed)).toEqual([]);
  expect(readChunks(image)).toEqual([]);
  expect(readChunks(new Uint8Array(0))).toEqual([]);
});

test('metadata is JSON with the keys that sysupgrade reads', () => {
  const version = {
    dist: 'OpenWrt',
    version: '24.10',
    revision: 'r1',
    target: 'ath79/generic',
    board: 'acme_b',
  };
  const plain: unknown = JSON.parse(
    formatMetadata({ supportedDevices: ['acme,b'], compatVersion: '1.0', version }),
  );
  expect(plain).toEqual({
    metadata_version: '1.1',
    compat_version: '1.0',
    supported_devices: ['acme,b'],
    version,
  });
  const changed = formatMetadata({
    supportedDevices: ['acme,b', 'b'],
    compatVersion: '1.1',
    compatMessage: 'new "partition" table',
    version,
  });
  expect(JSON.parse(changed)).toMatchObject({
    compat_message: 'new "partition" table',
    new_supported_devices: ['acme,b', 'b'],
    supported_devices: [expect.stringContaining('compat version 1.1')],
  });
});

test('metadata over 30 KiB is refused', () => {
  expect(() => appendMetadata(image, ' '.repeat(30 * 1024))).toThrow(
    expect.objectContaining({ code: 'FW_FIRMWARE_FIELD' }),
  );
});
