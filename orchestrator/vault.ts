/**
 * The vault keeps what the model must never see: providers' tokens and a resource's secrets, each sealed with age under an
 * identity file of mode 600. Outside it a secret is known by its handle, such as "cred:cloudflare", and every read leaves
 * a line that says who read what.
 */
import { z } from "zod";
import { Secret } from "../protocol/index.ts";
import type { Database } from "../store/index.ts";
import { OrchestratorError } from "./error.ts";
import { readOrCreate } from "./private-file.ts";

export interface SecretName {
  project: string;
  handle: string;
}

/** A sealed secret, ready to be stored in the same transaction as what it belongs to. */
export interface SealedSecret extends SecretName {
  sealed: Uint8Array;
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
  readonly #age: Promise<Age>;

  constructor({ db, identityFile, now }: VaultOptions) {
    this.#db = db;
    this.#now = now;
    // It loads while the rest starts: importing age costs more than all the secrets of a run.
    this.#age = openAge(identityFile);
    this.#age.catch(() => undefined);
  }

  async seal(name: SecretName, value: Secret): Promise<SealedSecret> {
    const age = await this.#age;
    const { project, handle } = name;
    const text = JSON.stringify({ project, handle, value: value.reveal() });
    return { project, handle, sealed: await age.encrypt(text) };
  }

  /** Synchronous, so that it can be part of a transaction. */
  store({ project, handle, sealed }: SealedSecret): void {
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
    const identity = (await readOrCreate(identityFile, generateX25519Identity)).trim();
    encrypter.addRecipient(await identityToRecipient(identity));
    decrypter.addIdentity(identity);
  } catch (cause) {
    throw unreadable(cause);
  }
  return {
    encrypt: (text) => encrypter.encrypt(text),
    decrypt: (sealed) => decrypter.decrypt(sealed, "text"),
  };
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
