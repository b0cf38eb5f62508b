/** The look of a written page: one column, large type, a colour of its own for each name, light and dark, no outside files. */
import { createHash } from "node:crypto";

/** The same name always gets the same colours. */
export function styleFor(name: string): string {
  const [first = 0, second = 0] = createHash("sha256").update(name).digest();
  const hue = Math.round((first / 255) * 360);
  const other = (hue + 30 + Math.round((second / 255) * 60)) % 360;
  return `
:root { color-scheme: light dark; --hue: ${hue}; --other: ${other};
  --ink: hsl(var(--hue) 30% 12%); --soft: hsl(var(--hue) 14% 36%); --paper: hsl(var(--hue) 40% 97%);
  --card: hsl(var(--hue) 45% 99%); --line: hsl(var(--hue) 25% 86%); --accent: hsl(var(--hue) 62% 38%); }
@media (prefers-color-scheme: dark) { :root {
  --ink: hsl(var(--hue) 25% 93%); --soft: hsl(var(--hue) 14% 70%); --paper: hsl(var(--hue) 28% 9%);
  --card: hsl(var(--hue) 26% 13%); --line: hsl(var(--hue) 20% 24%); --accent: hsl(var(--hue) 70% 70%); } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; min-height: 100svh; display: flex; flex-direction: column; color: var(--ink); background:
  radial-gradient(60rem 40rem at 85% -10%, hsl(var(--other) 80% 60% / .28), transparent 70%),
  radial-gradient(50rem 40rem at -10% 20%, hsl(var(--hue) 80% 55% / .22), transparent 70%), var(--paper);
  font: 1.125rem/1.65 ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main, footer { width: 100%; max-width: 46rem; margin: 0 auto; padding: 0 1.5rem; }
main { flex: 1; padding-top: clamp(4rem, 16vh, 9rem); padding-bottom: 4rem; }
h1 { margin: 0 0 1rem; font-size: clamp(2.6rem, 9vw, 5rem); line-height: 1.04; letter-spacing: -.035em; overflow-wrap: anywhere; }
.lead { margin: 0 0 1.5rem; font-size: clamp(1.3rem, 3.6vw, 1.9rem); line-height: 1.35; color: var(--accent); }
p { margin: 0 0 1rem; max-width: 40rem; overflow-wrap: anywhere; }
section { margin-top: 2.5rem; padding: 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem; }
h2 { margin: 0 0 .75rem; font-size: 1.1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.25rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: 0; padding-left: 1.2rem; } li { margin: .25rem 0; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: .2em; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: .9em; }
pre { margin: 0; overflow-x: auto; white-space: pre; }
form { display: flex; gap: .6rem; flex-wrap: wrap; margin-bottom: 1rem; }
input { flex: 1 1 14rem; min-width: 0; } input, button { font: inherit; padding: .6rem .9rem; border-radius: .6rem;
  border: 1px solid var(--line); background: var(--paper); color: inherit; }
button { background: var(--accent); color: var(--paper); border-color: transparent; cursor: pointer; font-weight: 600; }
footer { padding-top: 1.5rem; padding-bottom: 2rem; color: var(--soft); font-size: .9rem; }
`;
}
