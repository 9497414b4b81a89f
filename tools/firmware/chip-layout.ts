/** What of a board profile says where a vendor's flash address lies; a `BoardProfile` is one. */
export interface ChipLayout {
  readonly flash: { readonly size: number };
  readonly partitions: readonly { readonly label: string; readonly offset: number; readonly size: number }[];
}
