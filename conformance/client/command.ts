/**
 * A client that is a program: started without a shell, told its order in its arguments and its environment, and ended, with whatever
 * it started, when its time is over.
 */
import { spawn } from "node:child_process";
import { formatDecimal } from "../../protocol/money.ts";
import { ConformanceError } from "../conformance-error.ts";
import type { Client, ClientEnd, Order } from "./order.ts";

export interface CommandClientOptions {
  /** Such as `node pay.js --max {max} {url}`. Without `{url}` or `{goal}` the URL, or an agent's goal, is put at its end. */
  readonly command: string;
  /** The variable that the key is handed over in. */
  readonly keyEnv: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** More of what a program says is not kept. */
const SAID_LIMIT = 64 * 1024;

export function commandClient({ command, keyEnv, cwd, env }: CommandClientOptions): Client {
  const words = splitCommand(command);
  return (order) => {
    const facts = factsOf(order);
    const named = words.map((word) =>
      word.replace(/\{(\w+)\}/g, (all, name: string) => facts[name] ?? all),
    );
    const [file = "", ...args] = named;
    if (!words.some((word) => /\{(url|goal)\}/.test(word))) args.push(order.goal ?? order.url);
    const variables = Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [`PURSER_CHECK_${constantCase(name)}`, value]),
    );
    const all = { ...env, ...variables, RPC_URL: order.rpcUrl, [keyEnv]: order.key };
    return run(file, args, { cwd, env: all, signal: order.signal });
  };
}

/** What may stand in braces in a command, and stands in the environment as `PURSER_CHECK_…`. */
function factsOf(order: Order): Record<string, string> {
  const { url, method, body = "", rpcUrl, asset, payTo, max, purchase, goal = "" } = order;
  return {
    url,
    method,
    body,
    headers: JSON.stringify(order.headers),
    rpc: rpcUrl,
    network: asset.network,
    asset: asset.address,
    payTo,
    max: formatDecimal(max, asset.decimals),
    maxAtomic: String(max),
    purchase,
    goal,
  };
}

function constantCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

interface RunOptions {
  cwd: string;
  env: Record<string, string | undefined>;
  signal: AbortSignal;
}

async function run(file: string, args: string[], { cwd, env, signal }: RunOptions) {
  const { promise, resolve } = Promise.withResolvers<ClientEnd>();
  // A group of its own, so that what it started ends with it.
  const child = spawn(file, args, {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      if (said.length < SAID_LIMIT) said += text;
    });
  }
  const end = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It is gone already.
    }
  };
  signal.addEventListener("abort", end, { once: true });
  child.on("error", (error) => resolve({ ok: false, said: String(error), ended: true }));
  child.on("close", (code) => resolve({ ok: code === 0, said, ended: !signal.aborted }));
  const ended = await promise;
  signal.removeEventListener("abort", end);
  // A program that ends may leave some running.
  end();
  return ended;
}

const WORD = /(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s'"\\])+/gs;
const QUOTED = /\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"/gs;

/** Words as a shell would part them: quotes hold together, a backslash takes the next character as it is, nothing else has a meaning. */
export function splitCommand(command: string): string[] {
  const parts = command.match(WORD) ?? [];
  if (parts.length > 0 && command.replace(WORD, "").trim() === "") return parts.map(unquote);
  throw new ConformanceError("CHECK_TARGET_INVALID", {
    problem: "The client's command is empty, or a quote in it is not closed.",
    nextStep: 'Write it as one text, such as --client "node pay.js --max {max} {url}".',
  });
}

function unquote(part: string): string {
  return part.replace(
    QUOTED,
    (_, escaped?: string, single?: string, double?: string) =>
      escaped ?? single ?? (double ?? "").replace(/\\(.)/gs, "$1"),
  );
}
