/** What a shared cache may do with an answer, by RFC 9111: the judge of whether a sale would be given away. */
import { expect, test } from "vitest";
import { mayReuse } from "../../conformance/wire/shared-cache.ts";

const request = (headers: readonly (readonly [string, string])[] = [], method = "GET") => ({
  method,
  path: "/paid",
  headers,
  body: undefined,
});
const paid = request([["PAYMENT-SIGNATURE", "abc"]]);
const answer = (headers: Readonly<Record<string, string>>, status = 200) => ({
  status,
  headers: Object.entries(headers),
  body: "sold",
  truncated: false,
});

test.each([
  ["public and fresh", { "cache-control": "public, max-age=60" }, true],
  ["fresh without the word public (3)", { "cache-control": "max-age=60" }, true],
  ["s-maxage before max-age (5.2.2.10)", { "cache-control": "s-maxage=0, max-age=60" }, false],
  ["private (5.2.2.7)", { "cache-control": "private, max-age=60" }, false],
  ["no-store (5.2.2.5)", { "cache-control": "no-store, max-age=60" }, false],
  ["no-cache (5.2.2.4)", { "cache-control": "no-cache, max-age=60" }, false],
  ["an Expires to come (5.3)", { expires: "Fri, 01 Jan 2100 00:00:00 GMT" }, true],
  ["an Expires gone by", { expires: "Thu, 01 Jan 2015 00:00:00 GMT" }, false],
  [
    "a guess from Last-Modified (4.2.2)",
    { "last-modified": "Thu, 01 Jan 2015 00:00:00 GMT" },
    true,
  ],
  ["nothing to go by", {}, false],
  [
    "Vary by the payment (4.1)",
    { "cache-control": "max-age=60", vary: "Payment-Signature" },
    false,
  ],
  ["Vary by all (4.1)", { "cache-control": "max-age=60", vary: "*" }, false],
  ["Vary by something that is the same", { "cache-control": "max-age=60", vary: "Accept" }, true],
] as const)("%s", (_, headers, reused) => {
  expect(mayReuse(paid, answer(headers), request())).toBe(reused);
});

test("a credential in Authorization keeps an answer from others, unless it says public (3.5)", () => {
  const buyer = request([["Authorization", "Payment abc"]]);
  expect(mayReuse(buyer, answer({ "cache-control": "max-age=60" }), request())).toBe(false);
  expect(mayReuse(buyer, answer({ "cache-control": "public, max-age=60" }), request())).toBe(true);
});

test("another method or path is another thing", () => {
  const fresh = answer({ "cache-control": "max-age=60" });
  expect(mayReuse(paid, fresh, request([], "HEAD"))).toBe(false);
  expect(mayReuse(paid, fresh, { ...request(), path: "/other" })).toBe(false);
});
