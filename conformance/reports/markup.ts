/** Text of strangers inside XML, HTML and Markdown. */

import { escapeHtml } from "../../protocol/escape-html.ts";

/** For XML and HTML, in text and in attributes; characters that XML cannot hold are left out. */
export function escapeMarkup(text: string): string {
  return escapeHtml(
    text.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, ""),
  );
}

/** For one line of Markdown, also within a table. */
export function escapeMarkdown(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>|#~]/g, "\\$&");
}
