/** Reads what a caller sent, by a schema: a body or a query of the wrong shape is refused with what is wrong with it. */
import { z } from "zod";
import { CloudflareError } from "./error.ts";

/** The value as the schema reads it, or `BODY_INVALID`. */
export function readInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  throw new CloudflareError("BODY_INVALID", {
    problem: `The request is not what the endpoint takes: ${z.prettifyError(error)}.`,
    nextStep: "Correct it, and send it again.",
  });
}
