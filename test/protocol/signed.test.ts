import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from "jose";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  PurserError,
  Secret,
  signMandate,
  signRequest,
  toErrorBody,
  verifyIdentityAssertion,
  verifyMandate,
  verifyRequestSignature,
} from "../../protocol/index.ts";

const NOW = Date.UTC(2026, 10, 20);
const issuer = "https://orchestrator.example";

async function openKey() {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
  const keys = createLocalJWKSet({
    keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "EdDSA" }],
  });
  return { key: { kid: "k1", privateKey }, keys };
}

describe("a signed request", () => {
  const request = {
    method: "POST",
    url: "http://127.0.0.1:1/provisioning/resources",
    body: '{"a":1}',
  };

  test("is accepted as it was signed", async () => {
    const { key, keys } = await openKey();
    const token = await signRequest(request, { key, issuer, now: NOW, id: "jti-00000001" });
    const claims = await verifyRequestSignature(token, request, { keys, issuer, now: NOW });
    expect(claims).toMatchObject({ jti: "jti-00000001", htm: "POST" });
  });

  test.each([
    ["with another method", { method: "GET" }, issuer, NOW],
    ["at another URL", { url: "http://127.0.0.1:2/provisioning/resources" }, issuer, NOW],
    ["with another body", { body: '{"a":2}' }, issuer, NOW],
    ["by another issuer", {}, "https://else.example", NOW],
    ["two minutes later", {}, issuer, NOW + 120_000],
    ["long before it was signed", {}, issuer, NOW - 120_000],
  ])("%s is refused", async (_, change, expectedIssuer, now) => {
    const { key, keys } = await openKey();
    const token = await signRequest(request, { key, issuer, now: NOW, id: "jti-00000001" });
    const check = verifyRequestSignature(
      token,
      { ...request, ...change },
      { keys, issuer: expectedIssuer, now },
    );
    await expect(check).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
  });

  test("without a signature, or with a stranger's, is refused", async () => {
    const { keys } = await openKey();
    const stranger = await openKey();
    const token = await signRequest(request, {
      key: stranger.key,
      issuer,
      now: NOW,
      id: "jti-00000001",
    });
    for (const value of [undefined, "", "a.b.c", token]) {
      const check = verifyRequestSignature(value, request, { keys, issuer, now: NOW });
      await expect(check).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
    }
  });
});

test.each([
  ["five minutes", 300, NOW, "fulfilled"],
  ["a second more than five minutes", 301, NOW, "rejected"],
  ["five minutes, and is six minutes old,", 300, NOW + 360_000, "rejected"],
])("an assertion that its issuer lets live %s is so judged", async (_, seconds, now, status) => {
  const { key, keys } = await openKey();
  const claims = {
    sub: "usr_1",
    client_id: issuer,
    auth_time: NOW / 1000,
    email: "ada@example.com",
    email_verified: true,
  };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: "EdDSA", typ: "oauth-id-jag+jwt", kid: "k1" })
    .setIssuer(issuer)
    .setAudience("https://provider.example")
    .setJti("jti-00000001")
    .setIssuedAt(NOW / 1000)
    .setExpirationTime(NOW / 1000 + seconds)
    .sign(key.privateKey);
  const check = verifyIdentityAssertion(token, {
    keys,
    issuer,
    audience: "https://provider.example",
    now,
  });
  expect((await Promise.allSettled([check]))[0]).toMatchObject({ status });
});

describe("a mandate", () => {
  const claims = {
    iss: issuer,
    sub: "project_1",
    aud: "cloudflare",
    currency: "usd",
    max_amount_per_month: "100.00",
    version: 1,
    iat: NOW / 1000,
    exp: NOW / 1000 + 3600,
  } as const;

  test("is read back as it was signed", async () => {
    const { key, keys } = await openKey();
    const token = await signMandate(claims, key);
    expect(await verifyMandate(token, { keys, issuer, audience: "cloudflare", now: NOW })).toEqual(
      claims,
    );
  });

  test.each([
    ["for another provider", "vercel", NOW],
    ["after its expiry", "cloudflare", NOW + 3_700_000],
  ])("%s is refused", async (_, audience, now) => {
    const { key, keys } = await openKey();
    const check = verifyMandate(await signMandate(claims, key), { keys, issuer, audience, now });
    await expect(check).rejects.toMatchObject({ code: "MANDATE_INVALID" });
  });

  test("is not a signed request, though the same key signed both", async () => {
    const { key, keys } = await openKey();
    const request = { method: "GET", url: "http://127.0.0.1:1/", body: "" };
    const token = await signRequest(request, { key, issuer, now: NOW, id: "jti-00000001" });
    const check = verifyMandate(token, { keys, issuer, audience: "cloudflare", now: NOW });
    await expect(check).rejects.toMatchObject({ code: "MANDATE_INVALID" });
  });
});

describe("what must not leak", () => {
  test("a secret writes itself as a word, whatever turns it into text", () => {
    const secret = new Secret("canary-1234");
    for (const text of [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true }),
      String([secret]),
    ]) {
      expect(text).not.toContain("canary");
    }
    expect(secret.reveal()).toBe("canary-1234");
  });

  test("an error's public form has a code, a problem and a next step, and no stack", () => {
    const error = new PurserError("CODE", {
      problem: "It broke.",
      nextStep: "Mend it.",
      cause: new Error("inner"),
    });
    expect(toErrorBody(error)).toEqual({
      code: "CODE",
      problem: "It broke.",
      nextStep: "Mend it.",
    });
    expect(toErrorBody(new Error("odd"))).toMatchObject({ code: "INTERNAL", problem: "odd" });
  });
});
