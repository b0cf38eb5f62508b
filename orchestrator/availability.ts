/**
 * Whether a person could have a service now: its provider answers, sells where the person is, asks for nothing that the orchestrator cannot
 * attest, and, where it is never free, takes an asset that a wallet here can pay in. Terms, consent, a plan and a cap are the person's to
 * settle, and make nothing unavailable.
 */
import {
  type CatalogProvider,
  findAsset,
  mayBeFree,
  type Service,
  type ServiceListing,
} from "../protocol/index.ts";
import type { User } from "./people.ts";

export type Availability = ServiceListing["availability"];

export function availabilityOf(
  { profile }: CatalogProvider,
  service: Service,
  { country }: Pick<User, "country">,
): Availability {
  const { countries, kyc } = service;
  const at = country?.toUpperCase();
  if (countries && at !== undefined && !countries.some((code) => code.toUpperCase() === at))
    return "not_in_country";
  const known = ["email", "name", ...(at === undefined ? [] : ["country"])];
  if (kyc?.required_fields.some((field) => !known.includes(field)) === true) return "unavailable";
  if (mayBeFree(service)) return "available";
  const payable = profile.payment.assets.some(({ network, address }) =>
    findAsset(network, address),
  );
  return payable && profile.payment.pay_to.length > 0 ? "available" : "unavailable";
}
