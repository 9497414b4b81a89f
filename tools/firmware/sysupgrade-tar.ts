/**
 * The tar that NAND boards upgrade from: a folder `sysupgrade-BOARD` with CONTROL, kernel and root.
 *
 * Written here and not by the archive library, because the bytes must be those of GNU tar with OpenWrt's options:
 * sorted by name, owner 0, times of the build clock, blocks of 10 KiB.
 *
 * @see SPEC.md "Sysupgrade tar"; OpenWrt scripts/sysupgrade-tar.sh
 */
import { concatBytes, padded, startsWith } from './bytes.js';
import { fieldTable, raw, text } from './fields.js';

/** A tar header as GNU tar writes it; numbers are octal text. */
const tarTable = fieldTable('tar header', 512, {
  name: text(0, 100),
  mode: text(100, 8),
  uid: text(108, 8),
  gid: text(116, 8),
  size: text(124, 12),
  time: text(136, 12),
  checksum: raw(148, 8),
  type: text(156, 1),
  magic: text(257, 8),
});

const record = 10240;

/** What goes into the tar. */
export interface SysupgradeTar {
  readonly board: string;
  /** Build clock, seconds. */
  readonly time: number;
  readonly kernel?: Uint8Array | undefined;
  readonly rootfs?: Uint8Array | undefined;
  readonly deviceTree?: Uint8Array | undefined;
}

/** Builds the tar; a squashfs root is filled up with zeros to 1 KiB. */
export function buildSysupgradeTar(parts: SysupgradeTar): Uint8Array {
  const folder = `sysupgrade-${parts.board}`;
  const root =
    parts.rootfs && startsWith(parts.rootfs, Buffer.from('hsqs')) ? padded(parts.rootfs, 1024) : parts.rootfs;
  const files: [string, Uint8Array | undefined][] = [
    ['CONTROL', Buffer.from(`BOARD=${parts.board}\n`)],
    ['dtb', parts.deviceTree],
    ['kernel', parts.kernel],
    ['root', root],
  ];
  const entries = files.flatMap(([name, data]) =>
    data ? [header(`${folder}/${name}`, '0', 0o644, data.length, parts.time), padded(data, 512)] : [],
  );
  const archive = concatBytes(
    header(`${folder}/`, '5', 0o755, 0, parts.time),
    ...entries,
    new Uint8Array(1024),
  );
  return padded(archive, record);
}

function header(name: string, type: string, mode: number, size: number, time: number): Uint8Array {
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width, '0')}\0`;
  const fields = {
    name,
    mode: octal(mode, 7),
    uid: octal(0, 7),
    gid: octal(0, 7),
    size: octal(size, 11),
    time: octal(time, 11),
    checksum: Buffer.from('        '),
    type,
    magic: 'ustar  ',
  };
  const sum = tarTable.write(fields).reduce((total, byte) => total + byte, 0);
  return tarTable.write({ ...fields, checksum: Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `) });
}
