/**
 * The vault keeps what the model must never see: providers' tokens and a resource's secrets, each sealed with age under an
 * identity file of mode 600. Outside it a secret is known by its handle, such as "cred:cloudflare", and every read leaves
 * a line that says who read what.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { Secret } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";
import { readOrCreate, replaceFile } from "./private-file.ts";

export interface SecretName {
  project: string;
  handle: string;
}

/** A sealed secret, ready to be stored in the same transaction as what it belongs to. */
export interface SealedSecret extends SecretName {
  sealed: Uint8Array;
  /** Which of the vault's keys sealed it. */
  generation: number;
}

/** A line of the audit: who read which secret. */
export interface SecretRead extends SecretName {
  /** Such as "run:run_1" or "orchestrator". */
  reader: string;
  readAt: number;
}

/** The name is sealed with the value, so that rows cannot be swapped behind the vault's back. */
const Sealed = z.object({ project: z.string(), handle: z.string(), value: z.string() });

export class Vault {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #identityFile: string;
  #age: Promise<Age>;
  /** Rises when the key is changed: what an older key sealed is not stored any more. */
  #generation = 0;

  constructor({ db, identityFile, now }: VaultOptions) {
    this.#db = db;
    this.#now = now;
    // It loads while the rest starts: importing age costs more than all the secrets of a run.
    this.#identityFile = identityFile;
    this.#age = openAge(identityFile);
    this.#age.catch(() => undefined);
  }

  async seal(name: SecretName, value: Secret): Promise<SealedSecret> {
    const opening = this.#age;
    const generation = this.#generation;
    const age = await opening;
    const { project, handle } = name;
    const text = JSON.stringify({ project, handle, value: value.reveal() });
    return { project, handle, sealed: await age.encrypt(text), generation };
  }

  /** Synchronous, so that it can be part of a transaction. */
  store({ project, handle, sealed, generation }: SealedSecret): void {
    if (generation !== this.#generation) throw changed();
    this.#db.run(
      "INSERT INTO secret (project, handle, sealed) VALUES (?, ?, ?) ON CONFLICT (project, handle) DO UPDATE SET sealed = excluded.sealed",
      project,
      handle,
      sealed,
    );
  }

  has({ project, handle }: SecretName): boolean {
    const sql = "SELECT handle FROM secret WHERE project = ? AND handle = ?";
    return this.#db.query(sql).get(project, handle) !== undefined;
  }

  /** The project's handles that begin so, in order. */
  handles(project: string, prefix: string): string[] {
    const sql =
      "SELECT handle FROM secret WHERE project = ? AND substr(handle, 1, ?) = ? ORDER BY handle";
    const rows = this.#db.query<{ handle: string }>(sql).all(project, prefix.length, prefix);
    return rows.map(({ handle }) => handle);
  }

  /** Synchronous, so that it can be part of a transaction. */
  forget({ project, handle }: SecretName): void {
    this.#db.run("DELETE FROM secret WHERE project = ? AND handle = ?", project, handle);
  }

  /** Reads a secret and writes the audit line first, or throws `CREDENTIAL_UNKNOWN`. */
  async read({ project, handle }: SecretName, reader: string): Promise<Secret> {
    const row = this.#db
      .query<{
        sealed: Uint8Array;
      }>("SELECT sealed FROM secret WHERE project = ? AND handle = ?")
      .get(project, handle);
    if (!row) throw unknownCredential(handle);
    this.#db.run(
      "INSERT INTO secret_read (project, handle, reader, read_at) VALUES (?, ?, ?, ?)",
      project,
      handle,
      reader,
      this.#now(),
    );
    const opened = Sealed.parse(JSON.parse(await this.#open(row.sealed)));
    if (opened.project !== project || opened.handle !== handle) throw unreadable();
    return new Secret(opened.value);
  }

  reads(project: string): SecretRead[] {
    return this.#db
      .query<SecretRead>(
        "SELECT project, handle, reader, read_at AS readAt FROM secret_read WHERE project = ? ORDER BY id",
      )
      .all(project);
  }

  /**
   * Seals everything anew under a new key, and drops the old one. A crash in between leaves both, and either opens what it sealed;
   * doing it again ends it.
   */
  async rotateKey(): Promise<void> {
    await this.#age;
    const { generateX25519Identity } = await import("age-encryption");
    const old = readFileSync(this.#identityFile, "utf8").trim();
    const next = await generateX25519Identity();
    replaceFile(this.#identityFile, `${next}\n${old}\n`);
    const age = await openAge(this.#identityFile);
    this.#age = Promise.resolve(age);
    this.#generation += 1;
    const names = this.#db.query<SecretName>("SELECT project, handle FROM secret").all();
    for (const { project, handle } of names) {
      const sql = "SELECT sealed FROM secret WHERE project = ? AND handle = ?";
      const row = this.#db.query<{ sealed: Uint8Array }>(sql).get(project, handle);
      if (!row) continue;
      const sealed = await age.encrypt(await this.#open(row.sealed));
      // One that was changed meanwhile is sealed under the new key already.
      this.#db.run(
        "UPDATE secret SET sealed = ? WHERE project = ? AND handle = ? AND sealed = ?",
        sealed,
        project,
        handle,
        row.sealed,
      );
    }
    replaceFile(this.#identityFile, `${next}\n`);
    this.#age = openAge(this.#identityFile);
    await this.#age;
  }

  /** Waits until the vault can be used, or throws `VAULT_UNREADABLE`. */
  async ready(): Promise<void> {
    await this.#age;
  }

  async #open(sealed: Uint8Array): Promise<string> {
    const age = await this.#age;
    try {
      return await age.decrypt(sealed);
    } catch (cause) {
      throw unreadable(cause);
    }
  }
}

export interface VaultOptions {
  db: Database;
  /** Made with mode 600 when it is not there yet. */
  identityFile: string;
  now: () => number;
}

interface Age {
  encrypt(text: string): Promise<Uint8Array>;
  decrypt(sealed: Uint8Array): Promise<string>;
}

async function openAge(identityFile: string): Promise<Age> {
  const { Decrypter, Encrypter, generateX25519Identity, identityToRecipient } =
    await import("age-encryption");
  const encrypter = new Encrypter();
  const decrypter = new Decrypter();
  try {
    // The first one seals; others are there while a key is being changed.
    const text = await readOrCreate(identityFile, generateX25519Identity);
    const [first = "", ...others] = text.trim().split("\n");
    encrypter.addRecipient(await identityToRecipient(first));
    for (const identity of [first, ...others]) decrypter.addIdentity(identity);
  } catch (cause) {
    throw unreadable(cause);
  }
  return {
    encrypt: (text) => encrypter.encrypt(text),
    decrypt: (sealed) => decrypter.decrypt(sealed, "text"),
  };
}

function changed(): OrchestratorError {
  return new OrchestratorError("VAULT_CHANGED", {
    problem: "The vault's key was changed while a secret was on its way into it.",
    nextStep: "Make the same call again.",
  });
}

export function unknownCredential(handle: string): OrchestratorError {
  return new OrchestratorError("CREDENTIAL_UNKNOWN", {
    problem: `The vault has nothing under "${handle.slice(0, 100)}" for this project.`,
    nextStep: "Use a handle from the project's view, or connect the provider first.",
  });
}

/** The cause stays out of the text: age's messages may quote what they read. */
function unreadable(cause?: unknown): OrchestratorError {
  return new OrchestratorError("VAULT_UNREADABLE", {
    problem: "The vault cannot be opened with its identity file.",
    nextStep:
      "Restore the identity file that belongs to this folder, or connect the providers again in a new one.",
    cause,
  });
}
