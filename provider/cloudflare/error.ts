/**
 * The refusals of the v4 API: Cloudflare's numbers, which wrangler and the SDKs switch on, under names of ours. Where no public
 * source names Cloudflare's number, the general one of that part of the API stands.
 */
import { PurserError } from "../../protocol/index.ts";

/** Number in `errors[].code`, and HTTP status. */
export const CLOUDFLARE_ERRORS = {
  AUTHENTICATION: { number: 10000, status: 401 },
  FORBIDDEN: { number: 10000, status: 403 },
  NO_ROUTE: { number: 7003, status: 404 },
  BODY_INVALID: { number: 9207, status: 400 },
  SERVER_ERROR: { number: 10001, status: 500 },
  SERVICE_NOT_FOUND: { number: 10090, status: 404 },
  SCRIPT_NOT_FOUND: { number: 10007, status: 404 },
  SCRIPT_INVALID: { number: 10021, status: 400 },
  SCRIPT_NAME_INVALID: { number: 10016, status: 400 },
  BINDING_UNSUPPORTED: { number: 10021, status: 400 },
  VERSION_NOT_FOUND: { number: 10221, status: 404 },
  HOSTNAME_NOT_OWNED: { number: 1003, status: 403 },
  NAMESPACE_NOT_FOUND: { number: 10013, status: 404 },
  NAMESPACE_TITLE_TAKEN: { number: 10014, status: 400 },
  KEY_NOT_FOUND: { number: 10009, status: 404 },
  KEY_INVALID: { number: 10029, status: 400 },
  DOMAIN_INVALID: { number: 10400, status: 400 },
  DOMAIN_UNAVAILABLE: { number: 10409, status: 409 },
  DOMAIN_NOT_FOUND: { number: 10404, status: 404 },
  REGISTRATION_OPEN: { number: 10409, status: 409 },
  CHARGE_REFUSED: { number: 10403, status: 403 },
  NOT_BUILT: { number: 10501, status: 501 },
} as const;

export type CloudflareErrorCode = keyof typeof CLOUDFLARE_ERRORS;

export class CloudflareError extends PurserError<CloudflareErrorCode> {}
