/** Reads `--config '{"title":"todos"}'`: a flat JSON object, whose numbers and booleans become the texts that an order holds. */
import { z } from "zod";
import { plain } from "../terminal.ts";
import { ProjectError } from "./project-error.ts";

const Flat = z.record(
  z.string().min(1).max(64),
  z.union([z.string().max(1000), z.number(), z.boolean()]),
);

/** Throws `CONFIG_INVALID`. */
export function readJsonFlag(flag: string, text: string | undefined): Record<string, string> {
  if (text === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid(flag, `"${plain(text, 60)}" is no JSON`, cause);
  }
  const { data } = Flat.safeParse(parsed);
  if (!data) throw invalid(flag, "it is no flat JSON object of texts, numbers and booleans");
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, String(value)]));
}

function invalid(flag: string, why: string, cause?: unknown): ProjectError {
  return new ProjectError("CONFIG_INVALID", {
    problem: `${flag} cannot be used: ${why}.`,
    nextStep: `Write it such as ${flag} '{"title":"todos"}'.`,
    cause,
  });
}
