/**
 * What the reader does with the report: drilling down the treemap, searching and sorting the table. Runs in the
 * browser, as a module inside the page; everything it shows comes from the data in the page, as text, never as markup.
 *
 * @typedef {{ n: string, b: number, k: string, c?: Tile[], w?: number[], t?: number[] }} Tile
 * @typedef {{ name: string, package: string, stored: number, size: number, saves?: number, blocks?: number }} Row
 */
/* global document, window, matchMedia */

const data = JSON.parse(document.getElementById('data').textContent);
const narrow = matchMedia('(max-width: 640px)');
const digits = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
const percent = (part, whole) => (whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '');
const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};

// --- treemap

const treemap = document.getElementById('treemap');
const crumbs = document.getElementById('crumbs');
const said = document.getElementById('treemap-said');
/** Tiles from the image down to the one that is open. */
let trail = [data.tree];

function colourOf(tile, depth) {
  if (tile.k === 'r') return 7;
  const name = depth === 0 ? tile.n : trail[1].n;
  if (name === data.noPackage) return 7;
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  return hash % 7;
}

function tileElement(tile, whole) {
  const opens = tile.c !== undefined && tile.c.length > 0;
  const [left, top, right, bottom] = (narrow.matches ? tile.t : tile.w).map((edge) => edge / 10);
  const share = percent(tile.b, whole);
  const made = element(
    'button',
    {
      type: 'button',
      className: `tile${opens ? ' opens' : ''}`,
      title: `${tile.n}\n${digits(tile.b)} bytes, ${share}`,
    },
    element('b', { textContent: tile.n }),
    element('span', { textContent: digits(tile.b) }),
  );
  const kind = { p: 'package', d: 'folder', f: 'file', r: 'group' }[tile.k];
  made.setAttribute(
    'aria-label',
    `${kind} ${tile.n}, ${digits(tile.b)} bytes, ${share}${opens ? ', opens' : ''}`,
  );
  Object.assign(made.style, {
    left: `${left}%`,
    top: `${top}%`,
    width: `${right - left}%`,
    height: `${bottom - top}%`,
    background: `var(--t${colourOf(tile, trail.length - 1)})`,
  });
  made.tabIndex = -1;
  if (opens) made.addEventListener('click', () => open([...trail, tile], true));
  return made;
}

/** Hides labels that have no room. */
function muteSmallTiles() {
  const { clientWidth, clientHeight } = treemap;
  for (const tile of treemap.children) {
    const width = (parseFloat(tile.style.width) / 100) * clientWidth;
    const height = (parseFloat(tile.style.height) / 100) * clientHeight;
    tile.classList.toggle('mute', width < 46 || height < 24);
    tile.lastChild.hidden = height < 42 || width < 62;
  }
}

function open(path, focus) {
  const from = trail.at(-1);
  trail = path;
  const tile = trail.at(-1);
  treemap.replaceChildren(...tile.c.map((child) => tileElement(child, tile.b)));
  muteSmallTiles();
  crumbs.replaceChildren(
    ...trail.map((step, depth) => {
      const button = element('button', { type: 'button', textContent: step.n });
      if (depth === trail.length - 1) {
        button.setAttribute('aria-current', 'location');
        button.append(` ${digits(step.b)} bytes`);
      } else button.addEventListener('click', () => open(trail.slice(0, depth + 1), true));
      return element('li', {}, button);
    }),
  );
  const back = path.length > 0 && from !== undefined ? tile.c.indexOf(from) : -1;
  const target = treemap.children[Math.max(0, back)];
  if (target) target.tabIndex = 0;
  if (focus) {
    target?.focus({ preventScroll: true });
    said.textContent = `${tile.n}: ${tile.c.length} parts, ${digits(tile.b)} bytes`;
  }
}

/** The nearest tile in the direction of an arrow key: the way ahead counts once, the way aside twice. */
function neighbour(tile, key) {
  const here = tile.getBoundingClientRect();
  const middle = (box) => [box.left + box.width / 2, box.top + box.height / 2];
  const [x, y] = middle(here);
  const ahead = {
    ArrowRight: (box) => box.left >= here.right - 2 && box.left - here.right,
    ArrowLeft: (box) => box.right <= here.left + 2 && here.left - box.right,
    ArrowDown: (box) => box.top >= here.bottom - 2 && box.top - here.bottom,
    ArrowUp: (box) => box.bottom <= here.top + 2 && here.top - box.bottom,
  }[key];
  const sideways = key === 'ArrowRight' || key === 'ArrowLeft' ? 1 : 0;
  let best;
  for (const other of treemap.children) {
    const box = other.getBoundingClientRect();
    const distance = ahead(box);
    if (other === tile || distance === false) continue;
    const aside = Math.abs(middle(box)[sideways] - [x, y][sideways]);
    if (!best || distance + 2 * aside < best.cost) best = { other, cost: distance + 2 * aside };
  }
  return best?.other;
}

