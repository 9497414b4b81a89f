/** JUnit XML, the form in which CI servers read test results. */

/** One case of a suite; `failure` absent means passed. */
export interface JunitCase {
  readonly name: string;
  readonly failure?: string;
}

/** Writes one suite. */
export function renderJunit(suite: string, cases: readonly JunitCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const lines = cases.map(({ name, failure }) =>
    failure === undefined
      ? `  <testcase classname="${escape(suite)}" name="${escape(name)}"/>`
      : `  <testcase classname="${escape(suite)}" name="${escape(name)}"><failure message="${escape(failure)}"/></testcase>`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="${escape(suite)}" tests="${cases.length}" failures="${failures}">`,
    ...lines,
    '</testsuite>',
    '',
  ].join('\n');
}

function escape(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // XML has no way to write other control characters.
      .replace(/[^\t\n\r\u0020-\uFFFD]/g, '\uFFFD')
  );
}
