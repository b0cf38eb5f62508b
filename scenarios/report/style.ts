/** The report's style sheet: one column to read, light and dark, fine on a phone and on paper. */
import { Html } from "./html.ts";

export const STYLE = new Html(`
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d1f24; --soft: #676b75; --line: #e4e1d9;
  --good: #0f7b4f; --good-wash: #e4f4ec; --bad: #b3261e; --bad-wash: #fbe9e7; --hold: #8a5a00; --hold-wash: #fdf1da; --link: #1b5fbd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161a; --card: #1c1f25; --ink: #e9e7e2; --soft: #9a9da6; --line: #2f333b;
    --good: #5fd29b; --good-wash: #143025; --bad: #ff8a80; --bad-wash: #3a1a18; --hold: #f2c063; --hold-wash: #35280f; --link: #8ab8ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 54rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: .6rem 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin: 2.6rem 0 .8rem; letter-spacing: .01em; }
a { color: var(--link); text-underline-offset: .15em; }
p { margin: .5rem 0; }
.soft { color: var(--soft); }
.small { font-size: .86rem; }
.badge { display: inline-block; padding: .15rem .7rem; border-radius: 99px; font-weight: 600; font-size: .86rem; background: var(--hold-wash); color: var(--hold); }
.badge.good { background: var(--good-wash); color: var(--good); }
.badge.bad { background: var(--bad-wash); color: var(--bad); }
blockquote { margin: 1rem 0; padding: .2rem 0 .2rem 1rem; border-left: 3px solid var(--line); color: var(--soft); white-space: pre-line; }
.site { display: block; margin: 1.2rem 0; padding: 1rem 1.2rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px; font-size: 1.15rem; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem; margin: 1.4rem 0 0; }
.facts div { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: .8rem 1rem; }
.facts b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.notice { background: var(--bad-wash); color: var(--bad); border-radius: 12px; padding: .9rem 1.2rem; margin: 1.2rem 0; overflow-wrap: anywhere; }
.table { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .6rem .9rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-size: .82rem; font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, pre { font: .84rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code.hash { overflow-wrap: anywhere; color: var(--soft); }
meter { width: 100%; height: .7rem; }
ol.line { list-style: none; margin: 0; padding: 0 0 0 .45rem; }
ol.line > li { display: grid; grid-template-columns: 4.4rem 1fr; position: relative; padding: .35rem 0 .35rem 1.5rem; border-left: 2px solid var(--line); overflow-wrap: anywhere; }
ol.line > li::before { content: ""; position: absolute; left: -.42rem; top: .85rem; width: .7rem; height: .7rem; border-radius: 50%; background: var(--soft); border: 2px solid var(--paper); }
ol.line > li.good::before { background: var(--good); }
ol.line > li.bad::before { background: var(--bad); }
ol.line > li.hold::before { background: var(--hold); }
ol.line time { color: var(--soft); font-size: .82rem; font-variant-numeric: tabular-nums; padding-top: .15rem; }
ul.checks { list-style: none; margin: 0; padding: 0; }
ul.checks li { padding: .5rem 0 .5rem 2rem; position: relative; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
ul.checks li:first-child { border-top: 0; }
ul.checks li::before { content: "✓"; position: absolute; left: .4rem; color: var(--good); font-weight: 700; }
ul.checks li.bad::before { content: "✕"; color: var(--bad); }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: .5rem 0; }
summary { cursor: pointer; padding: .55rem .9rem; }
details pre { margin: 0; padding: .4rem .9rem .9rem; overflow: auto; max-height: 26rem; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); }
@media (max-width: 34rem) { th, td { padding: .5rem .55rem; } main { padding: 1.5rem .9rem 3rem; } ol.line > li { grid-template-columns: 3.6rem 1fr; } }
@media print { details { break-inside: avoid; } body { background: #fff; } }
`);
