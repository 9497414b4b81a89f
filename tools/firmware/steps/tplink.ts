/** Steps that build TP-Link images. */
import { z } from 'zod';
import { concatBytes } from '../bytes.js';
import { tplinkLayout, tplinkV1Layouts, tplinkV2Layouts } from '../tplink-image.js';
import { buildTplinkV1Image, buildTplinkV1Kernel, isTplinkV1 } from '../tplink-v1.js';
import type { TplinkV1Identity } from '../tplink-v1.js';
import { buildTplinkV2Image, buildTplinkV2Kernel, isTplinkV2 } from '../tplink-v2.js';
import type { TplinkV2Identity } from '../tplink-v2.js';
import type { VendorHeaders } from '../vendor-headers.js';
import { requireHeaders } from './require.js';
import { defineStep } from './step.js';
import type { StepContext } from './step.js';

/** Bytes that v1 images leave free at the end of the layout for the writable partition. */
const v1Reserve = 0x40000;

const region = z.string().regex(/^[A-Z]{2}$/, 'must be two capital letters');

export const tplinkSteps = [
  defineStep({
    name: 'tplink-v1-image',
    usage: 'tplink-v1-image sysupgrade|factory [-C REGION]',
    summary: 'builds a TP-Link v1 image of kernel and root file system, with end markers',
    words: { positions: ['form'], options: { '-C': 'region' } },
    parameters: z.strictObject({ form: z.enum(['sysupgrade', 'factory']), region: region.optional() }),
    run: (_file, context, { form, region: code }) => {
      const header = requireHeaders(context.board, 'tplink', 'tplink-v1-image');
      return buildTplinkV1Image(v1Identity(header, context, code), {
        kernel: context.kernel,
        rootfs: context.rootfs,
        layout: tplinkLayout(tplinkV1Layouts, header.flash_layout),
        rootfsAlignment: 4,
        reserve: v1Reserve,
        length: form === 'factory' ? 'full' : 'cut',
      });
    },
  }),
  defineStep({
    name: 'tplink-v1-header',
    usage: 'tplink-v1-header [-O]',
    summary: 'puts a TP-Link v1 header of the combined form in front of the kernel',
    words: { positions: [], switches: { '-O': 'rootfsOffset' } },
    parameters: z.strictObject({ rootfsOffset: z.literal(true).optional() }),
    run: (file, context, { rootfsOffset }) => {
      const header = requireHeaders(context.board, 'tplink', 'tplink-v1-header');
      const layout = tplinkLayout(tplinkV1Layouts, header.flash_layout);
      return buildTplinkV1Kernel(v1Identity(header, context), file, layout, rootfsOffset);
    },
    recognises: (file) => isTplinkV1(file),
  }),
  defineStep({
    name: 'tplink-v2-image',
    usage: 'tplink-v2-image [-s] [-e] [-V VERSION]',
    summary: 'appends a TP-Link v2 or v3 image of kernel and root file system, with end markers',
    words: { positions: [], switches: { '-s': 'cut', '-e': 'littleEndian' }, options: { '-V': 'version' } },
    parameters: z.strictObject({
      cut: z.literal(true).optional(),
      littleEndian: z.literal(true).optional(),
      version: z.string().max(47).optional(),
    }),
    run: (file, context, { cut, littleEndian, version }) => {
      const header = requireHeaders(context.board, 'tplink', 'tplink-v2-image');
      const image = buildTplinkV2Image(v2Identity(header, littleEndian, version), {
        kernel: context.kernel,
        rootfs: context.rootfs,
        layout: tplinkLayout(tplinkV2Layouts, header.flash_layout),
        rootfsAlignment: 4,
        reserve: 0,
        length: cut ? 'cut' : 'full',
      });
      return concatBytes(file, image);
    },
  }),
  defineStep({
    name: 'tplink-v2-header',
    usage: 'tplink-v2-header [-e] [-V VERSION]',
    summary: 'puts a TP-Link v2 or v3 header of the combined form in front of the kernel',
    words: { positions: [], switches: { '-e': 'littleEndian' }, options: { '-V': 'version' } },
    parameters: z.strictObject({
      littleEndian: z.literal(true).optional(),
      version: z.string().max(47).optional(),
    }),
    run: (file, context, { littleEndian, version }) => {
      const header = requireHeaders(context.board, 'tplink', 'tplink-v2-header');
      return buildTplinkV2Kernel(
        v2Identity(header, littleEndian, version),
        file,
        tplinkLayout(tplinkV2Layouts, header.flash_layout),
      );
    },
    recognises: (file) => isTplinkV2(file),
  }),
];

type TplinkSection = NonNullable<VendorHeaders['tplink']>;

function v1Identity(header: TplinkSection, { version }: StepContext, code?: string): TplinkV1Identity {
  return {
    version: header.header_version === 2 ? 2 : 1,
    vendor: version.dist.slice(0, 24),
    versionText: version.revision.slice(0, 36),
    hardwareId: header.hardware_id,
    hardwareRevision: header.hardware_revision,
    region: code,
  };
}

function v2Identity(header: TplinkSection, littleEndian = false, version?: string): TplinkV2Identity {
  return {
    version: header.header_version === 3 ? 3 : 2,
    versionText: version ?? header.version ?? 'ver. 2.0',
    hardwareId: header.hardware_id,
    hardwareRevision: header.hardware_revision,
    hardwareRevisionAdd: header.hardware_revision_add ?? 0,
    littleEndian,
  };
}
