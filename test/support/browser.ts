/** Debian's Chromium, headless, for pages that stand on the disk. */
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';

/** What a page did that a quiet page does not. */
export interface PageNoise {
  readonly console: string[];
  readonly requests: string[];
}

/** Starts the browser; the caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking'],
  });
}

/** Opens a file and notes whatever goes to the console or to the network. */
export async function openFile(
  browser: Browser,
  path: string,
  options: { readonly width: number; readonly height?: number; readonly dark?: boolean },
): Promise<{ readonly page: Page; readonly noise: PageNoise }> {
  const { width, height = 800, dark = false } = options;
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  });
  const noise: PageNoise = { console: [], requests: [] };
  page.on('console', (message) => noise.console.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => noise.console.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) noise.requests.push(request.url());
  });
  await page.goto(`file://${path}`);
  return { page, noise };
}
