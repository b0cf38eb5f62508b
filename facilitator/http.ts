/**
 * The facilitator over HTTP, as the specification has it: `POST /verify`, `POST /settle`, `GET /supported`; and
 * for its operator `GET /health` and `GET /metrics`. A refusal is an answer (200); 400 means that the body is no JSON, 503 that the chain could not be asked, which says nothing about the payment.
 */
import express, { type ErrorRequestHandler, type Express } from "express";
import type { Facilitator } from "./facilitator.ts";
import { readNetwork } from "./payment.ts";
import { REFUSALS, type RefusalReason } from "./refusal.ts";

/** More than any payment needs, a smart wallet's signature included. */
const BODY_LIMIT = "64kb";

/** The facilitator as an Express app, to be mounted or listened on. */
export function facilitatorApp(facilitator: Facilitator): Express {
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
    response.json(await facilitator.verify(request.body));
  });
  app.post("/settle", async (request, response) => {
    response.json(await facilitator.settle(request.body));
  });
  app.use(answerFailure);
  return app;
}

/** Both shapes in one, so that a client of either call reads "no". */
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
  const unexpected =
    request.path === "/verify" ? "unexpected_verify_error" : "unexpected_settle_error";
  const reason: RefusalReason = unreadable ? "invalid_payload" : unexpected;
  const message = REFUSALS[reason];
  const verify = { isValid: false, invalidReason: reason, invalidMessage: message };
  const settle = {
    success: false,
    errorReason: reason,
    errorMessage: message,
    transaction: "",
    network: readNetwork(request.body) ?? "",
  };
  response
    .status(unreadable ? (error.status ?? 400) : 503)
    .json(request.path === "/verify" ? verify : settle);
};
