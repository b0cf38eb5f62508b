/**
 * The 402 itself: one answer that buyers of x402 v1 (body), x402 v2 (`PAYMENT-REQUIRED`) and MPP (`WWW-Authenticate`) can each
 * read, a page for a person, and small enough for everybody's HTTP library.
 */
import { decodeJson } from "../../protocol/offer.ts";
import { sendAnswer, URL_TOO_LONG } from "./answers.ts";
import { browserPage } from "./browser-page.ts";
import type { MppChallenges } from "./mpp-challenge.ts";
import type { MppProblem } from "./mpp-check.ts";
import { sendProblem } from "./mpp-problem.ts";
import { offerTexts, type OfferWords } from "./offer-texts.ts";
import type { PaywallProtocol } from "./presented-payment.ts";
import type { Terms } from "./terms.ts";
import type { Visit } from "./visit.ts";

export interface ChallengeOptions extends OfferWords {
  readonly challenges: MppChallenges;
  /** Of the payment that is refused, where there is one. */
  readonly protocol?: PaywallProtocol | undefined;
  readonly problem?: MppProblem | undefined;
}

export function sendChallenge(visit: Visit, terms: Terms, options: ChallengeOptions): void {
  const { request, response, asked } = visit;
  const { challenges, error, protocol } = options;
  const { header, body, charge, description } = offerTexts(terms, asked, options);
  if (header === undefined) {
    sendAnswer(response, URL_TOO_LONG);
    return;
  }
  response.setHeader("PAYMENT-REQUIRED", header);
  response.setHeader("WWW-Authenticate", challenges.write(charge, visit));
  if (request.headers.origin !== undefined) {
    const exposed = "PAYMENT-REQUIRED, WWW-Authenticate";
    // Beside what the shop itself lets pages read.
    response.append("Access-Control-Expose-Headers", exposed);
  }
  if (protocol === "mpp") {
    sendProblem(response, options.problem ?? "verification-failed", error);
  } else if (prefersHtml(visit)) {
    response.setHeader("Content-Security-Policy", "default-src 'none'");
    response
      .status(402)
      .type("html")
      .send(browserPage({ ...terms, description }, asked, decodeJson(header)));
  } else {
    // Without what Express adds for caches, which this answer forbids.
    response.statusCode = 402;
    response.setHeader("Content-Type", "application/json; charset=utf-8");
    response.end(body, "latin1");
  }
}

function prefersHtml({ request }: Visit): boolean {
  const { accept = "" } = request.headers;
  return accept.includes("html") && request.accepts(["json", "html"]) === "html";
}
