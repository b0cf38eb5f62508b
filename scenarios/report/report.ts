/**
 * The report of a run: one page that opens from the disk, without scripts and without a network, and that a person likes to
 * read. First what came of it, then what it cost, then how it went; the machine's own words are folded away at the end.
 */
import { formatDecimal, parseDecimal, type TraceLine } from "../../protocol/index.ts";
import type { RunResult } from "../run/run-result.ts";
import { type Html, html, link } from "./html.ts";
import { STYLE } from "./style.ts";
import { duration, timeline } from "./timeline.ts";

export interface ReportSource {
  result: RunResult;
  goal: string;
  lines: readonly TraceLine[];
}

export function renderReport({ result, goal, lines }: ReportSource): string {
  const title = `${HEADLINES[result.outcome]}: ${result.hostname ?? result.scenario}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <main>
          ${header(result, goal)} ${purchases(result)} ${asks(result)} ${checks(result)}
          <h2>How it went</h2>
          ${timeline(lines)} ${stages(result)} ${calls(lines)} ${footer(result, lines)}
        </main>
      </body>
    </html>`;
  return page.text;
}

const HEADLINES = {
  live: "It is live",
  answered: "Answered",
  refused: "Stopped on purpose",
  failed: "It did not work",
} as const;

function header(result: RunResult, goal: string): Html {
  const { outcome, passed, url, hostname, says, error } = result;
  return html`
    <span class="badge ${passed ? "good" : "bad"}">${passed ? "passed" : "not passed"}</span>
    <h1>${HEADLINES[outcome]}</h1>
    <blockquote>${goal}</blockquote>
    ${url === null ? null : html`<div class="site">${link(url, hostname ?? url)} <span class="soft small">at ${url} on this machine, while the world is up</span></div>`}
    ${says === null || says === error?.problem ? null : html`<p>${says}</p>`}
    ${error === undefined ? null : html`<div class="notice"><b>${error.code}</b><br />${error.problem}<br />${error.nextStep}</div>`}
    <div class="facts">
      ${fact(`$${total(Object.values(result.spent))}`, `of $${result.budget} spent`)}
      ${fact(String(result.human.length), result.human.length === 1 ? "question to the human" : "questions to the human")}
      ${fact(duration(result.durationMs), "from start to proof")}
      ${fact(String(result.steps), `steps of ${result.model}`)}
    </div>
  `;
}

function fact(value: string, label: string): Html {
  return html`<div><b>${value}</b><span class="soft small">${label}</span></div>`;
}

function purchases({ payments, spent, cap }: RunResult): Html {
  const rows = payments.map(
    ({ provider, service, amount, asset, payTo, network, transaction, state }) =>
      html`<tr>
        <td>
          <b>${service}</b><br />
          <span class="soft small">from ${provider}</span><br />
          <code class="hash" title="transaction">${transaction ?? "no transaction"}</code><br />
          <span class="soft small">to <code class="hash">${payTo}</code> on ${network}</span>
        </td>
        <td>${state}</td>
        <td class="number">${amount} ${asset}</td>
      </tr>`,
  );
  const caps = Object.entries(cap).map(([provider, limit]) => {
    const used = spent[provider] ?? "0.00";
    return html`<p class="small">
      ${provider}: $${used} of this month’s $${limit}
      <meter min="0" max="${limit}" value="${used}">$${used} of $${limit}</meter>
    </p>`;
  });
  return html`<h2>What was bought</h2>
    ${
      rows.length === 0
        ? html`<p class="soft">Nothing was bought.</p>`
        : html`<div class="table">
            <table>
              <thead>
                <tr>
                  <th>What</th>
                  <th>State</th>
                  <th class="number">Price</th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>`
    }
    ${caps}`;
}

function asks({ human }: RunResult): Html {
  const rows = human.map(
    ({ kind, question, answer }) =>
      html`<tr>
        <td>${kind.replaceAll("_", " ")}</td>
        <td>${question}</td>
        <td><b>${answer}</b></td>
      </tr>`,
  );
  return html`<h2>What the human was asked</h2>
    ${
      rows.length === 0
        ? html`<p class="soft">Nothing.</p>`
        : html`<div class="table">
            <table>
              <thead>
                <tr>
                  <th>Kind</th>
                  <th>Question</th>
                  <th>Answer</th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>
            </table>
          </div>`
    }`;
}

function checks(result: RunResult): Html {
  const rows = result.checks.map(
    ({ name, passed, detail }) =>
      html`<li class="${passed ? "good" : "bad"}">
        <b>${name}</b><br /><span class="soft">${detail}</span>
      </li>`,
  );
  return html`<h2>What was checked, from outside</h2>
    ${
      rows.length === 0
        ? html`<p class="soft">The run ended before anything could be checked.</p>`
        : html`<ul class="checks">
            ${rows}
          </ul>`
    }`;
}

function stages({ stages: list }: RunResult): Html {
  const rows = list.map(
    ({ name, durationMs }) =>
      html`<tr>
        <td>${name}</td>
        <td class="number">${duration(durationMs)}</td>
      </tr>`,
  );
  return html`<h2>How long each stage took</h2>
    <div class="table">
      <table>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`;
}

/** What model and tools said to one another, word for word, folded away. */
function calls(lines: readonly TraceLine[]): Html {
  const entries = lines.flatMap((line) => {
    if (line.type === "model") {
      const names = line.toolCalls.map(({ name }) => name).join(", ");
      return [
        fold(
          `Model, step ${line.step}: ${names || line.finishReason} (${duration(line.durationMs)}, ${line.tokens.input} + ${line.tokens.output} tokens)`,
          { text: line.text, calls: line.toolCalls },
        ),
      ];
    }
    if (line.type !== "tool") return [];
    const { name, input, output, error, durationMs } = line;
    return [fold(`Tool ${name} (${duration(durationMs)})`, { input, output, error })];
  });
  return entries.length === 0
    ? html``
    : html`<h2>Word for word</h2>
        ${entries}`;
}

function fold(summary: string, content: unknown): Html {
  return html`<details>
    <summary>${summary}</summary>
    <pre>${JSON.stringify(content, undefined, 2)}</pre>
  </details>`;
}

function footer({ record, world }: RunResult, lines: readonly TraceLine[]): Html {
  const at = lines[0]?.at;
  return html`<footer class="soft small">
    ${at === undefined ? "" : new Date(at).toISOString()} · play money on a chain of this machine’s
    own${world === null ? "" : html` (${world.rpcUrl})`} · the record of this run is in
    <code>${record ?? ""}</code>
  </footer>`;
}

function total(amounts: readonly string[]): string {
  return formatDecimal(
    amounts.reduce((sum, amount) => sum + parseDecimal(amount, 6), 0n),
    6,
  );
}
