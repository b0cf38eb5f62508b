/** Who may call: only an orchestrator that is trusted, for exactly this request, once. */
import { randomUUID } from "node:crypto";
import { generateKeyPair } from "jose";
import { SIGNATURE_HEADER, signRequest } from "../../../protocol/index.ts";
import { notTaken, type ProviderCase, refused } from "../case.ts";
import { newUser, type Send, sayAnswer } from "../visit.ts";

const BASIS = "APP 0.1d, Stripe-Signature-V2";
const MEND =
  "Check the signature over method, URL and raw body before anything else, and keep each jti.";
const PATH = "/provisioning/quotes";

/** Signed for something else than what is sent. */
const ALTERED: readonly [
  id: string,
  what: string,
  signed: (url: string) => NonNullable<Send["signed"]>,
][] = [
  ["SIGN-04", "another body", () => ({ body: `{"service_id":"other"}` })],
  ["SIGN-05", "another path", (url) => ({ url: `${url}/provisioning/account_requests` })],
  ["SIGN-06", "another method", () => ({ method: "PUT" })],
  ["SIGN-07", "another host", () => ({ url: `https://other.example${PATH}` })],
  ["SIGN-08", "two minutes ago", () => ({ now: Date.now() - 120_000 })],
  ["SIGN-09", "tomorrow", () => ({ now: Date.now() + 86_400_000 })],
];

export const SIGNATURES: readonly ProviderCase[] = [
  {
    id: "SIGN-01",
    title: "an unsigned request is refused",
    basis: BASIS,
    mend: MEND,
    run: async ({ send, page }) => {
      // Where all is bought by an operation of the provider's own, nothing is added.
      const adds = page.data.some(({ operations }) => operations["create"] === undefined);
      const resources = adds ? ["/provisioning/resources"] : [];
      const paths = ["/provisioning/account_requests", ...resources];
      for (const path of paths) {
        const wrong = refused(
          await send(path, { body: {}, sign: false }),
          401,
          "invalid_signature",
        );
        if (wrong !== undefined) return `${path}: ${wrong}`;
      }
      return undefined;
    },
  },
  {
    id: "SIGN-02",
    title: "another version of the protocol is refused by name",
    basis: "APP 0.1d, API-Version",
    mend: "Answer 400 invalid_api_version, and name the versions that are supported.",
    run: async ({ send }) => {
      const headers = { "api-version": "9.9" };
      const answer = await send("/provisioning/account_requests", { body: {}, headers });
      return refused(answer, 400, "invalid_api_version");
    },
  },
  {
    id: "SIGN-03",
    title: "a stranger's signature is refused, whoever it says it is",
    basis: BASIS,
    mend: MEND,
    run: async ({ send, url, tester: { issuer, key } }) => {
      const { privateKey } = await generateKeyPair("EdDSA");
      const request = { method: "POST", url: `${url}/provisioning/account_requests`, body: "{}" };
      for (const iss of [issuer, "https://stranger.invalid"]) {
        const of = {
          key: { kid: key.kid, privateKey },
          issuer: iss,
          now: Date.now(),
          id: randomUUID(),
        };
        const headers = { [SIGNATURE_HEADER]: await signRequest(request, of) };
        const answer = await send("/provisioning/account_requests", {
          body: "{}",
          headers,
          sign: false,
        });
        const wrong = refused(answer, 401, "invalid_signature");
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    },
  },
  ...ALTERED.map(([id, what, signed]): ProviderCase => ({
    id,
    title: `a request that was signed for ${what} is refused`,
    needs: ["trust", "quotes"],
    basis: BASIS,
    mend: MEND,
    run: async ({ send, url, connect }) => {
      const { headers } = await connect();
      const answer = await send(PATH, { body: { service_id: "x" }, headers, signed: signed(url) });
      return refused(answer, 401, "invalid_signature");
    },
  })),
  {
    id: "SIGN-10",
    title: "a signature holds once",
    needs: ["trust"],
    basis: BASIS,
    mend: MEND,
    run: async ({ send }) => {
      const signed = { id: randomUUID() };
      const path = "/provisioning/resources/none";
      await send(path, { method: "GET", signed });
      return refused(await send(path, { method: "GET", signed }), 401, "invalid_signature");
    },
  },
  {
    id: "SIGN-11",
    title: "a token without a signature is not enough, and neither is the other way round",
    needs: ["trust"],
    basis: "APP 0.1d, resource calls",
    mend: "Ask for both on every resource call.",
    run: async ({ send, connect }) => {
      const { headers } = await connect();
      const path = "/provisioning/resources/none";
      const unsigned = notTaken(await send(path, { method: "GET", headers, sign: false }));
      const anonymous = await send(path, { method: "GET" });
      if (unsigned !== undefined || anonymous.status !== 401)
        return unsigned ?? sayAnswer(anonymous);
      const challenge = anonymous.headers.get("www-authenticate") ?? "";
      return challenge.includes("resource_metadata=")
        ? undefined
        : `WWW-Authenticate: ${challenge}`;
    },
  },
  {
    id: "SIGN-12",
    title: "an account request that is signed and complete is answered with a code",
    needs: ["trust"],
    basis: "APP 0.1d, account_requests",
    mend: 'Make the account in one step, and answer { type: "oauth", oauth: { code } }.',
    run: async ({ ask }) => {
      const { answer } = await ask({}, newUser());
      return answer.body["type"] === "oauth" ? undefined : sayAnswer(answer);
    },
  },
];
