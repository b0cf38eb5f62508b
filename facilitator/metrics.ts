/** A facilitator's counts since it started, in Prometheus' text format. They are made from its events: one source for both. */
import type { FacilitatorEvent } from "./log.ts";

const COUNTERS = {
  purser_facilitator_verified_total: "Payments found good by /verify.",
  purser_facilitator_refused_total: "Payments refused, by call and reason.",
  purser_facilitator_settled_total: "Answers that say that a payment is settled, copies included.",
  purser_facilitator_transactions_total: "Transactions sent, by account.",
  purser_facilitator_batched_payments_total: "Payments in those transactions.",
  purser_facilitator_replacements_total: "Transactions sent again with the same nonce, by account.",
  purser_facilitator_not_taken_total: "Transactions that the chain did not take, by account.",
} as const;
type Counter = keyof typeof COUNTERS;

export class Metrics {
  readonly #counts = new Map<Counter, Map<string, number>>();

  count(event: FacilitatorEvent): void {
    switch (event.event) {
      case "verified":
        return this.#add("purser_facilitator_verified_total");
      case "refused":
        return this.#add("purser_facilitator_refused_total", {
          call: event.call,
          reason: event.reason,
        });
      case "settled":
        return this.#add("purser_facilitator_settled_total");
      case "sent":
        this.#add("purser_facilitator_transactions_total", { account: event.account });
        return this.#add("purser_facilitator_batched_payments_total", {}, event.payments);
      case "sent_again":
        return this.#add("purser_facilitator_replacements_total", { account: event.account });
      case "not_taken":
        return this.#add("purser_facilitator_not_taken_total", { account: event.account });
      case "concluded":
    }
  }

  /** The text, with the gauges that are read now. */
  format(gauges: Readonly<Record<string, { help: string; value: number }>>): string {
    const counters = Object.entries(COUNTERS).map(([name, help]) => {
      const values = this.#counts.get(name as Counter) ?? new Map([["", 0]]);
      const lines = [...values].map(([labels, value]) => `${name}${labels} ${value}`);
      return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, ...lines].join("\n");
    });
    const others = Object.entries(gauges).map(
      ([name, { help, value }]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}`,
    );
    return `${[...counters, ...others].join("\n")}\n`;
  }

  #add(name: Counter, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    // Labels come from our own tables and addresses: nothing in them needs escaping.
    const inner = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const text = inner.length === 0 ? "" : `{${inner.join(",")}}`;
    const values = this.#counts.get(name) ?? new Map<string, number>();
    this.#counts.set(name, values.set(text, (values.get(text) ?? 0) + by));
  }
}
