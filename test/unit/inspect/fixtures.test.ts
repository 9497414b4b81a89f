/** Every published image against the facts that were measured on it by other means. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { z } from 'zod';
import { inspectFile, walkParts } from '../../../tools/inspect/index.js';
import type { Part } from '../../../tools/inspect/index.js';
import { fixture, fixturePath, requires } from '../../support/requires.js';

const counts = z.record(z.string(), z.number());
const factsSchema = z.looseObject({
  uimage: z
    .array(
      z.looseObject({
        offset: z.number(),
        name: z.string(),
        data_size: z.number(),
        load: z.string(),
        entry: z.string(),
        arch: z.string(),
        type: z.number(),
        comp: z.string(),
        header_crc_ok: z.boolean(),
        data_crc_ok: z.boolean().optional(),
        inside_jffs2: z.boolean().optional(),
      }),
    )
    .default([]),
  squashfs: z
    .array(
      z.looseObject({
        offset: z.number(),
        magic: z.string(),
        endian: z.string(),
        version: z.string(),
        inodes: z.number(),
        block_size: z.number(),
        bytes_used: z.number(),
        compressor: z.string().optional(),
        flags: z.string().optional(),
        fragments: z.number().optional(),
        ids: z.number().optional(),
        mkfs_time: z.number().optional(),
      }),
    )
    .default([]),
  jffs2: z
    .looseObject({
      offset: z.number(),
      endian: z.string(),
      nodes: counts,
      data_compression: counts,
      live_dirents: z.number(),
      deletion_dirents: z.number(),
    })
    .optional(),
  trx: z
    .looseObject({
      offset: z.number(),
      length: z.number(),
      version: z.number(),
      crc_ok: z.boolean(),
      partition_offsets: z.array(z.number()),
    })
    .optional(),
  deadc0de_marks: z.array(z.string()).default([]),
  fwtool_trailer: z
    .array(z.looseObject({ type: z.number(), size: z.number(), json: z.string() }))
    .default([]),
  images: z.record(z.string(), z.tuple([z.number(), z.number(), z.string()])).optional(),
  partitions: z.record(z.string(), z.tuple([z.number(), z.number()])).optional(),
  erase_size: z.number().optional(),
  kernel_offset: z.number().optional(),
  root_offset: z.number().optional(),
});
const manifestSchema = z.array(
  z.looseObject({ name: z.string(), sha256: z.string(), size: z.number(), facts: factsSchema }),
);

const manifestPath = fixturePath('MANIFEST.json');
const entries = existsSync(manifestPath)
  ? manifestSchema
      .parse(JSON.parse(readFileSync(manifestPath, 'utf8')))
      .filter(({ name }) => /^(fw|flash|tiny|neg)-/.test(name) && !/\.(tsv|txt)$/.test(name))
  : [];

requires(fixture('MANIFEST.json'))('the collection has images to inspect', () => {
  expect(entries.length).toBeGreaterThan(30);
});

for (const { name, sha256, size, facts } of entries) {
  requires(fixture(name))(`${name} is what its facts say`, () => {
    const bytes = new Uint8Array(readFileSync(fixturePath(name)));
    const inspection = inspectFile(bytes);
    expect([inspection.size, inspection.sha256]).toEqual([size, sha256]);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    const all = [...walkParts(inspection.parts)].map(({ part }) => part);
    const ofKind = (kind: Part['kind']): Part[] => all.filter((part) => part.kind === kind);
    expectCover(inspection.parts, 0, size);

    expect(ofKind('squashfs').map(({ offset }) => offset)).toEqual(
      facts.squashfs.map(({ offset }) => offset),
    );
    for (const fact of facts.squashfs) {
      const part = ofKind('squashfs').find(({ offset }) => offset === fact.offset);
      expect(part?.details).toMatchObject({
        magic: fact.magic,
        endian: fact.endian,
        version: fact.version,
        inodes: fact.inodes,
        blockSize: fact.block_size,
        bytesUsed: fact.bytes_used,
        ...(fact.compressor === undefined ? {} : { compressor: fact.compressor }),
        ...(fact.flags === undefined ? {} : { flags: fact.flags }),
        ...(fact.fragments === undefined ? {} : { fragments: fact.fragments }),
        ...(fact.ids === undefined ? {} : { ids: fact.ids }),
        ...(fact.mkfs_time === undefined ? {} : { time: fact.mkfs_time }),
      });
      expect(part?.size).toBe(fact.bytes_used);
    }
    // A kernel inside a JFFS2 is a file there, cut into nodes, and no part of the image.
    const images = facts.uimage.filter((fact) => fact.inside_jffs2 !== true);
    expect(ofKind('uimage').map(({ offset }) => offset)).toEqual(images.map(({ offset }) => offset));
    for (const fact of images) {
      const part = ofKind('uimage').find(({ offset }) => offset === fact.offset);
      expect(part?.details).toMatchObject({
        name: fact.name,
        dataSize: fact.data_size,
        load: fact.load,
        entry: fact.entry,
        arch: fact.arch,
        typeNumber: fact.type,
        compression: fact.comp,
      });
      expect(part?.checks.map(({ ok }) => ok)).toEqual([fact.header_crc_ok, fact.data_crc_ok]);
    }
    expect(ofKind('jffs2').map(({ offset }) => offset)).toEqual(facts.jffs2 ? [facts.jffs2.offset] : []);
    if (facts.jffs2) {
      expect(ofKind('jffs2')[0]?.details).toMatchObject({
        endian: facts.jffs2.endian,
        nodes: facts.jffs2.nodes,
        compression: facts.jffs2.data_compression,
        names: facts.jffs2.live_dirents,
        deletions: facts.jffs2.deletion_dirents,
        ...(facts.erase_size === undefined ? {} : { eraseSize: facts.erase_size }),
      });
    }
    expect(ofKind('trx').map(({ offset, size: length }) => [offset, length])).toEqual(
      facts.trx ? [[facts.trx.offset, facts.trx.length]] : [],
    );
    if (facts.trx) {
      const [trx] = ofKind('trx');
      expect(trx?.details).toMatchObject({
        version: facts.trx.version,
        partOffsets: facts.trx.partition_offsets.map(String),
      });
      expect(trx?.checks.map(({ ok }) => ok)).toEqual([facts.trx.crc_ok]);
    }
    expect(ofKind('end-marker').map(({ offset }) => `0x${offset.toString(16)}`)).toEqual(
      facts.deadc0de_marks,
    );
    expect(ofKind('fwtool-chunk').map(({ size: length, details }) => [length, details['text']])).toEqual(
      facts.fwtool_trailer.map(({ size: length, json }) => [length, json]),
    );
    for (const [title, [offset, length]] of Object.entries(facts.images ?? {}))
      expect(all).toContainEqual(expect.objectContaining({ kind: 'range', title, offset, size: length }));
    if (facts.kernel_offset !== undefined) expect(ofKind('range')[0]?.offset).toBe(facts.kernel_offset);
    if (facts.root_offset !== undefined) expect(ofKind('range')[1]?.offset).toBe(facts.root_offset);
    const failed = all.flatMap(({ checks, title }) =>
      checks.filter(({ ok }) => !ok).map((check) => `${title}: ${check.name}`),
    );
    expect(failed).toEqual([]);
  });
}

/** Parts cover their range in order: at the top level wholly, inside a container without overlap. */
function expectCover(parts: readonly Part[], start: number, end: number): void {
  let at = start;
  for (const part of parts) {
    expect(part.offset).toBe(at);
    at = part.offset + part.size;
    let inner = part.offset;
    for (const child of part.parts) {
      expect(child.offset).toBeGreaterThanOrEqual(inner);
      inner = child.offset + child.size;
    }
    expect(inner).toBeLessThanOrEqual(at);
  }
  expect(at).toBe(end);
}
