/**
 * The 402 itself: one answer that buyers of x402 v1 (body), x402 v2 (`PAYMENT-REQUIRED`) and MPP (`WWW-Authenticate`) can each
 * read, a page for a person, and small enough for everybody's HTTP library.
 */
import { decodeJson, encodeJson } from "../../protocol/offer.ts";
import { sendAnswer, sendUncached, URL_TOO_LONG } from "./answers.ts";
import { browserPage } from "./browser-page.ts";
import { type MppProblem, mppChallenge, type MppSeal } from "./mpp-challenge.ts";
import { problemOf } from "./mpp-problem.ts";
import { PAYMENT_IDENTIFIER, paymentIdentifierOffer } from "./payment-identifier.ts";
import type { PaywallProtocol } from "./presented-payment.ts";
import { MIME_TYPE, requirementsV1, requirementsV2, type Terms } from "./terms.ts";
import type { Visit } from "./visit.ts";

export interface ChallengeOptions {
  /** Whether v1 payments can be taken. */
  readonly takesV1: boolean;
  readonly seal: MppSeal;
  /** Why, in a word of the specification's where there is one. */
  readonly error: string;
  /** Of the payment that is refused, where there is one. */
  readonly protocol?: PaywallProtocol | undefined;
  readonly problem?: MppProblem | undefined;
}

/** Of both headers together: buyers' HTTP libraries take some 16 KB for all of them. */
const MAX_CHALLENGE = 8_000;
const SHORT_DESCRIPTION = 500;
const EXTENSIONS = { [PAYMENT_IDENTIFIER]: paymentIdentifierOffer };

export function sendChallenge(visit: Visit, terms: Terms, options: ChallengeOptions): void {
  const { request, response, asked } = visit;
  const { takesV1, seal, error, protocol } = options;
  const mpp = mppChallenge(terms, visit, seal);
  let { description } = terms;
  let header = offerV2(visit, terms, error);
  if (header.length + mpp.length > MAX_CHALLENGE) {
    description = description.slice(0, SHORT_DESCRIPTION);
    header = offerV2(visit, { ...terms, description }, error);
  }
  if (header.length + mpp.length > MAX_CHALLENGE) {
    sendAnswer(response, URL_TOO_LONG);
    return;
  }
  response.setHeader("PAYMENT-REQUIRED", header);
  response.setHeader("WWW-Authenticate", mpp);
  if (request.headers.origin !== undefined) {
    const exposed = "PAYMENT-REQUIRED, WWW-Authenticate";
    response.setHeader("Access-Control-Expose-Headers", exposed);
  }
  if (protocol === "mpp") {
    sendUncached(response, problemOf(options.problem ?? "verification-failed", error));
  } else if (prefersHtml(visit)) {
    response.setHeader("Content-Security-Policy", "default-src 'none'");
    response
      .status(402)
      .type("html")
      .send(browserPage({ ...terms, description }, asked, decodeJson(header)));
  } else {
    const accepts = takesV1 ? [requirementsV1({ ...terms, description }, asked)] : [];
    sendUncached(response, { status: 402, body: { x402Version: 1, error, accepts } });
  }
}

function offerV2({ asked }: Visit, terms: Terms, error: string): string {
  return encodeJson({
    x402Version: 2,
    error,
    resource: { url: asked.resource, description: terms.description, mimeType: MIME_TYPE },
    accepts: [requirementsV2(terms, asked)],
    extensions: EXTENSIONS,
  });
}

function prefersHtml({ request }: Visit): boolean {
  const { accept = "" } = request.headers;
  return accept.includes("html") && request.accepts(["json", "html"]) === "html";
}
