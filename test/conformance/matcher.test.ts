/** The matcher for other people's tests. */
import { expect, test } from "vitest";
import { type ConformOptions, conformanceMatchers, type Profile } from "../../conformance/index.ts";
import { openEndpoint } from "./endpoint.ts";

// What docs/check.md has its readers write.
declare module "vitest" {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    toConform(profile?: Profile, options?: ConformOptions): Promise<void>;
  }
}
expect.extend(conformanceMatchers);

test("a right endpoint conforms", async () => {
  await using endpoint = await openEndpoint("x402-v2");
  await expect(endpoint.url).toConform("x402-v2");
  await expect(endpoint.url).not.toConform("x402-v1");
});

test("a wrong one does not, and the message says what to mend", async () => {
  await using endpoint = await openEndpoint("x402-v2", (_, { method }) =>
    method === "HEAD" ? { status: 200, headers: {}, body: "" } : undefined,
  );
  await expect(expect(endpoint.url).toConform("x402-v2")).rejects.toThrow(
    /HTTP-01[\s\S]+To mend it/,
  );
});

test("where nothing could be judged, the message says why and what to do", async () => {
  await using endpoint = await openEndpoint("x402-v2");
  const elsewhere = endpoint.url.replace("/paid", "/other");
  await expect(expect(elsewhere).toConform("x402-v2")).rejects.toThrow(
    /could not be judged[\s\S]+Send the request that is for sale[\s\S]+Not judged, and why[\s\S]+answered with 404/,
  );
});
