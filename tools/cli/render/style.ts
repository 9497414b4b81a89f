import picocolors from 'picocolors';

/** Colours and weights; each function returns its argument unchanged where colours are off. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** Makes a style for a stream: colours on a terminal, unless NO_COLOR is set to anything but the empty string. */
export function styleFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Style {
  return picocolors.createColors(isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb');
}
