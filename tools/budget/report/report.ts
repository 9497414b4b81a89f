/**
 * The budget as one HTML file: no request leaves it, all styles and its one script stand inside, and names found in the
 * image are text wherever they appear.
 */
import { readFileSync } from 'node:fs';
import { checkoutPath } from '../../core/index.js';
import type { BudgetComparison } from '../compare-costs.js';
import type { FlashBudget } from '../count.js';
import { verdict } from '../markdown.js';
import type { PackageSavings } from '../package-savings.js';
import { costTree, noPackage } from './cost-tree.js';
import { flashMap } from './flash-map.js';
import { embeddedJson, escapeHtml, visible } from './markup.js';
import { comparisonSection, keyFigures, limitsSection, savingsSection } from './sections.js';
import { styles } from './styles.js';

/** What a report is made of. */
export interface ReportInput {
  /** With all files, not only the costliest. */
  readonly budget: FlashBudget;
  /** What the report is of, such as the name of an image file. */
  readonly subject: string;
  /** Name of the board for people. */
  readonly boardName: string;
  readonly savings?: PackageSavings | undefined;
  readonly comparison?: BudgetComparison | undefined;
  /** What the comparison is with. */
  readonly against?: string | undefined;
  /** Name and version of the program. */
  readonly program: string;
}

/** Renders a budget as one HTML file; same input, same bytes. */
export function budgetReport(input: ReportInput): string {
  const { budget, subject, boardName, program } = input;
  const title = `Flash budget: ${boardName}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${styles}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(subject)} on ${escapeHtml(budget.board)}</p>
<p class="verdict ${budget.fits ? 'fits' : 'over'}">${escapeHtml(capital(verdict(budget)))}</p>
${keyFigures(budget)}
</header>
<main>
${limitsSection(budget)}
${flashMap(budget)}
${treemapSection(budget)}
${savingsSection(input.savings)}
${comparisonSection(input.comparison, input.against ?? '')}
${costsSection(input)}
</main>
<footer>${escapeHtml(program)}. Bytes that serve several files are divided among them, so all costs add up to the image.</footer>
</body>
</html>
`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function treemapSection({ rootfs }: FlashBudget): string {
  if (!rootfs) return '';
  return `<section aria-labelledby="tree-title">
<h2 id="tree-title">Where the root file system goes</h2>
<p class="lead">Each area is what a package, folder or file costs in the compressed image.</p>
<nav aria-label="Place in the treemap"><ol class="crumbs" id="crumbs"></ol></nav>
<div class="treemap" id="treemap" role="group" aria-label="Treemap of compressed cost"></div>
<p class="hint">Choose an area to look inside. With the keyboard: arrow keys move, Enter opens, Escape goes back.</p>
<p id="treemap-said" class="said" aria-live="polite"></p>
<noscript><p>Treemap and table need JavaScript; <code>firmwright budget</code> prints the same figures as text.</p></noscript>
</section>`;
}

function costsSection({ budget, savings }: ReportInput): string {
  if (!budget.rootfs) return '';
  const headings: [string, string, string][] = [
    ['name', 'Name', ''],
    ['stored', 'Stored, bytes', ''],
    ['stored', 'Share', ''],
    ['size', 'Content, bytes', 'side'],
    ['', 'Stored of content', 'side'],
    ...(savings
      ? ([
          ['saves', 'Dropping saves', ''],
          ['blocks', 'Erase blocks', ''],
        ] as [string, string, string][])
      : []),
  ];
  const head = headings.map(([key, text, className], i) =>
    key === '' || i === 2
      ? `<th scope="col" class="${className}">${text}</th>`
      : `<th scope="col" class="${className}" data-key="${key}"><button type="button">${text}</button></th>`,
  );
  return `<section aria-labelledby="costs-title">
<h2 id="costs-title">All costs</h2>
<div class="tools" data-live hidden>
<div class="find"><label for="find">Find by name</label><input type="search" id="find" autocomplete="off" spellcheck="false"></div>
<fieldset class="kinds"><legend>Show</legend>
<label><input type="radio" name="kind" value="packages"> Packages</label>
<label><input type="radio" name="kind" value="folders"> Folders</label>
<label><input type="radio" name="kind" value="files"> Files</label>
</fieldset>
</div>
<p id="count" class="lead" role="status"></p>
<div class="scroll" tabindex="0" role="region" aria-label="Costs"><table id="costs-table">
<thead><tr>${head.join('')}</tr></thead>
<tbody id="costs-body"></tbody></table></div>
<div class="page"><button type="button" id="more" hidden></button></div>
</section>
<script type="application/json" id="data">${embeddedJson(pageData(budget, savings))}</script>
<script type="module">${readFileSync(checkoutPath('tools/budget/report/page.js'), 'utf8')}</script>`;
}

/** What the script works on: tiles, packages, and every name with the index of its package. */
function pageData(budget: FlashBudget, savings: PackageSavings | undefined): unknown {
  const { packages = [], unowned } = budget.rootfs ?? {};
  const saved = new Map(savings?.packages.map((saving) => [saving.name, saving]));
  const index = new Map(packages.map(({ name }, i) => [name, i]));
  return {
    noPackage,
    hasSavings: savings !== undefined,
    tree: costTree(budget),
    packages: [
      ...packages.map(({ name, stored, size }) => {
        const saving = saved.get(name);
        return { name: visible(name), stored, size, saves: saving?.bytes, blocks: saving?.eraseBlocks };
      }),
      ...(unowned && packages.length > 0
        ? [{ name: noPackage, stored: unowned.stored, size: unowned.size }]
        : []),
    ],
    files: budget.files.map(({ path, type, package: owner, stored, size }) => [
      visible(path),
      owner === undefined ? -1 : (index.get(owner) ?? -1),
      stored,
      size,
      ...(type === 'directory' ? [1] : []),
    ]),
  };
}
