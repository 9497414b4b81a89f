/** The HTML report in a real browser: mouse, keyboard, search, sorting, widths, contrast, and that it stays on its own. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import {
  attributeImage,
  budgetReport,
  compareBudgets,
  countBudget,
  imageParts,
} from '../../../tools/budget/index.js';
import type { FlashBudget } from '../../../tools/budget/index.js';
import { squashfsParameters } from '../../../tools/build/index.js';
import { byteStringFromText } from '../../../tools/core/index.js';
import { packSquashfs } from '../../../tools/squashfs/index.js';
import { noise } from '../../support/image-inputs.js';
import { launchBrowser, openFile } from '../../support/browser.js';
import { requires, tool } from '../../support/requires.js';
import { profileOf, routerTree, sysupgradeImage } from '../../support/router-image.js';
import { fastOptions, file } from '../../support/squashfs-trees.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { newDirectory } from '../../../tools/vfs/index.js';
import type { TreeDirectory } from '../../../tools/vfs/index.js';

const folder = temporaryFolder();
const hasChromium = tool('chromium');
const profile = profileOf('ubnt_unifi-ap');
const hostile = '<img src=x onerror=alert(1)>"\'&</script><script>alert(2)</script>';
let browser: Browser | undefined;
let reportPath = '';
let largePath = '';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** A root with two packages, one with nested folders and a hostile name. */
function tree(extra: Readonly<Record<string, string>> = {}): TreeDirectory {
  const root = routerTree({
    '/usr/lib/opkg/status': ['web', 'radio']
      .map((name) => `Package: ${name}\nVersion: 1\nStatus: install user installed\n\n`)
      .join(''),
    '/usr/lib/opkg/info/web.list': '/www/index.html\n/www/js/app.js\n/www/js/deep/er/module.js\n',
    '/usr/lib/opkg/info/radio.list': '/lib/radio.ko\n',
    '/www/index.html': text(noise(9000, 1)),
    '/www/js/app.js': text(noise(30_000, 2)),
    '/www/js/deep/er/module.js': text(noise(12_000, 3)),
    '/lib/radio.ko': text(noise(20_000, 4)),
    ...extra,
  });
  const entries = root.entries.get(byteStringFromText('www'));
  if (entries?.type === 'directory') {
    const name = byteStringFromText(hostile.replaceAll('/', '∕'));
    entries.entries.set(name, file(noise(5000, 5)));
  }
  return root;
}

async function budgetOf(root: TreeDirectory): Promise<FlashBudget> {
  const { firmware, squashfs } = imageParts(await sysupgradeImage(profile, root), profile);
  return countBudget({ profile, firmware, attribution: squashfs && attributeImage(squashfs) });
}

/** A root of 2,000 files in 40 packages; only its costs are needed. */
async function largeBudget(): Promise<FlashBudget> {
  const root = newDirectory();
  const status: string[] = [];
  const info = newDirectory();
  for (let owner = 0; owner < 40; owner += 1) {
    const name = `package-with-a-long-name-${owner}`;
    status.push(`Package: ${name}\nVersion: 1.${owner}\nStatus: install user installed\n\n`);
    const directory = newDirectory();
    const list: string[] = [];
    for (let i = 0; i < 50; i += 1) {
      directory.entries.set(
        byteStringFromText(`some-file-of-the-package-${i}.conf`),
        file(`${owner} ${i} `.repeat(i * 3)),
      );
      list.push(`/folder-${owner}/some-file-of-the-package-${i}.conf\n`);
    }
    root.entries.set(byteStringFromText(`folder-${owner}`), directory);
    info.entries.set(byteStringFromText(`${name}.list`), file(list.join('')));
  }
  const opkg = newDirectory();
  opkg.entries.set(byteStringFromText('status'), file(status.join('')));
  opkg.entries.set(byteStringFromText('info'), info);
  const lib = newDirectory();
  lib.entries.set(byteStringFromText('opkg'), opkg);
  const usr = newDirectory();
  usr.entries.set(byteStringFromText('lib'), lib);
  root.entries.set(byteStringFromText('usr'), usr);
  const { bytes } = await packSquashfs(root, { ...fastOptions, ...squashfsParameters(profile) });
  return countBudget({ profile, firmware: new Uint8Array(100), attribution: attributeImage(bytes) });
}

