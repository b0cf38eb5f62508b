/** The run as a line of time: each event of the trace that means something to a person, in a sentence of its own. */
import { findAsset, type TraceLine } from "../../protocol/index.ts";
import { type Html, html, link } from "./html.ts";

export function timeline(lines: readonly TraceLine[]): Html {
  const start = lines[0]?.at ?? 0;
  const entries = lines.flatMap((line) => {
    const told = tell(line);
    return told === undefined
      ? []
      : [
          html`<li class="${told.tone}">
            <time>${clock(line.at - start)}</time><span>${told.text}</span>
          </li>`,
        ];
  });
  return html`<ol class="line">
    ${entries}
  </ol>`;
}

interface Told {
  tone: "good" | "bad" | "hold" | "plain";
  text: Html;
}

function tell(line: TraceLine): Told | undefined {
  switch (line.type) {
    case "run":
      return {
        tone: "plain",
        text: html`${line.resumed === true ? "Went on" : "Began"} with the model
          <code>${line.model}</code> and a budget of $${line.budget}.`,
      };
    case "warning":
      return { tone: "hold", text: html`${line.text}` };
    case "human":
      return {
        tone: "hold",
        text: html`The human was asked (${line.kind.replaceAll("_", " ")}): “${line.question}” and
          answered <b>${line.answer}</b>.`,
      };
    case "connection":
      return {
        tone: "good",
        text: html`Got an account at <b>${line.provider}</b>: <code>${line.accountId}</code>.`,
      };
    case "resource":
      return {
        tone: "good",
        text: html`Added
          <b>${line.service}</b>${line.status === "complete" ? "" : ` (${line.status})`}.`,
      };
    case "quote":
      return {
        tone: "plain",
        text: html`The catalog’s price of <b>${line.service}</b> is $${line.amount}.`,
      };
    case "refusal":
      return {
        tone: "bad",
        text: html`Refused to pay for <b>${line.service}</b>: ${line.error.problem}
          <span class="soft small">${line.error.code}</span>`,
      };
    case "payment":
      return {
        tone: line.state === "settled" ? "good" : "hold",
        text: html`Payment of
          <b>${line.amount} ${findAsset(line.network, line.asset)?.symbol ?? line.asset}</b> for
          ${line.service}:
          ${line.state}.${line.transaction === undefined ? "" : html` <code class="hash">${line.transaction}</code>`}`,
      };
    case "deploy":
      return {
        tone: "good",
        text: html`Deployed <b>${line.name}</b> to
          ${line.service}${line.url === undefined ? "" : html`, at ${link(line.url)}`}.`,
      };
    case "outcome":
      return {
        tone: line.passed ? "good" : "bad",
        text: html`Ended: <b>${line.outcome}</b>.`,
      };
    case "tool":
      return line.error === undefined
        ? undefined
        : { tone: "bad", text: html`<code>${line.name}</code>: ${line.error.problem}` };
    case "stage":
    case "model":
    case "check":
      break;
  }
  return undefined;
}

/** Milliseconds since the start, such as "0.84 s". */
function clock(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** Such as "84 ms" or "1.20 s". */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
