/** The look of the report: light and dark by the reader's choice, one column on a phone, everything open in print. */
export const styles = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1d2329; --soft: #57606a; --line: #d9d6d0; --mark: #0b5c8a;
  --good: #1a6b3c; --good-back: #e3f2e8; --bad: #a3242b; --bad-back: #fbe6e5; --warn: #7a5200;
  --kernel: #b9862c; --rootfs: #2f7fa8; --rootfs_data: #3f9361; --other: #8a8f96;
  --t0: #cfe3ef; --t1: #d5e8d4; --t2: #f1e2bd; --t3: #efd5d0; --t4: #ddd6ee; --t5: #cde7e3; --t6: #e9dcc9; --t7: #dfe2e6;
  --focus: #0b5c8a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181c; --card: #1b2026; --ink: #e8ebee; --soft: #a3adb8; --line: #343c45; --mark: #7cc4ee;
    --good: #7fd6a0; --good-back: #17301f; --bad: #ff9d97; --bad-back: #3a1b1d; --warn: #e8c37a;
    --kernel: #c99a45; --rootfs: #4a9bc6; --rootfs_data: #55ad79; --other: #7d858e;
    --t0: #23475c; --t1: #2a4a35; --t2: #524318; --t3: #57322d; --t4: #423963; --t5: #1f4a46; --t6: #4c3d29; --t7: #3a4149;
    --focus: #7cc4ee;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main, header, footer { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.25rem; }
