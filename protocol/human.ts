/** The human behind a run: a terminal prompt, a page, or a scenario's script. Every ask is recorded and counted. */
export type HumanAskKind = "terms" | "consent" | "payment_method" | "approval" | "question";

export interface HumanAsk {
  kind: HumanAskKind;
  /** For people; strangers' text in it is quoted as such. */
  question: string;
  /** The provider it is about. */
  provider?: string;
  /** What is asked for, such as `{ tos_url, tos_version }`. */
  facts?: Record<string, string>;
  choices?: string[];
}

export interface HumanAnswer {
  /** "accept" or "decline" for every kind but `question`, whose answer is free text. */
  answer: string;
}

export interface Human {
  ask(ask: HumanAsk): Promise<HumanAnswer>;
}
