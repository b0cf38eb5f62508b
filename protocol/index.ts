/** What the parties agree on: money, 402 messages, catalog, mandate, provisioning, errors. Pure: no I/O, no clock. */
export { PurserError, toErrorBody, type ErrorBody, type ErrorText } from "./error.ts";