treemap.addEventListener('keydown', (event) => {
  const tile = event.target.closest('.tile');
  if (!tile) return;
  let next;
  if (event.key.startsWith('Arrow')) next = neighbour(tile, event.key);
  else if (event.key === 'Home') next = treemap.firstElementChild;
  else if (event.key === 'End') next = treemap.lastElementChild;
  else if ((event.key === 'Escape' || event.key === 'Backspace') && trail.length > 1)
    open(trail.slice(0, -1), true);
  else return;
  event.preventDefault();
  if (!next) return;
  tile.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

narrow.addEventListener('change', () => open(trail, false));
window.addEventListener('resize', muteSmallTiles);

// --- table

const pageLength = 40;
const body = document.getElementById('costs-body');
const find = document.getElementById('find');
const count = document.getElementById('count');
const more = document.getElementById('more');
const headings = [...document.querySelectorAll('#costs-table th[data-key]')];
const state = { kind: 'packages', key: 'stored', down: true, shown: pageLength };

/** Rows of every kind; those of folders are sums over all below. */
const rows = { packages: data.packages, folders: undefined, files: undefined };
function rowsOf(kind) {
  if (rows[kind]) return rows[kind];
  if (kind === 'files') {
    rows.files = data.files.map(([name, owner, stored, size]) => ({
      name,
      package: owner < 0 ? '' : data.packages[owner].name,
      stored,
      size,
    }));
    return rows.files;
  }
  const folders = new Map();
  for (const [name, , stored, size, isFolder] of data.files) {
    const names = name.split('/');
    for (let length = isFolder ? names.length : names.length - 1; length > 0; length -= 1) {
      const folder = names.slice(0, length).join('/') || '/';
      if (folder === '/' && length > 1) continue;
      const sum = folders.get(folder) ?? { name: folder, package: '', stored: 0, size: 0 };
      sum.stored += stored;
      sum.size += size;
      folders.set(folder, sum);
    }
  }
  rows.folders = [...folders.values()];
  return rows.folders;
}

function compare(a, b) {
  const [left, right] = [a[state.key] ?? -Infinity, b[state.key] ?? -Infinity];
  const order = left < right ? -1 : left > right ? 1 : 0;
  return (state.down ? -order : order) || (a.name < b.name ? -1 : 1);
}

function cell(text, className = '') {
  return element('td', { textContent: text, className });
}

function rowElement(row) {
  const name = element('th', { scope: 'row', textContent: row.name });
  if (state.kind === 'files' && row.package) name.append(' ', element('small', { textContent: row.package }));
  const cells = [
    cell(digits(row.stored)),
    cell(percent(row.stored, data.tree.b)),
    cell(digits(row.size), 'side'),
    cell(percent(row.stored, row.size), 'side'),
  ];
  if (data.hasSavings) {
    cells.push(
      cell(row.saves === undefined ? '' : digits(row.saves)),
      cell(row.blocks === undefined ? '' : String(row.blocks)),
    );
  }
  return element('tr', {}, name, ...cells);
}

function showRows() {
  const wanted = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = rowsOf(state.kind)
    .filter(({ name, package: owner }) =>
      wanted.every((word) => `${name} ${owner}`.toLowerCase().includes(word)),
    )
    .sort(compare);
  body.replaceChildren(...found.slice(0, state.shown).map(rowElement));
  const stored = found.reduce((sum, row) => sum + row.stored, 0);
  const bytes = state.kind === 'folders' ? '' : `, ${digits(stored)} bytes`;
  count.textContent = `${digits(found.length)} ${state.kind}${bytes}`;
  more.hidden = found.length <= state.shown;
  more.textContent = `Show ${digits(Math.min(pageLength * 5, found.length - state.shown))} more`;
  for (const heading of headings) {
    const direction = state.down ? 'descending' : 'ascending';
    if (heading.dataset.key === state.key) heading.setAttribute('aria-sort', direction);
    else heading.removeAttribute('aria-sort');
  }
}

function change(values) {
  Object.assign(state, { shown: pageLength }, values);
  showRows();
}

find.addEventListener('input', () => change({}));
more.addEventListener('click', () => change({ shown: state.shown + pageLength * 5 }));
for (const heading of headings) {
  const { key } = heading.dataset;
  heading.firstElementChild.addEventListener('click', () =>
    change({ key, down: key === state.key ? !state.down : key !== 'name' }),
  );
}
for (const choice of document.querySelectorAll('input[name=kind]')) {
  choice.addEventListener('change', () => change({ kind: choice.value }));
}

for (const part of document.querySelectorAll('[data-live]')) part.hidden = false;
if (treemap && data.tree.c.length > 0) open(trail, false);
state.kind = data.packages.length > 0 ? 'packages' : 'files';
const first = document.querySelector(`input[name=kind][value=${state.kind}]`);
if (first) first.checked = true;
showRows();
