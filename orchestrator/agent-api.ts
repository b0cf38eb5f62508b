/**
 * The calls of `protocol/orchestrator-api.ts` over HTTP: what only a run asks. A call goes through in this order: the run's token, the body's size and
 * shape, the run's scope, then the work. Whatever fails becomes `{ ok: false, error }` in one place.
 */
import express, { type Request, type Response, Router } from "express";
import { DelegationOrder, OutcomeReport, PurchaseOrder, Question } from "../protocol/index.ts";
import { BODY_LIMIT, param, read, send, sendError, unknownCall } from "./http.ts";
import type { Run } from "./runs.ts";

/** What a run can do; the project and the scope are the run's own. */
export interface RunDesk {
  authenticate(authorization: string | undefined): Run;
  credential(run: Run, handle: string): Promise<unknown>;
  ask(run: Run, question: Question): Promise<string>;
  purchase(run: Run, order: PurchaseOrder): Promise<unknown>;
  findPurchase(run: Run, id: string): Promise<unknown>;
  reportOutcome(run: Run, id: string, report: OutcomeReport): Promise<unknown>;
  purchaseAnswer(run: Run, id: string): Promise<unknown>;
  delegate(run: Run, order: DelegationOrder): Promise<unknown>;
  revoke(run: Run, id: string): Promise<unknown>;
}

export function agentApi(desk: RunDesk): Router {
  const router = Router();
  router.use((request, response, next) => {
    response.locals["run"] = desk.authenticate(request.get("authorization"));
    response.set("cache-control", "no-store");
    next();
  });
  router.use(express.json({ limit: BODY_LIMIT, type: () => true }));

  router.get(
    "/credentials/:handle",
    answer((run, { params }) => desk.credential(run, param(params, "handle"))),
  );
  router.post(
    "/questions",
    answer(async (run, { body }) => {
      return { answer: await desk.ask(run, read(Question, body)) };
    }),
  );
  router.post(
    "/purchases",
    answer((run, { body }) => desk.purchase(run, read(PurchaseOrder, body))),
  );
  router.get(
    "/purchases/:id",
    answer((run, { params }) => desk.findPurchase(run, param(params, "id"))),
  );
  router.post(
    "/purchases/:id/outcome",
    answer((run, { body, params }) => {
      return desk.reportOutcome(run, param(params, "id"), read(OutcomeReport, body));
    }),
  );
  router.get(
    "/purchases/:id/answer",
    answer((run, { params }) => desk.purchaseAnswer(run, param(params, "id"))),
  );
  router.post(
    "/runs",
    answer((run, { body }) => desk.delegate(run, read(DelegationOrder, body))),
  );
  router.delete(
    "/runs/:id",
    answer((run, { params }) => desk.revoke(run, param(params, "id"))),
  );

  router.use(unknownCall);
  router.use(sendError);
  return router;
}

type Call = (run: Run, request: Request) => Promise<unknown>;

function answer(call: Call): (request: Request, response: Response) => Promise<void> {
  return async (request, response) => {
    send(response, await call(response.locals["run"] as Run, request));
  };
}
