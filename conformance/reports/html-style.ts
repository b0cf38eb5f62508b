/** The HTML report's style. */
export const STYLE = `
:root { --ink: #1c2430; --soft: #5b6675; --paper: #fbfaf7; --card: #fff; --line: #dcdfe4; --bad: #b3261e; --warn: #8a5a00; --good: #1d6b3c; --note: #2b5b9e }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaee; --soft: #a3adba; --paper: #14181e; --card: #1c222a; --line: #333c47; --bad: #ff8a80; --warn: #f0bd5a; --good: #7fd39b; --note: #8fb8f0 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
.name { margin: 0; color: var(--soft); letter-spacing: .04em }
h1 { margin: .1em 0 .4em; font-size: 2.1rem; line-height: 1.15 }
h1.failed, h1.tool-error { color: var(--bad) } h1.passed { color: var(--good) } h1.incomplete { color: var(--warn) }
h2 { margin: 2.2em 0 .8em; font-size: 1.25rem } h3 { margin: 0 0 .2em; font-size: 1.05rem }
p { margin: .4em 0 } .small { color: var(--soft); font-size: .87rem }
code, pre { font: .86rem/1.5 ui-monospace, monospace } code { overflow-wrap: anywhere }
.tiles { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; margin: 1.2em 0 0; padding: 0 }
.tiles li { border: 1px solid var(--line); border-radius: .5rem; padding: .25rem .75rem; background: var(--card) }
.fail, .harness-error { color: var(--bad) } .warn { color: var(--warn) } .pass { color: var(--good) } .info, .skip, .cannot-assess { color: var(--note) }
article { color: var(--ink) !important; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--warn); border-radius: .5rem; padding: 1rem 1.2rem; margin: 0 0 1rem }
article.fail { border-left-color: var(--bad) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .6em 0; padding: .6rem .8rem; border-radius: .4rem; background: color-mix(in srgb, var(--ink) 6%, transparent) }
.mend { padding: .6rem .8rem; border-radius: .4rem; background: color-mix(in srgb, var(--ink) 6%, transparent) } .mend b { margin-right: .4em }
table { width: 100%; border-collapse: collapse; font-size: .93rem } th { text-align: left; color: var(--soft); font-weight: 500 }
th, td { padding: .45rem .6rem .45rem 0; border-bottom: 1px solid var(--line); vertical-align: top } td { overflow-wrap: anywhere } td:first-child { width: 42% }
a { color: var(--note) } summary { cursor: pointer; color: var(--soft) }
@media (max-width: 40rem) { td:first-child { width: auto } table { font-size: .85rem } }
`;
