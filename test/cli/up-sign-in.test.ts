/** Who may sign in at the orchestrator of `purser up`, by its flags. */
import { expect, test } from "vitest";
import { openUpSignIn } from "../../cli/up-sign-in.ts";

const none = { oidcAdmit: [] };
const flags = { oidcIssuer: "https://id.example/", oidcClientId: "purser", oidcAdmit: [] };
const url = () => "http://127.0.0.1:4100";
const user = (email: string, emailVerified = true) => ({ id: "u", name: "", email, emailVerified });

test("with an issuer's client id, that issuer signs people in, with the secret of the environment", async () => {
  await using opened = await openUpSignIn(flags, { PURSER_OIDC_CLIENT_SECRET: "s3cret" }, url);
  expect(opened).toMatchObject({ issuer: "https://id.example", passcode: undefined });
  expect(opened.options.clientSecret?.reveal()).toBe("s3cret");
  expect(opened.options.admits, "all of its users").toBeUndefined();
});

test("where users are named, an e-mail counts in any letters, and only where the issuer has verified it", async () => {
  await using opened = await openUpSignIn({ ...flags, oidcAdmit: ["Ada@example.com"] }, {}, url);
  const admits = opened.options.admits!;
  expect(admits(user("ada@EXAMPLE.com"))).toBe(true);
  expect(admits(user("ada@example.com", false))).toBe(false);
  expect(admits(user("bob@example.com"))).toBe(false);
});

test.each([
  [{ ...none, oidcIssuer: "https://id.example" }, "USAGE"],
  [{ ...none, oidcClientId: "purser" }, "USAGE"],
  [{ oidcAdmit: ["ada@example.com"] }, "USAGE"],
  [{ ...flags, oidcIssuer: "id.example" }, "URL_INVALID"],
])("%j is refused", async (wrong, code) => {
  await expect(openUpSignIn(wrong, {}, url)).rejects.toMatchObject({ code });
});
