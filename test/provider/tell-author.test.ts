/** What a provider's own function throws is told to its author, and to nobody else. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { describeError, ENVELOPES, ProvisioningError } from "../../provider/kit/error.ts";

type Warning = Error & { code?: string; detail?: string };

const answer = (error: unknown) => describeError(error, ENVELOPES.flat);

test("the author is told what failed and where, and neither they nor the buyer its message", async () => {
  const heard = once(process, "warning") as Promise<[Warning]>;
  const answered = answer(new RangeError("no box\n    at sk_live_secret"));
  const [{ name, code, message, detail = "" }] = await heard;
  expect([name, code]).toEqual(["ProvisioningWarning", "provider_failed"]);
  expect(message).toContain("RangeError");
  expect(detail).toContain("tell-author.test.ts");
  expect(answered).toMatchObject({ status: 500, body: { error: { code: "server_error" } } });
  expect(JSON.stringify([answered, message, detail])).not.toContain("sk_live_secret");
});

test("once for each place, and of what is no error too; a refusal is none", async () => {
  const warnings: Warning[] = [];
  const listen = (warning: Warning) => void warnings.push(warning);
  process.on("warning", listen);
  const fail = (error: unknown) => answer(error);
  for (let time = 0; time < 3; time += 1) fail(new TypeError("x"));
  fail("a text");
  fail(new ProvisioningError("not_found", { problem: "There is none.", nextStep: "Ask." }));
  await new Promise<void>((resolve) => void setImmediate(resolve));
  process.off("warning", listen);
  expect(warnings.map(({ message }) => /with (.*), and/.exec(message)?.[1])).toEqual([
    "TypeError",
    "a thrown string",
  ]);
});
