"""The style of the HTML page of a plan: light and dark, as the reader's system is."""

from __future__ import annotations

STYLE = """\
:root { --ink: #1c2330; --dim: #5b6575; --page: #ffffff; --card: #f5f7fa; --line: #d5dbe3;
  --in: #1a7f4b; --out: #c0362c; --change: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --dim: #9aa5b4; --page: #12161c; --card: #1b212a; --line: #343d4a;
    --in: #4cc38a; --out: #ff7b6e; --change: #e0b040; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; } h3 { font-size: 1rem; margin: .8rem 0 .2rem; }
section, details { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0; }
.stop, .ends { border-left: 4px solid var(--out); }
.sum { font-size: 1.1rem; } .small, small { color: var(--dim); font-size: .85rem; font-weight: normal; }
summary { cursor: pointer; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child, .fields td { text-align: left; } .fields th { width: 12rem; font-weight: normal; color: var(--dim); }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
svg { display: block; margin-bottom: 1rem; font-size: 13px; } svg text { fill: var(--ink); }
.axis { stroke: var(--line); } .in { fill: var(--in); } .out { fill: var(--out); } .end { text-anchor: end; }
.create, .import { color: var(--in); } .delete, .replace, .forget { color: var(--out); } .update, .sync, .move { color: var(--change); }
@media print { details > * { display: block; } }
"""
