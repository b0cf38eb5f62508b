/** Who gets an account, and what a token is good for. */
import { randomUUID } from "node:crypto";
import { notTaken, type ProviderCase, refused } from "../case.ts";
import { codeOf, newUser, type User, sayAnswer, type Visit } from "../visit.ts";

const trust = ["trust"] as const;
const ASSERTION = "draft-ietf-oauth-identity-assertion-authz-grant";

/** Account requests that must be refused, by what is wrong with them. */
const REFUSED: readonly [
  id: string,
  title: string,
  basis: string,
  code: string,
  changes: (visit: Visit, user: User) => Promise<Record<string, unknown>> | Record<string, unknown>,
][] = [
  [
    "ACCT-01",
    "without the terms accepted there is no account",
    "TermsEvidence",
    "tos_acceptance_required",
    () => ({ terms: undefined }),
  ],
  [
    "ACCT-02",
    "another version of the terms is not this one",
    "TermsEvidence",
    "tos_acceptance_required",
    () => ({ terms: { version: "0", accepted_at: new Date().toISOString(), accepted_by: "user" } }),
  ],
  [
    "ACCT-03",
    "an e-mail that is not verified opens nothing",
    "APP 0.1d, kyc",
    "email_not_verified",
    () => ({ kyc: { verified_fields: [] } }),
  ],
  [
    "ACCT-04",
    "a request that has expired is refused",
    "APP 0.1d, expires_at",
    "account_request_expired",
    () => ({ expires_at: "2020-01-01T00:00:00Z" }),
  ],
  [
    "ACCT-05",
    "an assertion for another provider is refused",
    ASSERTION,
    "assertion_invalid",
    async ({ assertion }, { subject: sub, email }) => ({
      identity_assertion: await assertion({ sub, email, aud: "https://other.example" }),
    }),
  ],
  [
    "ACCT-06",
    "an assertion of another user is refused",
    ASSERTION,
    "assertion_invalid",
    async ({ assertion }, { email }) => ({
      identity_assertion: await assertion({ sub: "other", email }),
    }),
  ],
  [
    "ACCT-07",
    "an assertion of another e-mail is refused",
    ASSERTION,
    "assertion_invalid",
    async ({ assertion }, { subject: sub }) => ({
      identity_assertion: await assertion({ sub, email: "other@example.com" }),
    }),
  ],
  [
    "ACCT-08",
    "an assertion that says the e-mail is not verified is believed",
    ASSERTION,
    "email_not_verified",
    async ({ assertion }, { subject: sub, email }) => ({
      identity_assertion: await assertion({ sub, email, email_verified: false }),
    }),
  ],
  [
    "ACCT-09",
    "a mandate for another provider is refused",
    "MandateClaims.aud",
    "mandate_invalid",
    async ({ mandate }) => ({ mandate: await mandate({ aud: "other" }) }),
  ],
  [
    "ACCT-10",
    "a mandate that has expired is refused",
    "MandateClaims.exp",
    "mandate_invalid",
    async ({ mandate }) => ({ mandate: await mandate({ exp: 1 }) }),
  ],
  [
    "ACCT-11",
    "another client's request is refused",
    "APP 0.1d, client_id",
    "forbidden",
    () => ({ client_id: "other" }),
  ],
];

const STATUS: Readonly<Record<string, number>> = { account_request_expired: 400 };