h1 { font-size: clamp(1.5rem, 1.1rem + 2vw, 2.1rem); line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 0 0 .25rem; letter-spacing: -.005em; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem; margin: 1.25rem 0; }
.lead, .hint, footer { color: var(--soft); margin: 0 0 1rem; }
.hint { font-size: .9rem; margin: .5rem 0 0; }
.verdict { display: inline-block; font-weight: 600; border-radius: 6px; padding: .3rem .7rem; margin: .75rem 0; }
.verdict.fits { color: var(--good); background: var(--good-back); }
.verdict.over { color: var(--bad); background: var(--bad-back); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1rem 0 0; padding: 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .75rem 1rem; }
.facts dt { color: var(--soft); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts dd small { font-size: .85rem; font-weight: 400; color: var(--soft); display: block; }
.bar { width: 100%; height: 44px; display: block; }
.bar rect { vector-effect: non-scaling-stroke; }
.scale { display: flex; justify-content: space-between; color: var(--soft); font-size: .8rem; margin: .15rem 0 1rem; }
.blocks { width: 100%; display: block; margin: 0 0 1rem; }
svg .kernel { --c: var(--kernel); } svg .rootfs { --c: var(--rootfs); } svg .rootfs_data { --c: var(--rootfs_data); } svg .other { --c: var(--other); }
svg path { vector-effect: non-scaling-stroke; }
svg .used { fill: var(--c); stroke: var(--c); }
svg .free { fill: color-mix(in srgb, var(--c) 16%, transparent); stroke: var(--c); }
svg .gap { fill: none; stroke: var(--line); }
.chip { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .5em; vertical-align: -.05em; background: var(--other); }
.chip.kernel { background: var(--kernel); } .chip.rootfs { background: var(--rootfs); } .chip.rootfs_data { background: var(--rootfs_data); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child, th[scope=row] { text-align: left; }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; }
tbody th { font-weight: 500; white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
tbody tr:last-child > * { border-bottom: 0; }
small { color: var(--soft); }
.limits { list-style: none; margin: 1rem 0 0; padding: 0; display: grid; gap: 1rem; }
.limits .row { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .25rem 1rem; }
.meter { height: 10px; border-radius: 5px; background: var(--line); overflow: hidden; margin-top: .35rem; }
.meter span { display: block; height: 100%; background: var(--rootfs); }
.over .meter span { background: var(--bad); }
.over b, .more { color: var(--bad); } .ok b, .less { color: var(--good); }
.crumbs { display: flex; flex-wrap: wrap; gap: .25rem; margin: .75rem 0; padding: 0; list-style: none; min-height: 2.25rem; align-items: center; }
.crumbs li + li::before { content: "/"; color: var(--soft); margin-right: .25rem; }
button, input, select { font: inherit; color: inherit; }
.crumbs button, .kinds label, .page button { background: none; border: 1px solid var(--line); border-radius: 6px; padding: .25rem .6rem; cursor: pointer; color: var(--mark); overflow-wrap: anywhere; text-align: left; }
.crumbs [aria-current] { color: var(--ink); border-color: transparent; cursor: default; font-weight: 600; }
.treemap { position: relative; width: 100%; aspect-ratio: 1.9; background: var(--paper); border-radius: 8px; overflow: hidden; }
.tile { position: absolute; border: 1px solid var(--card); border-radius: 4px; padding: .3rem .45rem; margin: 0; overflow: hidden; text-align: left; line-height: 1.25; font-size: .85rem; color: var(--ink); cursor: default; display: flex; flex-direction: column; justify-content: flex-start; align-items: stretch; }
.tile.opens { cursor: pointer; }
.tile:hover { filter: brightness(.96) saturate(1.3); }
.tile b { display: block; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tile span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.tile.mute > * { display: none; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.tile:focus-visible { outline-offset: -3px; z-index: 2; }
.tools { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: end; margin: 1rem 0; }
.tools .find { flex: 1 1 16rem; }
.tools .find label { display: block; font-size: .85rem; color: var(--soft); }
input[type=search] { width: 100%; padding: .5rem .7rem; border: 1px solid var(--soft); border-radius: 6px; background: var(--paper); }
.kinds { display: flex; border: 0; padding: 0; margin: 0; gap: .4rem; }
.kinds legend { font-size: .85rem; color: var(--soft); padding: 0; }
.kinds label { position: relative; display: inline-block; }
.kinds input { position: absolute; opacity: 0; inset: 0; margin: 0; cursor: pointer; }
.kinds label:has(:checked) { background: var(--mark); border-color: var(--mark); color: var(--card); }
.kinds label:has(:focus-visible) { outline: 3px solid var(--focus); outline-offset: 2px; }
thead button { background: none; border: 0; padding: 0; font-weight: 600; color: var(--mark); cursor: pointer; }
[aria-sort=descending] button::after { content: " \\2193"; } [aria-sort=ascending] button::after { content: " \\2191"; }
.page { margin-top: 1rem; display: flex; gap: 1rem; align-items: center; flex-wrap: wrap; }
footer { padding-bottom: 3rem; font-size: .9rem; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0; }
[hidden] { display: none !important; }
@media (max-width: 640px) {
  main, header, footer { padding-left: .9rem; padding-right: .9rem; }
  section { padding: 1rem .9rem; }
  .treemap { aspect-ratio: .85; }
  .facts { grid-template-columns: 1fr 1fr; }
  .facts dd { font-size: 1.15rem; }
  .facts div { padding: .6rem .75rem; }
  table { font-size: .85rem; }
  th, td { padding: .35rem .45rem; }
  #costs-table .side { display: none; }
  #costs-table tbody th { min-width: 7rem; }
}
@media print {
  :root {
    --paper: #fff; --card: #fff; --ink: #000; --soft: #333; --line: #bbb; --mark: #000;
    --t0: #e3eef5; --t1: #e6f1e5; --t2: #f7efd9; --t3: #f6e7e4; --t4: #ece8f5; --t5: #e3f2f0; --t6: #f3ece1; --t7: #eceef0;
    --good: #1a6b3c; --good-back: #fff; --bad: #a3242b; --bad-back: #fff;
    --kernel: #b9862c; --rootfs: #2f7fa8; --rootfs_data: #3f9361; --other: #8a8f96;
  }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  body { font-size: 10pt; }
  main, header, footer { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .75rem 0 0; }
  .tools, .page, .hint { display: none; }
  .blocks { max-width: 24rem; }
  tr, .limits li, .treemap, svg { break-inside: avoid; }
  thead { display: table-header-group; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
}
`;
