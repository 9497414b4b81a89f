/** Shape of a flash chip or of a partition of it; all sizes in bytes. */
export interface FlashGeometry {
  readonly kind: 'nor' | 'nand';
  readonly size: number;
  /** Smallest erasable unit. */
  readonly eraseSize: number;
  /** Smallest programmable unit: 1 on NOR, the page on NAND. */
  readonly writeSize: number;
  /** Spare bytes per NAND page; 0 on NOR. */
  readonly oobSize: number;
}

/** Makes the geometry of a NOR chip or partition. */
export function norGeometry(size: number, eraseSize: number): FlashGeometry {
  return { kind: 'nor', size, eraseSize, writeSize: 1, oobSize: 0 };
}
