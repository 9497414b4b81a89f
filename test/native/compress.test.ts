import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { inflateSync } from 'node:zlib';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import {
  deflateDecode,
  deflateEncode,
  inflatePrefix,
  lzmaAloneDecode,
  lzmaAloneEncode,
  lzmaRawDecode,
  lzmaRawEncode,
  lzo1xDecode,
  lzo1xEncode,
  xzDecode,
  xzEncode,
  zlibEncodeWithin,
} from '../../tools/addon/index.js';
import { fixture, fixturePath, requires, tool } from '../support/requires.js';

/** The parameters of OpenWrt's JFFS2. */
const jffs2Lzma = { dictSize: 0x2000, lc: 0, lp: 0, pb: 0 } as const;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (size: number): Uint8Array =>
  Buffer.from('The quick brown fox. '.repeat(size / 21 + 1)).subarray(0, size);
/** Bytes that compress a little: short repeats among noise. */
const mixed = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constant(text(200))), { maxLength: 40 })
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

describe('LZMA', () => {
  test('encodes 4096 x A to the 26 bytes that the LZMA SDK gives', () => {
    expect(hex(lzmaRawEncode(new Uint8Array(4096).fill(0x41), { ...jffs2Lzma }) ?? new Uint8Array())).toBe(
      '0020f07bc1feae8fa14013bd53369db418636ba1ee71dce4ee98',
    );
  });

  property.prop([mixed, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })])(
    'raw streams come back, for every lp and pb, and report what they took',
    (data, lp, pb) => {
      const options = { dictSize: 4096, lc: 4 - lp, lp, pb };
      const stream = lzmaRawEncode(data, options) ?? new Uint8Array();
      const behind = new Uint8Array([...stream, 1, 2, 3]);
      expect(lzmaRawDecode(behind, options, data.length)).toEqual({ data, consumed: stream.length });
    },
  );

  test('a raw stream with an end marker is refused unless it is allowed', () => {
    const file = lzmaAloneEncode(text(1000), { dictSize: 65536, lc: 3, lp: 0, pb: 2 }, 'end-marker');
    const options = { dictSize: 65536, lc: 3, lp: 0, pb: 2 };
    expect(lzmaRawDecode(file.subarray(13), options, 1000, 'allowed').data).toEqual(
      new Uint8Array(text(1000)),
    );
    expect(() => lzmaRawDecode(file.subarray(13), options, 1000)).toThrow(
      expect.objectContaining({ code: 'FW_NATIVE_DECOMPRESS' }),
    );
  });

  test('an encoder limit is exact: the size of the stream fits, one byte less does not', () => {
    const stream = lzmaRawEncode(text(4000), jffs2Lzma);
    expect(lzmaRawEncode(text(4000), jffs2Lzma, stream?.length)).toEqual(stream);
    expect(lzmaRawEncode(text(4000), jffs2Lzma, (stream?.length ?? 0) - 1)).toBeUndefined();
  });

  test('a truncated raw stream is refused at every length', () => {
    const stream = lzmaRawEncode(text(300), jffs2Lzma) ?? new Uint8Array();
    for (let length = 0; length < stream.length; length++) {
      expect(() => lzmaRawDecode(stream.subarray(0, length), jffs2Lzma, 300)).toThrow(
        expect.objectContaining({ code: 'FW_NATIVE_DECOMPRESS' }),
      );
    }
  });

  test('a .lzma file obeys its limit, and a 4 GiB dictionary in its header costs no memory', () => {
    const file = lzmaAloneEncode(text(5000), { dictSize: 1 << 20, lc: 1, lp: 2, pb: 2 });
    file.set([0xff, 0xff, 0xff, 0xff], 1);
    expect(lzmaAloneDecode(file, 5000)).toEqual({ data: new Uint8Array(text(5000)), consumed: file.length });
    expect(() => lzmaAloneDecode(file, 4999)).toThrow(
      expect.objectContaining({ code: 'FW_NATIVE_DECOMPRESS_LIMIT' }),
    );
    const marked = lzmaAloneEncode(text(5000), { dictSize: 1 << 20, lc: 1, lp: 2, pb: 2 }, 'end-marker');
    expect(() => lzmaAloneDecode(marked, 4999)).toThrow(
      expect.objectContaining({ code: 'FW_NATIVE_DECOMPRESS_LIMIT' }),
    );
  });

  requires(tool('xz'))('xz(1) reads our .lzma files and we read its', () => {
    const ours = lzmaAloneEncode(text(100_000), { dictSize: 1 << 16, lc: 1, lp: 2, pb: 2 });
    expect(execFileSync('xz', ['-dc', '--format=lzma'], { input: ours }).equals(text(100_000))).toBe(true);
    const theirs = execFileSync('xz', ['-9c', '--format=lzma'], { input: text(100_000) });
    expect(hex(lzmaAloneDecode(theirs, 100_000).data)).toBe(hex(text(100_000)));
  });

  requires(fixture('fw-ath25-vmlinux.lzma'))('a published kernel decodes', () => {
    const file = readFileSync(fixturePath('fw-ath25-vmlinux.lzma'));
    const { data } = lzmaAloneDecode(file, 32 * 1024 ** 2);
    expect(data.length).toBe(Number(file.readBigUInt64LE(5)));
    expect(Buffer.from(data).includes('Linux version 3.18')).toBe(true);
  });
});

