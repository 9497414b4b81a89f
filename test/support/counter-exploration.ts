/** A small exploration that worker threads can load: bytes written one by one. */
import { NorChip, norGeometry } from '../../tools/flash/index.js';
import type { ExploreOptions } from '../../tools/flash/index.js';

/** Makes the exploration; `input` is the number of bytes. */
export function counterExploration(input: unknown): ExploreOptions {
  const count = Number(input);
  return {
    chip: new NorChip({ geometry: norGeometry(4096, 1024) }),
    workload: (chip, mark) => {
      for (let i = 0; i < count; i += 1) {
        chip.program(i, new Uint8Array([0]));
        mark(`byte ${i}`);
      }
    },
    check: ({ chip }) => `${chip.read(0, count).filter((byte) => byte === 0).length} bytes`,
  };
}