beforeAll(async () => {
  if (!hasChromium.met) return;
  const [before, budget] = [
    await budgetOf(tree()),
    await budgetOf(tree({ '/lib/radio.ko': text(noise(90_000, 4)) })),
  ];
  const common = { boardName: profile.name, program: 'Firmwright test' };
  reportPath = join(folder, 'report.html');
  writeFileSync(
    reportPath,
    budgetReport({
      ...common,
      budget,
      subject: `${hostile}.bin`,
      comparison: compareBudgets(before, budget),
      against: 'before.bin',
      savings: {
        size: budget.rootfs?.size ?? 0,
        packages: [{ name: 'radio', bytes: 90_000, eraseBlocks: 1, neededBy: ['web'] }],
      },
    }),
  );
  largePath = join(folder, 'large.html');
  writeFileSync(largePath, budgetReport({ ...common, budget: await largeBudget(), subject: 'large.bin' }));
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser?.close();
});

async function opened(path: string, width: number, dark = false): ReturnType<typeof openFile> {
  if (!browser) throw new Error('the browser did not start');
  const result = await openFile(browser, path, { width, dark });
  await result.page.waitForSelector('.tile');
  return result;
}

const here = (page: Page): Promise<string[]> => page.locator('#crumbs button').allTextContents();
const rows = (page: Page): Promise<string[]> => page.locator('#costs-body th').allTextContents();
const tile = (page: Page, name: string) =>
  page.locator('.tile', { has: page.locator(`b:text-is("${name}")`) });

for (const width of [1280, 375]) {
  requires(hasChromium)(`${width} px: drilling down and up by mouse`, async () => {
    const { page, noise: heard } = await opened(reportPath, width);
    expect(await here(page)).toHaveLength(1);
    await tile(page, 'web').click();
    await tile(page, 'www').click();
    await tile(page, 'js').click();
    await tile(page, 'deep/er').click();
    expect((await here(page)).map((step) => step.replace(/ .*/, ''))).toEqual([
      'squashfs',
      'web',
      'www',
      'js',
      'deep/er',
    ]);
    expect((await page.locator('.tile').allTextContents())[0]).toMatch(/^module\.js12\s\d{3}$/);
    await page.locator('#crumbs button').nth(1).click();
    expect(await here(page)).toHaveLength(2);
    expect(heard).toEqual({ console: [], requests: [`file://${reportPath}`] });
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await page.close();
  });

  requires(hasChromium)(`${width} px: drilling down and up by keyboard`, async () => {
    const { page } = await opened(reportPath, width);
    const focused = (): Promise<string> =>
      page.evaluate<string>(`document.activeElement?.querySelector('b')?.textContent ?? ''`);
    await page.locator('.tile').first().focus();
    const first = await focused();
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'End', 'Home'])
      await page.keyboard.press(key);
    expect(await focused()).toBe(first);
    await page.keyboard.press('End');
    expect(await focused()).not.toBe(first);
    await tile(page, 'web').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect((await here(page)).length).toBeGreaterThanOrEqual(3);
    const depth = (await here(page)).length;
    await page.keyboard.press('Escape');
    expect(await here(page)).toHaveLength(depth - 1);
    await page.keyboard.press('Backspace');
    expect(await here(page)).toHaveLength(depth - 2);
    // Where one comes back to is where one went in.
    if (depth - 2 === 1) expect(await focused()).toBe('web');
    await page.close();
  });

  requires(hasChromium)(`${width} px: searching and sorting the table`, async () => {
    const { page } = await opened(reportPath, width);
    expect((await rows(page)).slice(0, 1)).toEqual(['radio']);
    await page.getByRole('button', { name: 'Name' }).click();
    expect((await rows(page)).toSorted()).toEqual(await rows(page));
    expect(await page.locator('th[aria-sort=ascending]').textContent()).toBe('Name');
    await page.getByRole('radio', { name: 'Files' }).check();
    await page.getByLabel('Find by name').fill('js web');
    expect(
      (await rows(page)).map((name) => name.split(' ')[0]).filter((name) => !name?.endsWith('.js')),
    ).toEqual(['/www/js', '/www/js/deep', '/www/js/deep/er']);
    await page.getByRole('radio', { name: 'Folders' }).check();
    await page.getByLabel('Find by name').fill('www');
    await page.getByRole('button', { name: 'Stored, bytes' }).click();
    expect((await rows(page))[0]).toBe('/www');
    expect(await page.locator('#count').textContent()).toBe('4 folders');
    await page.close();
  });
}

