/** `/user`, `/accounts`, `/memberships`: whom a token belongs to, as `wrangler whoami` and the SDKs ask. */
import { Router } from "express";
import type { Account, Accounts } from "../kit/accounts.ts";
import { connectionOf, ownAccountOnly } from "./account-scope.ts";
import { endpoint, success } from "./envelope.ts";
import type { Request } from "express";

export function accountApi(accounts: Accounts): Router {
  const router = Router();
  const ofCaller = (request: Request): Account => accounts.find(connectionOf(request).accountId)!;
  router.get(
    "/user",
    endpoint((request) => {
      const { id, email } = ofCaller(request);
      return { id, email, first_name: null, last_name: null };
    }),
  );
  router.get(
    "/user/tokens/verify",
    endpoint((request) => ({ id: connectionOf(request).id, status: "active" })),
  );
  router.get("/accounts", (request, response) => {
    response.json(onePage(request, [describe(ofCaller(request))]));
  });
  router.get("/memberships", (request, response) => {
    const account = describe(ofCaller(request));
    response.json(onePage(request, [{ id: account.id, status: "accepted", account }]));
  });
  router.get(
    "/accounts/:account",
    ownAccountOnly,
    endpoint((request) => describe(ofCaller(request))),
  );
  return router;
}

function describe({ id, email, createdAt }: Account) {
  return {
    id,
    name: `${email}'s Account`,
    type: "standard",
    created_on: new Date(createdAt).toISOString(),
  };
}

/** A token has one account; whoever asks for another page gets none. */
function onePage(request: Request, items: object[]): object {
  const page = Number(request.query["page"] ?? 1);
  const info = { page, per_page: 20, count: 1, total_count: 1, total_pages: 1 };
  return success(page > 1 ? [] : items, info);
}
