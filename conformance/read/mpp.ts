/** MPP challenges: every `Payment` scheme in `WWW-Authenticate`, with its `request` decoded. */
import { readAuthenticate } from "../../protocol/authenticate.ts";
import { headerValues, type WireAnswer } from "../wire/exchange.ts";
import { isObject, parse } from "./json.ts";
import type { ReadParts } from "./x402.ts";

/** Its parts, or why it cannot be read. The `entries` are the parameters of each `Payment` scheme. */
export function readMpp(answer: WireAnswer): ReadParts | string {
  const lines = headerValues(answer, "www-authenticate");
  if (lines.length === 0) return "there is no WWW-Authenticate header";
  const schemes = lines.flatMap((line) => readAuthenticate(line));
  const entries = schemes
    .filter(({ scheme }) => scheme === "payment")
    .map(({ params }) => ({ ...params }));
  const [first] = entries;
  if (first === undefined) return "WWW-Authenticate has no Payment scheme that can be read";
  const offers = entries.map((raw) => {
    const request = parse(Buffer.from(raw["request"] ?? "", "base64url").toString("utf8"));
    const terms = isObject(request) ? request : {};
    const details = isObject(terms["methodDetails"]) ? terms["methodDetails"] : {};
    return {
      raw,
      scheme: raw["intent"],
      network: typeof details["chainId"] === "number" ? `eip155:${details["chainId"]}` : undefined,
      amount: terms["amount"],
      asset: terms["currency"],
      payTo: terms["recipient"],
    };
  });
  return { value: first, text: lines.join(", "), entries, offers };
}
