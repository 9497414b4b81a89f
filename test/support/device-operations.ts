/** What users do, one call each: short forms for tests. */
import { doNow } from '../../tools/emulator/device/user-operations.js';
import type { RunningSystem } from '../../tools/emulator/index.js';

export function writeDeviceFile(system: RunningSystem, path: string, data: Uint8Array, mode?: number): void {
  doNow(system, { kind: 'write', path, data, ...(mode === undefined ? {} : { mode }) });
}

export function appendDeviceFile(system: RunningSystem, path: string, data: Uint8Array): void {
  doNow(system, { kind: 'append', path, data });
}

export function removeDeviceFile(system: RunningSystem, path: string, recursive: boolean): void {
  doNow(system, { kind: 'rm', path, recursive });
}

export function moveDeviceFile(system: RunningSystem, from: string, to: string): void {
  doNow(system, { kind: 'mv', from, to });
}

export function makeDeviceFolder(system: RunningSystem, path: string, parents: boolean): void {
  doNow(system, { kind: 'mkdir', path, parents });
}

export function changeDeviceMode(system: RunningSystem, path: string, mode: number): void {
  doNow(system, { kind: 'chmod', path, mode });
}

export function linkDeviceFile(system: RunningSystem, target: string, path: string, symbolic: boolean): void {
  doNow(system, { kind: 'ln', target, path, symbolic });
}
