/** Names in the directory that a union works in, as Linux lays it out. */
import type { ByteString } from '../core/index.js';

/** `work`: what is being prepared; in it `incompat`: features that the next mount has to know; `index`: hard links. */
export const workNames = {
  work: 'work' as ByteString,
  index: 'index' as ByteString,
  features: 'incompat' as ByteString,
} as const;

/** The feature of a union that does not flush. */
export const volatileFeature = 'volatile' as ByteString;
