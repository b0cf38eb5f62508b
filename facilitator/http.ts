/**
 * The facilitator over HTTP, as the specification has it: `POST /verify`, `POST /settle`, `GET /supported`; and
 * for its operator `GET /health` and `GET /metrics`. A refusal is an answer (200); 400 means that the body is no JSON, 503 that the chain could not be asked, which says nothing about the payment.
 */
import express, { type ErrorRequestHandler, type Express } from "express";
import { refusedSettle, refusedVerify, type SettleAnswer } from "./answers.ts";
import type { SettleRequest } from "./duplicates.ts";
import type { Facilitator } from "./facilitator.ts";
import { readNetwork } from "./payment.ts";
import type { RefusalReason } from "./refusal.ts";

/** More than any payment needs, a smart wallet's signature included. */
const BODY_LIMIT = "64kb";

export interface FacilitatorAppOptions {
  /** Default: the facilitator's own `settle`, which gives every asker the same answer. */
  readonly settle?: ((request: SettleRequest) => Promise<SettleAnswer>) | undefined;
}

/** The facilitator as an Express app, to be mounted or listened on. */
export function facilitatorApp(
  facilitator: Facilitator,
  {
    settle = ({ payload, requirements, x402Version }) =>
      facilitator.settle(payload, requirements, x402Version),
  }: FacilitatorAppOptions = {},
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(express.json({ limit: BODY_LIMIT, type: () => true }));
  app.get("/supported", (_, response) => {
    response.json(facilitator.supported());
  });
  app.get("/health", async (_, response) => {
    const health = await facilitator.health();
    response.status(health.status === "down" ? 503 : 200).json(health);
  });
  app.get("/metrics", (_, response) => {
    response.type("text/plain; version=0.0.4; charset=utf-8").send(facilitator.metrics());
  });
  app.post("/verify", async (request, response) => {
    const { payload, requirements, x402Version } = openEnvelope(request.body);
    response.json(await facilitator.verify(payload, requirements, x402Version));
  });
  app.post("/settle", async (request, response) => {
    const idempotencyKey = request.get("Idempotency-Key");
    response.json(await settle({ ...openEnvelope(request.body), idempotencyKey }));
  });
  app.use(answerFailure);
  return app;
}

/** What the specification wraps a call's arguments in; undefined where there is nothing to unwrap. */
function openEnvelope(body: unknown) {
  const envelope = (body ?? {}) as Record<string, unknown>;
  const { paymentPayload: payload, paymentRequirements: requirements, x402Version } = envelope;
  return { payload, requirements, x402Version };
}

/** In the shape of the call, so that its client reads "no". */
const answerFailure: ErrorRequestHandler = (
  error: { status?: number },
  request,
  response,
  next,
) => {
  if (response.headersSent) {
    next(error);
    return;
  }
  const unreadable = error.status !== undefined && error.status < 500;
  const isVerify = request.path === "/verify";
  const unexpected = isVerify ? "unexpected_verify_error" : "unexpected_settle_error";
  const reason: RefusalReason = unreadable ? "invalid_payload" : unexpected;
  const network = readNetwork(request.body) ?? "";
  response
    .status(unreadable ? (error.status ?? 400) : 503)
    .json(isVerify ? refusedVerify(reason) : refusedSettle({ reason, network }));
};
