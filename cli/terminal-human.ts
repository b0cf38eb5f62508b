/** The human at the terminal: asked on stderr, answered on stdin. A closed stdin is a no, an interrupt no answer at all. */
import { createInterface } from "node:readline/promises";
import type { Human, HumanAnswer, HumanAsk } from "../protocol/index.ts";
import { plain, type Terminal } from "./terminal.ts";

export function terminalHuman(
  terminal: Terminal,
  {
    input,
    output,
    signal,
  }: { input: NodeJS.ReadableStream; output: NodeJS.WritableStream; signal: AbortSignal },
): Human {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    ask(ask: HumanAsk): Promise<HumanAnswer> {
      const answer = turn.then(() => prompt(ask));
      turn = answer.catch(() => undefined);
      return answer;
    },
  };

  async function prompt({ kind, question, facts, choices }: HumanAsk): Promise<HumanAnswer> {
    const { paint } = terminal;
    terminal.note();
    terminal.note(paint.bold(plain(question, 2000)));
    for (const [name, value] of Object.entries(facts ?? {})) {
      terminal.note(`  ${paint.dim(plain(name, 60))} ${plain(value)}`);
    }
    for (const [index, choice] of (choices ?? []).entries()) {
      terminal.note(`  ${index + 1}. ${plain(choice)}`);
    }
    const lines = createInterface({ input, output });
    // While it reads, Ctrl-C comes to it and not to the process.
    lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    try {
      for (;;) {
        const text = await Promise.race([
          lines.question(kind === "question" ? "> " : "Accept? [y/N] ", { signal }),
          closed,
        ]);
        const answer = kind === "question" ? readChoice(text, choices) : readYes(text);
        if (answer !== undefined) return { answer };
      }
    } catch (error) {
      // Not an answer: a resumed run asks again.
      if (signal.aborted) throw error;
      return { answer: kind === "question" ? "(no answer)" : "decline" };
    } finally {
      lines.close();
    }
  }
}

/** Undefined for what is neither yes nor no: then it is asked again. */
function readYes(text: string): "accept" | "decline" | undefined {
  if (/^\s*(y|yes|accept)\s*$/i.test(text)) return "accept";
  return /^\s*(n|no|decline)?\s*$/i.test(text) ? "decline" : undefined;
}

function readChoice(text: string, choices: readonly string[] | undefined): string {
  const answer = text.trim();
  return choices?.[Number(answer) - 1] ?? (answer === "" ? "(no answer)" : answer);
}
