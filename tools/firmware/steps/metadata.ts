/** Steps that append what sysupgrade reads. */
import { appendMetadata, formatMetadata } from '../fwtool.js';
import { defineStep, noParameters } from './step.js';

export const metadataSteps = [
  defineStep({
    name: 'append-metadata',
    usage: 'append-metadata',
    summary: 'appends the devices and the version that sysupgrade checks, with the fwtool trailer',
    parameters: noParameters,
    run: (file, { board, version }) => {
      // OpenWrt writes nothing for a board without supported devices.
      if (board.supportedDevices.length === 0) return file;
      return appendMetadata(
        file,
        formatMetadata({
          supportedDevices: board.supportedDevices,
          compatVersion: board.compatVersion,
          compatMessage: board.compatMessage,
          version: {
            dist: version.dist,
            version: version.version,
            revision: version.revision,
            target: board.target,
            board: board.id,
          },
        }),
      );
    },
  }),
];
