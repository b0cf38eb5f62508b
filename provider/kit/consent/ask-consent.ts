/**
 * The two ways in which an owner can be asked: a page to open in a browser, whose request lies pushed on this server (RFC 9126), and a
 * short code to enter on any device (RFC 8628). Neither URL says more than where to look.
 */
import { UnsecuredJWT } from "jose";
import type Provider from "oidc-provider";
import type { RequiresAuth } from "../../../protocol/index.ts";
import type { TrustedIssuer } from "../trust.ts";
import { randomLetters, showLetters } from "../../../protocol/letters.ts";
import { PENDING_MS } from "./pending-requests.ts";

export interface ConsentOrder {
  readonly client: TrustedIssuer;
  readonly codeChallenge: string | undefined;
  /** The pending request's id; it comes back as `state` too. */
  readonly accountRequest: string;
  /** Separated by spaces. */
  readonly scope: string;
}

const LIFETIME_SECONDS = PENDING_MS / 1000;
/** A person waits for who asks. */
const INTERVAL_SECONDS = 3;
/** An owner signs in and decides each time, whoever is signed in already. */
const PROMPT = "login consent";

export async function askConsent(
  library: Provider,
  publicUrl: string,
  order: ConsentOrder,
): Promise<RequiresAuth> {
  const { clientId } = order.client;
  const requestUri = await push(library, publicUrl, order);
  const query = new URLSearchParams({ client_id: clientId, request_uri: requestUri });
  return {
    type: "redirect",
    redirect: { url: `${publicUrl}/oauth/authorize?${query.toString()}` },
    device: await deviceCode(library, publicUrl, order),
  };
}

async function push(
  library: Provider,
  publicUrl: string,
  { client, codeChallenge, accountRequest, scope }: ConsentOrder,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const request = new UnsecuredJWT({
    client_id: client.clientId,
    redirect_uri: client.redirectUri,
    response_type: "code",
    scope,
    resource: publicUrl,
    prompt: PROMPT,
    state: accountRequest,
    ...(codeChallenge !== undefined && {
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
    }),
    account_request: accountRequest,
  })
    .setIssuer(client.clientId)
    .setAudience(publicUrl)
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + LIFETIME_SECONDS)
    .encode();
  const pushed = new library.PushedAuthorizationRequest({ request, trusted: false });
  return `urn:ietf:params:oauth:request_uri:${await pushed.save(LIFETIME_SECONDS)}`;
}

async function deviceCode(
  library: Provider,
  publicUrl: string,
  { client: { clientId }, accountRequest, scope }: ConsentOrder,
): Promise<RequiresAuth["device"]> {
  const letters = randomLetters();
  const code = new library.DeviceCode({
    client: await library.Client.find(clientId),
    deviceInfo: {},
    params: {
      client_id: clientId,
      scope,
      resource: publicUrl,
      prompt: PROMPT,
      account_request: accountRequest,
    },
    userCode: letters,
  });
  const user_code = showLetters(letters);
  const verification_uri = `${publicUrl}/oauth/device`;
  return {
    device_code: await code.save(),
    user_code,
    verification_uri,
    verification_uri_complete: `${verification_uri}?user_code=${user_code}`,
    expires_in: LIFETIME_SECONDS,
    interval: INTERVAL_SECONDS,
  };
}
