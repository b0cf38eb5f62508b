/** Which sale a request's handler is run for. */
import type { Request } from "express";
import { PaymentError } from "../payment-error.ts";
import type { PaywallSale } from "./door.ts";

const sales = new WeakMap<Request, PaywallSale<null>>();

export function rememberSale(request: Request, sale: PaywallSale<null>): void {
  sales.set(request, sale);
}

/** Throws `NOT_PAID` for a request that no paywall has let through. */
export function recallSale(request: Request): PaywallSale<null> {
  const sale = sales.get(request);
  if (sale) return sale;
  throw new PaymentError("NOT_PAID", {
    problem: "No paywall has let this request through.",
    nextStep: "Mount paywall() before the handler.",
  });
}