export const ACCOUNTS: readonly ProviderCase[] = [
  ...REFUSED.map(([id, title, basis, code, changes]): ProviderCase => ({
    id,
    title,
    needs: trust,
    basis,
    mend: `Answer "${code}" in the typed envelope, and make nothing.`,
    run: async (visit) => {
      const user = newUser();
      const { answer } = await visit.ask(await changes(visit, user), user);
      return refused(answer, STATUS[code] ?? 403, code, "typed");
    },
  })),
  {
    id: "ACCT-12",
    title: "an assertion is good once",
    needs: trust,
    basis: ASSERTION,
    mend: "Keep each jti until the assertion has ended.",
    run: async ({ ask, assertion }) => {
      const user = newUser();
      const { subject: sub, email } = user;
      const identity_assertion = await assertion({ sub, email }, randomUUID());
      await ask({ identity_assertion }, user);
      const { answer } = await ask({ identity_assertion }, user);
      return refused(answer, 403, "assertion_invalid", "typed");
    },
  },
  {
    id: "ACCT-13",
    title: "who names the e-mail of an account does not get into it",
    needs: trust,
    basis: "first-link consent: an account is never linked by its e-mail alone",
    mend: "Answer requires_auth, and let the owner sign in and consent.",
    run: async ({ ask, connect }) => {
      const { email } = await connect();
      const { answer } = await ask(
        {},
        { subject: `check-${randomUUID()}`, email: email.toUpperCase() },
      );
      return answer.body["type"] === "requires_auth" ? undefined : sayAnswer(answer);
    },
  },
  {
    id: "TOKN-01",
    title: "a code without its PKCE verifier, or with another, buys no token",
    needs: trust,
    basis: "RFC 7636, section 4.6",
    mend: "Bind the code to the challenge, S256 alone.",
    run: async ({ ask, token }) => {
      const { answer } = await ask();
      const { code = "" } = (answer.body["oauth"] ?? {}) as { code?: string };
      const form = { grant_type: "authorization_code", code };
      return (
        notTaken(await token(form)) ??
        notTaken(await token({ ...form, code_verifier: "x".repeat(43) }))
      );
    },
  },
  {
    id: "TOKN-02",
    title: "a code is good once",
    needs: trust,
    basis: "RFC 6749, section 4.1.2",
    mend: "Consume the code in one atomic step.",
    run: async ({ ask, token }) => {
      const { answer, verifier } = await ask();
      const { code = "" } = (answer.body["oauth"] ?? {}) as { code?: string };
      const form = { grant_type: "authorization_code", code, code_verifier: verifier };
      await token(form);
      return notTaken(await token(form));
    },
  },
  {
    id: "TOKN-03",
    title: "a token answer names the account, and who pays",
    needs: trust,
    basis: "APP 0.1d, token exchange",
    mend: "Add account: { id, payment_credentials } to the token answer.",
    run: async ({ ask, token }) => {
      const { answer, verifier } = await ask();
      const { code = "" } = (answer.body["oauth"] ?? {}) as { code?: string };
      const { body } = await token({
        grant_type: "authorization_code",
        code,
        code_verifier: verifier,
      });
      const { id, payment_credentials } = (body["account"] ?? {}) as Record<string, unknown>;
      const good = typeof id === "string" && typeof payment_credentials === "string";
      return good ? undefined : JSON.stringify(body["account"]);
    },
  },
  {
    id: "TOKN-04",
    title: "a token that was revoked is good for nothing",
    needs: trust,
    basis: "RFC 7009",
    mend: "Serve the revocation endpoint, and look a token up at every use.",
    run: async ({ url, connect, send, tester }) => {
      const { accessToken: token, headers } = await connect();
      const body = new URLSearchParams({ token, client_id: tester.clientId });
      await fetch(`${url}/oauth/revoke`, { method: "POST", body });
      const after = await send("/provisioning/resources/none", { method: "GET", headers });
      return after.status === 401 ? undefined : sayAnswer(after);
    },
  },
  {
    id: "TOKN-05",
    title: "a token that nobody gave is refused",
    needs: trust,
    basis: "RFC 6750, section 3.1",
    mend: "Answer 401 with WWW-Authenticate.",
    run: async ({ send }) => {
      const headers = { authorization: "Bearer made-up" };
      const answer = await send("/provisioning/resources/none", { method: "GET", headers });
      return answer.status === 401 && codeOf(answer) !== undefined ? undefined : sayAnswer(answer);
    },
  },
];
