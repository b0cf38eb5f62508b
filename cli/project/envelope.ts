/**
 * How a project command answers: with `--json` in the published envelope, exactly one object on stdout, and otherwise in lines for a
 * person. What is refused has a code, a sentence and what to do next, in both.
 */
import { toErrorBody } from "../../protocol/index.ts";
import { EXIT, type ExitCode, UsageError } from "../exit.ts";
import { plain, type Terminal } from "../terminal.ts";
import { ProjectError, publishedCode, WRONG_USAGE } from "./project-error.ts";
import { head, type Meta, refusalEnvelope } from "./refusal-envelope.ts";

export interface Answer {
  data: unknown;
  /** For a person. Strangers' text in it has passed `plain`. */
  lines: readonly string[];
  warnings?: readonly string[] | undefined;
  /** Command lines to run next. */
  nextSteps?: readonly string[] | undefined;
  /** The data stand alone, without the envelope, as is published for `--preflight`. */
  bare?: boolean;
  /** Not passed, although the command did its work: exit code 1. */
  failed?: boolean;
}

export interface Outlet {
  terminal: Terminal;
  json: boolean;
  /** Such as "add". */
  command: string;
  /** "purser", or "stripe projects" where it stands in for that. */
  tool: string;
}

export function printAnswer(answer: Answer, meta: Meta, outlet: Outlet): ExitCode {
  const { data, lines, warnings = [], nextSteps = [], bare = false, failed = false } = answer;
  const { terminal, json } = outlet;
  if (json) {
    const envelope = { ok: true, ...head(outlet), data, warnings, next_steps: nextSteps, meta };
    terminal.out(JSON.stringify(bare ? data : envelope, undefined, 2));
  } else {
    for (const line of lines) terminal.out(line);
    for (const warning of warnings) terminal.note(terminal.paint.warn(plain(warning, 2000)));
    if (nextSteps.length > 0)
      terminal.note(`${terminal.paint.dim("Next:")} ${nextSteps.join(" · ")}`);
  }
  return failed ? EXIT.notPassed : EXIT.passed;
}

export function printRefusal(thrown: unknown, meta: Meta, outlet: Outlet): ExitCode {
  const body = toErrorBody(thrown);
  const code = publishedCode(body.code);
  const nextSteps = thrown instanceof ProjectError ? thrown.nextSteps : [];
  const { terminal, json } = outlet;
  if (json) {
    terminal.out(
      JSON.stringify(refusalEnvelope(body, { ...outlet, nextSteps, meta }), undefined, 2),
    );
  } else {
    // The code in parentheses, as skills look for it.
    terminal.note(`${terminal.paint.bad("Error")} ${plain(body.problem, 2000)} (${code})`);
    const { provider = "", provider_message } = body.details ?? {};
    // A stranger's words, told as theirs.
    if (provider_message !== undefined)
      terminal.note(`${plain(provider)} says: ${JSON.stringify(plain(provider_message, 300))}`);
    terminal.note(plain(body.nextStep, 2000));
  }
  return thrown instanceof UsageError || WRONG_USAGE.has(code) ? EXIT.usage : EXIT.notPassed;
}
