/**
 * HTML in which nothing can break out: every value that a template takes is escaped, unless it is HTML that another template
 * made. A run's texts are a stranger's (catalogs, error messages, the model), so there is no way round it.
 */
import { escapeHtml } from "../../protocol/index.ts";

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = Html | readonly Html[] | string | number | null | undefined;

export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  const filled = parts.map(
    (part, index) => part + (index < values.length ? render(values[index]) : ""),
  );
  return new Html(filled.join(""));
}

/** An http or https address as a link; anything else (`javascript:` and the like) as plain text. */
export function link(url: string, label = url): Html {
  return /^https?:\/\//i.test(url)
    ? html`<a href="${url}" rel="noopener noreferrer">${label}</a>`
    : html`${label}`;
}

function render(value: Value): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("");
  return escape(String(value));
}

/** Control characters, and the marks that turn the direction of writing: nobody needs them in a report. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

function escape(text: string): string {
  return escapeHtml(text.replace(INVISIBLE, ""));
}
