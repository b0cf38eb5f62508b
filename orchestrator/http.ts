/** What the orchestrator's HTTP calls have in common: how a body is read, and how whatever fails becomes `{ ok: false, error }`. */
import type { NextFunction, Request, Response } from "express";
import { z } from "zod";
import { PurserError, toErrorBody } from "../protocol/index.ts";
import { OrchestratorError, statusOf } from "./error.ts";
import { KeptAnswer } from "./kept-answers.ts";

export const BODY_LIMIT = "64kb";

/** The value in the schema's shape, or `REQUEST_INVALID`. */
export function read<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new OrchestratorError("REQUEST_INVALID", {
    problem: `The body does not fit this call: ${z.prettifyError(parsed.error).slice(0, 500)}`,
    nextStep: "Send a JSON object as the call describes it.",
  });
}

/** A kept answer goes as the bytes that it is, or, to who has it already, as a 304; everything else as JSON. */
export function send(response: Response, answer: unknown): void {
  if (!(answer instanceof KeptAnswer)) {
    response.json(answer);
    return;
  }
  const { bytes, etag } = answer;
  response.setHeader("etag", etag);
  response.setHeader("cache-control", "private, no-cache");
  if (response.req.get("if-none-match")?.split(/, */).includes(etag) === true) {
    response.status(304).end();
    return;
  }
  response.setHeader("content-type", "application/json; charset=utf-8");
  response.setHeader("content-length", bytes.length);
  response.end(bytes);
}

export function param(params: Request["params"], name: string): string {
  const value = params[name];
  return typeof value === "string" ? value : "";
}

export function unknownCall(request: Request): never {
  throw new OrchestratorError("CALL_UNKNOWN", {
    problem: `There is no call ${request.method} ${request.baseUrl}${request.path}.`.slice(0, 300),
    nextStep: "Use one of the calls that the orchestrator's API lists.",
  });
}

/** Express knows an error handler by its four parameters. */
export function sendError(
  error: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const body = toErrorBody(fromParser(error) ?? error);
  const status = statusOf(body.code);
  if (status === 401) response.set("www-authenticate", "Bearer");
  response.status(status).json({ ok: false, error: body });
}

/** What Express's body parser and router say of a malformed request, as ours. */
function fromParser(error: unknown): PurserError | undefined {
  const { status } = (error ?? {}) as { status?: unknown };
  if (error instanceof PurserError || typeof status !== "number" || status >= 500) return undefined;
  if (status === 413) {
    return new OrchestratorError("REQUEST_TOO_LARGE", {
      problem: `The body is larger than ${BODY_LIMIT}.`,
      nextStep: "Send less.",
    });
  }
  return new OrchestratorError("REQUEST_INVALID", {
    problem: "The request's body or path cannot be read.",
    nextStep: "Send a JSON object in UTF-8 as the call describes it.",
  });
}