requires(hasChromium)(
  'names of the image are text: no element, no script, no dialog comes of them',
  async () => {
    const { page, noise: heard } = await opened(reportPath, 1280);
    page.on('dialog', () => heard.console.push('a dialog'));
    await page.getByRole('radio', { name: 'Files' }).check();
    await page.getByLabel('Find by name').fill('onerror');
    expect(await rows(page)).toEqual([expect.stringContaining('<img src=x')]);
    await tile(page, '(no package)').click();
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(2);
    expect(heard.console).toEqual([]);
    await page.close();
  },
);

requires(hasChromium)('what fits, what dropping gives and what changed are there', async () => {
  const { page } = await opened(reportPath, 1280);
  expect(await page.locator('.verdict').textContent()).toMatch(/^Fits/);
  await expect(page.locator('#savings-title + p + ul').textContent()).resolves.toContain(
    'Dropping radio gives the overlay 1 more erase block',
  );
  const comparison = page.locator('section', { has: page.locator('#comparison-title') });
  expect(await comparison.locator('tbody th').first().textContent()).toBe('radio');
  expect(await comparison.textContent()).toMatch(/\+7\d\s\d{3} bytes/);
  await page.close();
});

/** Ratio of luminances, by WCAG 2.1. */
const contrastFaults = `(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const channel = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const backOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a > 0.99) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility() || element.closest('script, style, noscript')) continue;
    const [one, two] = [luminance(parse(getComputedStyle(element).color)), luminance(backOf(element))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < 4.5) faults.push(ratio.toFixed(2) + ' ' + element.outerHTML.slice(0, 80));
  }
  return [...new Set(faults)];
})()`;

for (const dark of [false, true]) {
  requires(hasChromium)(`${dark ? 'dark' : 'light'}: every text has a contrast of 4.5 or more`, async () => {
    const { page } = await opened(reportPath, 1280, dark);
    expect(await page.evaluate(contrastFaults)).toEqual([]);
    await page.close();
  });
}

requires(hasChromium)('every control has a name, and every table its headings', async () => {
  const { page } = await opened(reportPath, 375);
  const nameless = await page.evaluate<string[]>(`
    [...document.querySelectorAll('button, input, [role=img], [role=region], [role=group]')]
      .filter((one) => one.checkVisibility())
      .filter((one) => !(one.getAttribute('aria-label') ?? one.textContent).trim() && !(one.labels?.length > 0))
      .map((one) => one.outerHTML.slice(0, 80))`);
  expect(nameless).toEqual([]);
  expect(await page.locator('table:not(:has(thead th[scope=col]))').count()).toBe(0);
  await page.close();
});

requires(hasChromium)('print shows treemap and table without the tools', async () => {
  const { page } = await opened(reportPath, 794);
  await page.emulateMedia({ media: 'print' });
  expect(await page.locator('.tools').isVisible()).toBe(false);
  expect(await page.locator('#treemap').isVisible()).toBe(true);
  expect(await page.locator('#costs-body tr').count()).toBeGreaterThan(1);
  await page.close();
});

requires(hasChromium)('2,000 files: below 1.5 MB, and the table answers', async () => {
  const { page, noise: heard } = await opened(largePath, 1280);
  expect(statSync(largePath).size).toBeLessThan(1_500_000);
  await page.getByRole('radio', { name: 'Files' }).check();
  await page.getByLabel('Find by name').fill('package-7.conf');
  expect(await page.locator('#count').textContent()).toMatch(/^40 files/);
  expect(heard.console).toEqual([]);
  await page.close();
});
