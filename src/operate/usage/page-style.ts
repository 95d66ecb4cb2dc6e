import { createHash } from 'node:crypto';
import { Html } from './html.ts';

/** The page's style: light and dark, from a phone to a desk. */
const STYLE = `
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fbfbf9; --faint: #5c6168; --line: #d9dadc; --mark: #2b6a4d;
  --used: #8a4b00; --used-paper: #fff1dc; --quiet: #2b6a4d; --quiet-paper: #e3f3ea; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e7e9; --paper: #16181b; --faint: #a0a6ae; --line: #34383e; --mark: #6fc49a;
    --used: #ffc477; --used-paper: #3a2a12; --quiet: #8fd6b1; --quiet-paper: #173226; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 3rem; color: var(--ink); background: var(--paper);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 2.2rem 0 .6rem; font-size: 1.15rem; }
p { margin: .3rem 0; }
a { color: var(--mark); }
.faint, caption { color: var(--faint); font-size: .9rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); gap: .5rem; margin: 0; }
.answer { padding: .5rem .75rem; border: 1px solid var(--line); border-left-width: .3rem; border-radius: .4rem; }
.answer dt { font-weight: 600; overflow-wrap: anywhere; }
.answer dd { margin: 0; }
.state { padding: 0 .4rem; border-radius: .3rem; font-size: .85rem; font-weight: 600; }
.used { border-left-color: var(--used); }
.used .state { color: var(--used); background: var(--used-paper); }
.quiet, .unused { border-left-color: var(--quiet); }
.quiet .state, .unused .state { color: var(--quiet); background: var(--quiet-paper); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; }
caption { padding: .2rem 0 .5rem; text-align: left; }
th, td { padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: middle; }
thead th { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td, th { overflow-wrap: anywhere; }
svg { display: block; width: 7.5rem; height: 1.75rem; fill: var(--mark); }
svg .base { fill: var(--line); }
time { white-space: nowrap; }
@media (max-width: 44rem) {
  table, caption, thead, tbody, tr, th, td { display: block; border: 0; padding: 0; }
  thead tr { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0 0 .75rem; }
  thead tr::before { content: "Sort by"; color: var(--faint); }
  thead th:last-child { display: none; }
  tbody tr { margin: 0 0 .75rem; padding: .6rem .75rem; border: 1px solid var(--line); border-radius: .4rem; }
  td { display: flex; justify-content: space-between; gap: 1rem; text-align: right; }
  td::before { content: attr(data-label); color: var(--faint); text-align: left; }
}
`;

/** The style as an element: its hash below is of every byte between the tags. */
export const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);

/** No script, nothing from elsewhere, in no frame; of styles this one. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
