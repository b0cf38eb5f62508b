/** How people sign in at the orchestrator of `purser up`: with the issuer that the flags name, or with one of our own by a passcode. */
import { type SignInOptions, startLocalIssuer } from "../orchestrator/index.ts";
import { Secret } from "../protocol/index.ts";
import { USER } from "../scenarios/index.ts";
import { readUrl } from "./arguments.ts";
import { UsageError } from "./exit.ts";
import type { UpFlags } from "./world-program.ts";

export interface UpSignIn extends AsyncDisposable {
  options: SignInOptions;
  issuer: string;
  /** Of our own issuer. */
  passcode: string | undefined;
}

type SignInFlags = Pick<UpFlags, "oidcIssuer" | "oidcClientId" | "oidcAdmit">;

const SECRET_VARIABLE = "PURSER_OIDC_CLIENT_SECRET";

/** `orchestratorUrl` is read when somebody signs in. */
export async function openUpSignIn(
  { oidcIssuer: named, oidcClientId: clientId, oidcAdmit: admitted }: SignInFlags,
  env: Readonly<Record<string, string | undefined>>,
  orchestratorUrl: () => string,
): Promise<UpSignIn> {
  if (named === undefined) {
    if (clientId !== undefined || admitted.length > 0) throw withoutIssuer();
    const redirectUri = () => `${orchestratorUrl()}/sign-in/callback`;
    const local = await startLocalIssuer({ user: USER, redirectUri });
    return {
      options: { issuer: local.url, clientId: local.clientId, userId: (subject) => subject },
      issuer: local.url,
      passcode: local.passcode,
      [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
    };
  }
  if (clientId === undefined) throw withoutClient();
  const issuer = readUrl("--oidc-issuer", named);
  const secret = env[SECRET_VARIABLE];
  const emails = new Set(admitted.map((email) => email.toLowerCase()));
  const options: SignInOptions = {
    issuer,
    clientId,
    ...(secret === undefined || secret === "" ? {} : { clientSecret: new Secret(secret) }),
    // An e-mail that the issuer has not verified is anybody's to claim.
    ...(emails.size === 0
      ? {}
      : {
          admits: ({ email, emailVerified }) => emailVerified && emails.has(email.toLowerCase()),
        }),
  };
  return {
    options,
    issuer,
    passcode: undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function withoutIssuer(): UsageError {
  return new UsageError("USAGE", {
    problem: "--oidc-client-id and --oidc-admit are about an issuer, and none is named.",
    nextStep: "Name it with --oidc-issuer, or leave both out.",
  });
}

function withoutClient(): UsageError {
  return new UsageError("USAGE", {
    problem: "--oidc-issuer is named without --oidc-client-id.",
    nextStep: `Register the orchestrator with the issuer, and give its client id; a client secret goes into ${SECRET_VARIABLE}.`,
  });
}
