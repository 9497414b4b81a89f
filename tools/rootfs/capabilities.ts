/**
 * File capabilities: text as setcap(8) takes it, bytes as the extended attribute `security.capability` holds it.
 *
 * @see Linux 6.6 include/uapi/linux/capability.h (struct vfs_cap_data, revision 2)
 */

/** Names by number, without `cap_`. */
const names = (
  'chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable ' +
  'net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace ' +
  'sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control ' +
  'setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore'
).split(' ');

const revision2 = 0x0200_0000;
const effectiveFlag = 1;

/**
 * Encodes capabilities such as `cap_net_raw,cap_net_bind_service+ep`.
 *
 * @returns 20 bytes, or undefined when the text is none; flags are `e`, `i` and `p`
 */
export function encodeCapabilities(text: string): Uint8Array | undefined {
  const match = /^([a-z_,]+)[=+]([eip]+)$/.exec(text.trim());
  if (!match?.[1] || !match[2]) return undefined;
  let bits = 0n;
  for (const name of match[1].split(',')) {
    const number = names.indexOf(name.replace(/^cap_/, ''));
    if (number < 0 || !name.startsWith('cap_')) return undefined;
    bits |= 1n << BigInt(number);
  }
  const flags = match[2];
  const view = new DataView(new ArrayBuffer(20));
  view.setUint32(0, revision2 | (flags.includes('e') ? effectiveFlag : 0), true);
  for (const [flag, offset] of [
    ['p', 4],
    ['i', 8],
  ] as const) {
    if (!flags.includes(flag)) continue;
    view.setUint32(offset, Number(bits & 0xffff_ffffn), true);
    view.setUint32(offset + 8, Number(bits >> 32n), true);
  }
  return new Uint8Array(view.buffer);
}
