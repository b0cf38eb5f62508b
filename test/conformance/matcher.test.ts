/** The matcher for other people's tests. */
import { expect, test } from "vitest";
import { conformanceMatchers } from "../../conformance/index.ts";
import { openEndpoint } from "./endpoint.ts";

expect.extend(conformanceMatchers);

interface Conforming {
  toConform: (...args: unknown[]) => Promise<void>;
}
const conform = (url: string) => expect(url) as unknown as Conforming & { not: Conforming };

test("a right endpoint conforms", async () => {
  await using endpoint = await openEndpoint("x402-v2");
  await conform(endpoint.url).toConform("x402-v2");
  await conform(endpoint.url).not.toConform("x402-v1");
});

test("a wrong one does not, and the message says what to mend", async () => {
  await using endpoint = await openEndpoint("x402-v2", (_, { method }) =>
    method === "HEAD" ? { status: 200, headers: {}, body: "" } : undefined,
  );
  await expect(conform(endpoint.url).toConform("x402-v2")).rejects.toThrow(
    /HTTP-01[\s\S]+To mend it/,
  );
});
