/** One page that needs nothing else: no script, no font, no picture from anywhere; light or dark as its reader likes. */
import { LEVELS, VERDICTS } from "../case.ts";
import { conclusionOf, nextStepOf } from "../conclusion.ts";
import { bySeverity, type Report, type Result, routeText } from "../report.ts";
import { scopeOf, subjectOf } from "../subject.ts";
import { STYLE } from "./html-style.ts";
import { escapeMarkup as text } from "./markup.ts";

/** Of a finding's exchanges. */
const SHOWN = 12;

export function toHtml(report: Report): string {
  const { outcome, counts, results, profiles, startedAt, ms, stale } = report;
  const bad = ({ verdict }: Result) => verdict === "fail" || verdict === "warn";
  const findings = results
    .filter(bad)
    .toSorted(
      (a, b) => Number(b.verdict === "fail") - Number(a.verdict === "fail") || bySeverity(a, b),
    );
  const tiles = VERDICTS.filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `<li class="${verdict}"><b>${counts[verdict]}</b> ${verdict}</li>`)
    .join("");
  const rest = results.filter((result) => !bad(result));
  const conclusion = conclusionOf(report).replace(/\.$/, "");
  const nextStep = nextStepOf(report);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(`${conclusion}: ${subjectOf(report)}`)}</title>
<style>${STYLE}</style>
<header>
<p class="name">purser check</p>
<h1 class="${outcome}">${text(conclusion)}</h1>
<p><code>${text(subjectOf(report))}</code></p>
<p class="small">${text(profiles.join(", "))} · ${text(scopeOf(report))} · ${text(startedAt)} · ${(ms / 1000).toFixed(1)} s · purser ${text(report.tool.version)}</p>
${nextStep === undefined ? "" : `<p>${text(nextStep)}</p>`}
<ul class="tiles">${tiles}</ul>
${stale.length > 0 ? `<p>The baseline expects ${text(stale.join(", "))} to fail, and they no longer do.</p>` : ""}
</header>
<main>
${findings.length > 0 ? `<h2>What to mend</h2>\n${findings.map((finding) => card(finding, report)).join("\n")}` : ""}
<h2>What else was looked at</h2>
<table><thead><tr><th>case<th>verdict<th>what was seen</tr></thead><tbody>
${rest.map(({ id, title, profile, verdict, seen, route }) => `<tr><td><b>${text(id)}</b> ${text(title)} <span class="small">${text(`${profile} ${routeText({ route })}`.trim())}</span><td class="${verdict}">${verdict}<td>${text(seen)}</tr>`).join("\n")}
</tbody></table>
</main>
</html>
`;
}

function card(finding: Result, report: Report): string {
  const {
    id,
    title,
    profile,
    verdict,
    severity,
    level,
    seen,
    gains,
    mend,
    basis,
    known,
    exchanges,
    behind = [],
  } = finding;
  const link = basis.url.startsWith("http")
    ? `<a href="${text(basis.url)}">${text(`${basis.spec}, ${basis.section}`)}</a>`
    : text(basis.spec);
  return `<article class="${verdict}" id="${text(`${id}-${profile}${finding.route ? `-${report.results.indexOf(finding)}` : ""}`)}">
<h3>${text(id)} ${text(title)}</h3>
<p class="small"><b class="${verdict}">${verdict}</b> · ${severity} · ${text(LEVELS[level].label)} · ${text(profile)}${known ? " · known" : ""}${finding.route ? ` · <code>${text(routeText(finding))}</code>` : ""}</p>
<p>${text(seen)}</p>
${
  behind.length > 0
    ? `<p class="small">Behind it: ${text(behind.slice(0, 40).join(", "))}</p>
`
    : ""
}<p>${text(gains)}</p>
<p class="mend"><b>To mend it</b> ${text(mend).replaceAll("\n", "<br>")}</p>
<p class="small">${link}: ${quoteOf(basis)}</p>
${
  exchanges.length > 0
    ? `<details><summary>${exchanges.length} exchange${exchanges.length === 1 ? "" : "s"}</summary>${exchanges
        .slice(0, SHOWN)
        .map((index) => evidence(report.exchanges[index]))
        .join(
          "",
        )}${exchanges.length > SHOWN ? `<p class="small">The first ${SHOWN}; all of them are in the JSON report.</p>` : ""}</details>`
    : ""
}
</article>`;
}

/** Quotation marks are for what stands in a specification word for word. */
function quoteOf({ url, quote, paraphrased }: Result["basis"]): string {
  if (paraphrased) return `${text(quote)} (in our words)`;
  return url.startsWith("http") ? `<q>${text(quote)}</q>` : text(quote);
}

function evidence(exchange: Report["exchanges"][number] | undefined): string {
  if (!exchange) return "";
  const lines = (headers: readonly (readonly [string, string])[]) =>
    headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  const sent = `${exchange.method} ${exchange.url}\n${lines(exchange.requestHeaders)}${exchange.requestBody === undefined ? "" : `\n\n${exchange.requestBody}`}`;
  const seen =
    exchange.status === undefined
      ? `no answer: ${exchange.failure ?? ""}`
      : `${exchange.status}\n${lines(exchange.responseHeaders)}\n\n${exchange.responseBody ?? ""}`;
  return `<pre>${text(sent)}</pre><pre>${text(seen)}</pre>`;
}
