/** The page of a site, written from the goal's words: name, texts, facts and lists, and what there is to store. */
import type { PageContent } from "../goal-texts.ts";
import type { StorageWish } from "../goal-storage.ts";
import { escapeAttribute, escapeText } from "./html.ts";
import { styleFor } from "./page-style.ts";

export interface PageOptions {
  content: PageContent;
  storage: StorageWish | undefined;
  hostname: string | undefined;
}

/** Where a visit counter's number stands in the page until it is answered. */
export const COUNT_MARK = "<!--count-->";

export function writePage({ content, storage, hostname }: PageOptions): string {
  const { name, says, details, items, email } = content;
  const [lead, ...rest] = says;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(name)}</title>
<meta name="description" content="${escapeAttribute(lead ?? name)}">
<link rel="icon" href="${icon(name)}">
<style>${styleFor(name)}</style>
</head>
<body>
<main>
<h1>${escapeText(name)}</h1>
${lead === undefined ? "" : `<p class="lead">${escapeText(lead)}</p>\n`}${rest.map((text) => `<p>${escapeText(text)}</p>\n`).join("")}${listOf(items)}${factsOf(details, email)}${storage ? storageOf(storage) : ""}</main>
<footer>${escapeText(hostname ?? name)}</footer>
${storage?.form === true ? `<script>${FORM_SCRIPT}</script>\n` : ""}</body>
</html>
`;
}

function listOf(items: string[]): string {
  if (items.length === 0) return "";
  return `<section><ul>${items.map((item) => `<li>${escapeText(item)}</li>`).join("")}</ul></section>\n`;
}

function factsOf(details: PageContent["details"], email: string | undefined): string {
  const rows = details.map(
    ({ label, text }) => `<dt>${escapeText(label)}</dt><dd>${escapeText(text)}</dd>`,
  );
  if (email !== undefined) {
    const link = `<a href="mailto:${escapeAttribute(email)}">${escapeText(email)}</a>`;
    rows.push(`<dt>E-mail</dt><dd>${link}</dd>`);
  }
  return rows.length === 0 ? "" : `<section><dl>${rows.join("")}</dl></section>\n`;
}

function storageOf({ collections, counter, form }: StorageWish): string {
  const visits = counter ? `<section><h2>Visits</h2><p>${COUNT_MARK}</p></section>\n` : "";
  const [collection] = collections;
  if (collection === undefined) return visits;
  return visits + (form ? formOf(collection) : apiOf(collections));
}

function formOf(collection: string): string {
  const noun = collection.slice(1).replaceAll("-", " ");
  return `<section data-collection="${escapeAttribute(collection)}">
<h2>${escapeText(noun[0]?.toUpperCase() + noun.slice(1))}</h2>
<form><input name="text" required maxlength="1000" autocomplete="off" aria-label="New entry"><button>Add</button></form>
<ul aria-live="polite"></ul>
</section>
`;
}

function apiOf(collections: string[]): string {
  const blocks = collections.map((collection) => {
    const lines = [
      `PUT    ${collection}/<key>   stores the body under the key`,
      `POST   ${collection}         stores the body under a new key`,
      `GET    ${collection}/<key>   gives what was stored`,
      `GET    ${collection}         lists what there is`,
      `DELETE ${collection}/<key>   removes it`,
    ];
    return `<section><h2><code>${escapeText(collection)}</code></h2>\n<pre>${escapeText(lines.join("\n"))}</pre></section>\n`;
  });
  return blocks.join("");
}

function icon(name: string): string {
  const letter = String.fromCodePoint(name.codePointAt(0) ?? 0x2022);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><text x="16" y="24" font-size="24" font-family="sans-serif" text-anchor="middle">${escapeText(letter)}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Visitors' words reach the page through `textContent` only. */
const FORM_SCRIPT = `
const section = document.querySelector("[data-collection]");
const path = section.dataset.collection;
const list = section.querySelector("ul");
async function show() {
  const { items } = await (await fetch(path)).json();
  list.replaceChildren(...items.map(({ value }) => {
    const item = document.createElement("li");
    item.textContent = typeof value === "string" ? value : value?.text ?? JSON.stringify(value);
    return item;
  }));
}
section.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = new FormData(event.target).get("text");
  await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ text }) });
  event.target.reset();
  await show();
});
show();
`;
