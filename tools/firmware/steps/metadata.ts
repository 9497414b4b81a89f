/** Steps that append what sysupgrade reads. */
import { appendMetadata, formatMetadata } from '../fwtool.js';
import { signImage } from '../image-signature.js';
import { defineStep, noParameters } from './step.js';

export const metadataSteps = [
  defineStep({
    name: 'append-metadata',
    usage: 'append-metadata',
    summary:
      'appends the devices and the version that sysupgrade checks, and the signature when a key is given',
    parameters: noParameters,
    run: (file, { board, version, signingKey }) => {
      // OpenWrt writes nothing for a board without supported devices.
      if (board.supportedDevices.length === 0) return file;
      const described = appendMetadata(
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
      return signingKey === undefined ? described : signImage(described, signingKey);
    },
  }),
];
