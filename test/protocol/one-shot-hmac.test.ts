import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hmacSeal } from "../../protocol/one-shot-hmac.ts";

test("any text is sealed under any key as Node's own HMAC seals it, also after a longer one", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 100 });
  const text = fc.string({ unit: "binary", maxLength: 3_000 });
  fc.assert(
    fc.property(key, fc.array(text, { minLength: 1, maxLength: 4 }), (key, texts) => {
      const seal = hmacSeal(key);
      for (const text of texts)
        expect(seal(text)).toBe(createHmac("sha256", key).update(text).digest("base64url"));
    }),
    { numRuns: 300 },
  );
});
