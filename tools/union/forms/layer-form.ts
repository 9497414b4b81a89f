/** The forms in which whole layers keep their marks, and what each can hold (union-semantics 37, 40). */
import { aufsNameMax } from '../marks.js';
import type { WhiteoutForm } from '../policy.js';

/** A form of the field; `overlay-user` is `overlay` with the attributes of a user without privileges. */
export type LayerForm = Exclude<WhiteoutForm, 'overlay-v7-text'> | 'overlay-user';

/** What a form can hold, and how. */
export interface FormAbilities {
  /** Prefix of its attributes; undefined when it has none. */
  readonly prefix: 'trusted.overlay.' | 'user.overlay.' | undefined;
  readonly opaque: boolean;
  readonly redirects: boolean;
  /** Longest name that a whiteout can have, in bytes. */
  readonly nameMax: number;
  /** Neither blanks nor newlines in names. */
  readonly plainNames: boolean;
  /** A whiteout takes the place of the name itself, instead of being recorded beside it. */
  readonly inPlace: boolean;
}

const overlay: FormAbilities = {
  prefix: 'trusted.overlay.',
  opaque: true,
  redirects: true,
  nameMax: 255,
  plainNames: false,
  inPlace: true,
};

const recorded: FormAbilities = { ...overlay, prefix: undefined, redirects: false, inPlace: false };

/** All forms. */
export const formAbilities: Readonly<Record<LayerForm, FormAbilities>> = {
  overlay,
  'overlay-x': overlay,
  'overlay-user': { ...overlay, prefix: 'user.overlay.' },
  'overlay-v7': overlay,
  aufs: { ...recorded, nameMax: aufsNameMax },
  'fuse-overlayfs': { ...recorded, inPlace: true },
  bsd: { ...recorded, inPlace: true },
  'unionfs-fuse': { ...recorded, opaque: false, nameMax: 255 - '_HIDDEN~'.length },
  mini_fo: { ...recorded, opaque: false, redirects: true, plainNames: true },
};
