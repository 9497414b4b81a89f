/** A file that holds the content of a flash chip, kept up to date while a file system on the chip is mounted. */
import type { NorChip } from '../../flash/index.js';
import { errnoNumbers, FsError } from '../../vfs/index.js';
import type { Errno } from '../../vfs/index.js';
import { writeBeside } from '../output-files.js';

/** Changes that nobody asked to keep reach the file after so long, as a kernel's do. */
const writeBackMs = 5000;

/**
 * The file of a chip. It is written whole beside and then renamed: whatever happens, it holds a state that the chip
 * had, and a chip that lost its power in any state mounts again.
 */
export class FlashFile implements Disposable {
  readonly path: string;
  readonly #chip: NorChip;
  readonly #size: number;
  #saved: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param size  bytes of the chip that belong to the file, from the start */
  constructor(path: string, chip: NorChip, size: number = chip.geometry.size) {
    this.path = path;
    this.#chip = chip;
    this.#size = size;
    this.#saved = this.#changes();
  }

  /**
   * Writes what changed since the last time.
   *
   * @throws FsError with the errno of the host, such as ENOSPC; the file is as it was
   */
  save(): void {
    const changes = this.#changes();
    if (changes === this.#saved) return;
    try {
      writeBeside(this.path, this.#chip.read(0, this.#size));
    } catch (error) {
      throw new FsError(errnoOf(error), 'fsync');
    }
    this.#saved = changes;
  }

  /** Saves from time to time; `onFailure` hears of it when that fails, and it is tried again. */
  saveRegularly(sync: () => void, onFailure: (error: unknown) => void): void {
    this.#timer = setInterval(() => {
      try {
        sync();
        this.save();
      } catch (error) {
        onFailure(error);
      }
    }, writeBackMs);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #changes(): number {
    const { programs, erases } = this.#chip.counters;
    return programs + erases;
  }
}

function errnoOf(error: unknown): Errno {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  return Object.keys(errnoNumbers).find((name): name is Errno => name === code) ?? 'EIO';
}
