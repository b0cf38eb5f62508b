/**
 * The person's sessions, one for each orchestrator, in their own configuration folder and readable by them alone. A login that waits
 * for its consent lies there too, so that `login --complete-device` can end it in another process.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { Secret } from "../../protocol/index.ts";
import { configFile, type Environment } from "./config-folder.ts";
import { writeWhole } from "./project-folder.ts";

const Pending = z.object({ device_code: z.string(), interval: z.number() });
const Entry = z.object({ token: z.string().optional(), pending: Pending.optional() });
const File = z.object({ version: z.literal(1), sessions: z.record(z.string(), Entry) });
type File = z.output<typeof File>;

export type PendingLogin = z.output<typeof Pending>;

export class SessionsFile {
  readonly #path: string;

  constructor(env: Environment) {
    this.#path = configFile(env, "sessions.json");
  }

  token(url: string): Secret | undefined {
    const token = this.#read().sessions[url]?.token;
    return token === undefined ? undefined : new Secret(token);
  }

  pending(url: string): PendingLogin | undefined {
    return this.#read().sessions[url]?.pending;
  }

  keep(url: string, entry: { token?: Secret; pending?: PendingLogin }): void {
    const file = this.#read();
    const { token, pending } = entry;
    const before = file.sessions[url] ?? {};
    file.sessions[url] = token
      ? { token: token.reveal() }
      : { ...before, ...(pending ? { pending } : {}) };
    this.#write(file);
  }

  forget(url: string): void {
    const file = this.#read();
    delete file.sessions[url];
    this.#write(file);
  }

  #read(): File {
    try {
      return File.parse(JSON.parse(readFileSync(this.#path, "utf8")));
    } catch {
      // Not there, or not ours: then nobody is signed in.
      return { version: 1, sessions: {} };
    }
  }

  #write(file: File): void {
    writeWhole(this.#path, `${JSON.stringify(file, undefined, 2)}\n`, 0o600);
  }
}
