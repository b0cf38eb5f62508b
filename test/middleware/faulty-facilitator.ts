/** A real facilitator behind a server that fails on purpose: it forwards and then loses the answer, refuses, or is not there. */
import express from "express";
import { type Listening, listen } from "./shop.ts";

type Fault =
  /** Settles, and then drops the connection. */
  | "lose-answer"
  /** Settles, and then says that it does not know. */
  | "say-pending"
  /** Settles, and never answers. */
  | "hang"
  /** Does nothing, and drops the connection. */
  | "drop"
  /** Does nothing, and refuses for good. */
  | "refuse"
  | undefined;

export interface FaultyFacilitator extends Listening {
  /** What happens to the next calls of `/settle`. */
  fault: Fault;
  /** What happens to the next calls of `/verify`: no answer at all, no connection, or a page of the operator's. */
  verifyFault: "hang" | "drop" | "page" | undefined;
  /** How often `/settle` was called. */
  settles: number;
}

export async function openFaultyFacilitator(target: string): Promise<FaultyFacilitator> {
  const state: Pick<FaultyFacilitator, "fault" | "verifyFault" | "settles"> = {
    fault: undefined,
    verifyFault: undefined,
    settles: 0,
  };
  const app = express();
  app.use(express.json());
  app.use(async (request, response) => {
    const settle = request.path === "/settle";
    if (settle) state.settles += 1;
    const fault = settle ? state.fault : undefined;
    const verifyFault = request.path === "/verify" ? state.verifyFault : undefined;
    if (verifyFault === "hang") return;
    if (verifyFault === "page") {
      response.status(502).send("<!DOCTYPE html><p>internal: 10.0.0.7</p>");
      return;
    }
    if (fault === "drop" || verifyFault === "drop") {
      response.destroy();
      return;
    }
    if (fault === "refuse") {
      response.json({
        success: false,
        errorReason: "insufficient_funds",
        transaction: "",
        network: "base-sepolia",
      });
      return;
    }
    const { method } = request;
    const body = method === "POST" ? { body: JSON.stringify(request.body) } : {};
    const answer = await fetch(target + request.path, {
      method,
      headers: { "content-type": "application/json" },
      ...body,
    });
    const json: unknown = await answer.json();
    if (fault === "hang") return;
    if (fault === "lose-answer") response.destroy();
    else if (fault === "say-pending")
      response.json({ ...(json as object), success: false, errorReason: "settlement_pending" });
    else response.status(answer.status).json(json);
  });
  const server = await listen(app);
  return Object.assign(state, server);
}
