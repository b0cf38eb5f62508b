/**
 * A 402 for a person whose browser asked: what it costs, what it buys, how to pay, and the offer that a program reads. Plain HTML
 * without scripts; everything that a seller or a visitor wrote is escaped.
 */
import { escapeHtml } from "../../protocol/escape-html.ts";
import { formatDecimal } from "../../protocol/money.ts";
import { encodeJson } from "../../protocol/offer.ts";
import type { AskedRequest, Terms } from "./terms.ts";

export function browserPage(
  { amount, asset, payTo, description }: Terms,
  { method, resource }: AskedRequest,
  offer: unknown,
): string {
  const price = escapeHtml(`${formatDecimal(amount, asset.decimals)} ${asset.symbol}`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Payment required: ${price}</title></head>
<body>
<h1>${price}</h1>
<p>${escapeHtml(description)}</p>
<p>This page is sold over HTTP 402. Nothing has been charged.</p>
<h2>How to pay</h2>
<p>Ask for the same address with a client that speaks x402, such as an agent with a wallet. It pays ${price} on ${escapeHtml(asset.networkName)} to ${escapeHtml(payTo)}, and gets the answer.</p>
<p><code>${escapeHtml(`${method} ${resource}`)}</code></p>
<p><a download="offer.json" href="data:application/json;base64,${encodeJson(offer)}">The offer, for programs</a></p>
</body>
</html>
`;
}
