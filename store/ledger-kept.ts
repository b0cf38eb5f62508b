/**
 * What it takes to fetch again what was paid for, beside the payments: the request as its caller made it, and the answer where recovery
 * has fetched it. Both are sealed under the book's key, and bound to their purchase. They are no part of the sums or the chain: without
 * them money is safe, and only a delivery would be lost.
 */
import { Secret } from "../protocol/secret.ts";
import { unreadable } from "./ledger-error.ts";
import { ask, type Script } from "./ledger-script.ts";
import { openText, sealText } from "./sealed-text.ts";

interface KeptRow {
  purchase: string;
  request: Uint8Array;
  answer: Uint8Array | null;
}

export interface KeptTexts {
  readonly purchase: string;
  readonly request: Secret;
  readonly answer: Secret | undefined;
}

type Part = "request" | "answer";

export class KeptBook {
  readonly #key: Secret<Uint8Array>;

  constructor(key: Secret<Uint8Array>) {
    this.#key = key;
  }

  *keep(purchase: string, request: Secret | undefined): Script<void> {
    if (request === undefined) return;
    yield* ask(
      `INSERT INTO kept (purchase, request) VALUES (?, ?)
        ON CONFLICT (purchase) DO UPDATE SET request = excluded.request, answer = NULL`,
      purchase,
      this.#seal("request", purchase, request),
    );
  }

  *keepAnswer(purchase: string, answer: Secret): Script<void> {
    const sealed = this.#seal("answer", purchase, answer);
    yield* ask("UPDATE kept SET answer = ? WHERE purchase = ?", sealed, purchase);
  }

  *forget(purchase: string): Script<void> {
    yield* ask("DELETE FROM kept WHERE purchase = ? AND answer IS NULL", purchase);
  }

  /** Of one purchase, or of all. */
  *list(purchase: string | undefined): Script<KeptTexts[]> {
    const rows =
      purchase === undefined
        ? yield* ask<KeptRow>("SELECT * FROM kept")
        : yield* ask<KeptRow>("SELECT * FROM kept WHERE purchase = ?", purchase);
    return rows.map((row) => ({
      purchase: row.purchase,
      request: this.#open("request", row.purchase, row.request),
      answer: row.answer === null ? undefined : this.#open("answer", row.purchase, row.answer),
    }));
  }

  #seal(part: Part, purchase: string, text: Secret): Uint8Array {
    return sealText(this.#key.reveal(), `${part} ${purchase}`, text.reveal());
  }

  #open(part: Part, purchase: string, sealed: Uint8Array): Secret {
    try {
      return new Secret(openText(this.#key.reveal(), `${part} ${purchase}`, sealed));
    } catch (cause) {
      throw unreadable(purchase, `its kept ${part} does not open with this key`, cause);
    }
  }
}