describe('xz', () => {
  requires(tool('xz'))('a stream with a BCJ filter made by xz(1) decodes', () => {
    const input = readFileSync(process.execPath).subarray(0, 300_000);
    const stream = execFileSync('xz', ['-c', '--x86', '--lzma2=preset=1'], { input });
    expect(hex(xzDecode(stream, input.length).data) === hex(input)).toBe(true);
  });

  property.prop([mixed])('streams come back', (data) => {
    expect(xzDecode(xzEncode(data, 1), data.length).data).toEqual(data);
  });

  test('a bomb stops at the limit', () => {
    expect(() => xzDecode(xzEncode(new Uint8Array(50_000_000), 0), 1_000_000)).toThrow(
      expect.objectContaining({ code: 'FW_NATIVE_DECOMPRESS_LIMIT' }),
    );
  });
});

describe('LZO1X', () => {
  property.prop([mixed, fc.constantFrom('fast' as const, 'best' as const)])(
    'streams come back',
    (data, encoder) => {
      expect(lzo1xDecode(lzo1xEncode(data, encoder) ?? new Uint8Array(), data.length)).toEqual(data);
    },
  );

  test('4096 zeros take 27 bytes with the encoder of mkfs.jffs2', () => {
    expect(hex(lzo1xEncode(new Uint8Array(4096), 'best') ?? new Uint8Array())).toMatch(
      /^12002000000000000000e600002000000000000000e50000.*110000$/,
    );
  });

  property.prop([fc.uint8Array({ maxLength: 300 })])(
    'random bytes decode or are refused, never crash',
    (bytes) => {
      let code = 'decoded';
      try {
        lzo1xDecode(bytes, 4096);
      } catch (error) {
        code = (error as { code?: string }).code ?? 'none';
      }
      expect(code).toMatch(/^(decoded|FW_NATIVE_DECOMPRESS(_LIMIT)?)$/);
    },
  );
});

describe('deflate', () => {
  property.prop([
    mixed,
    fc.constantFrom('deflate' as const, 'zlib' as const, 'gzip' as const),
    fc.integer({ min: 0, max: 12 }),
  ])('streams come back at every level, and report what they took', (data, format, level) => {
    const stream = deflateEncode(data, format, level) ?? new Uint8Array();
    const decoded = deflateDecode(new Uint8Array([...stream, 9, 9]), format, data.length);
    expect(decoded).toEqual({ data, consumed: stream.length });
  });

  test('a zlib checksum is verified, a limit is kept', () => {
    const stream = deflateEncode(text(5000), 'zlib', 12) ?? new Uint8Array();
    expect(() => deflateDecode(stream, 'zlib', 4999)).toThrow(
      expect.objectContaining({ code: 'FW_NATIVE_DECOMPRESS_LIMIT' }),
    );
    stream[stream.length - 1] = (stream.at(-1) ?? 0) ^ 1;
    expect(() => deflateDecode(stream, 'zlib', 5000)).toThrow(
      expect.objectContaining({ code: 'FW_NATIVE_DECOMPRESS' }),
    );
  });

  test('the calls of the kernel give the published bytes', () => {
    const result = zlibEncodeWithin(Buffer.from(`${'a'.repeat(30)}\n`), 31);
    expect(result?.consumed).toBe(31);
    expect(hex(result?.data ?? new Uint8Array())).toBe('785e4a4cc400000184040002880b20c000bbb80b69');
    const zeros = zlibEncodeWithin(new Uint8Array(4096), 4096)?.data ?? new Uint8Array();
    expect(zeros.length).toBe(47);
    expect(hex(zeros)).toMatch(/10000001$/);
  });

  test('under a small limit a prefix goes in and the stream is whole', () => {
    const data = text(4096);
    const result = zlibEncodeWithin(data, 60);
    expect(result?.data.length).toBeLessThanOrEqual(60);
    expect(inflateSync(result?.data ?? new Uint8Array()).equals(data.subarray(0, result?.consumed))).toBe(
      true,
    );
    expect(zlibEncodeWithin(data, 12)).toBeUndefined();
  });

  test('a lenient inflate gives what came before the fault', () => {
    const data = text(4096);
    const stream = deflateEncode(data, 'deflate', 6) ?? new Uint8Array();
    expect(inflatePrefix(stream, 4096)).toEqual({ data: new Uint8Array(data), ended: true });
    expect(inflatePrefix(stream, 100)).toEqual({ data: new Uint8Array(data.subarray(0, 100)), ended: false });
    const half = inflatePrefix(stream.subarray(0, stream.length - 5), 4096);
    expect(half.ended).toBe(false);
    expect(hex(data).startsWith(hex(half.data))).toBe(true);
    expect(inflatePrefix(Uint8Array.of(7, 7, 7), 4096)).toEqual({ data: new Uint8Array(), ended: false });
  });
});

test('the addon loads in worker threads at the same time', async () => {
  const file = JSON.stringify(
    new URL('../../build/Release/firmwright_compress.node', import.meta.url).pathname,
  );
  const source = `const { parentPort } = require('node:worker_threads');
    const { encodeXz, decodeXz } = require(${file});
    parentPort.postMessage(decodeXz(encodeXz(new Uint8Array(100000).fill(7), 1), 100000, 2 ** 28).data.length);`;
  const answers = await Promise.all(
    [1, 2, 3].map(
      () =>
        new Promise((resolve, reject) => {
          new Worker(source, { eval: true }).once('message', resolve).once('error', reject);
        }),
    ),
  );
  expect(answers).toEqual([100000, 100000, 100000]);
});
