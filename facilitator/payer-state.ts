/**
 * What the chain says of a payment, read from the newest block: the payer's money, the authorization, and whether the payer signed
 * it. A question that finds nobody asking is asked at once, with those of the same moment; those that come meanwhile are asked
 * together when the first is answered. One question that no node can answer spoils no other's answer.
 */
import { RpcRefusal } from "../chain/index.ts";
import { oncePerTurn } from "./once-per-turn.ts";
import {
  fitsOneCall,
  type PayerAnswer,
  type PayerQuestion,
  questionBytes,
} from "./payer-reader.ts";
import { isSamePayment, type Payment, settlementKey } from "./payment.ts";

export interface PayerState {
  /** The payer's balance in atomic units. */
  readonly balance: bigint;
  /** True once the authorization is used or cancelled. */
  readonly used: boolean;
  /** The later of the newest block's time and the clock's, in Unix seconds: no block to come can be earlier. */
  readonly time: bigint;
  /** True where the payer has code: a smart wallet, or a key that lent its address to one (EIP-7702). */
  readonly isContract: boolean;
  /** True where the token would take the signature. */
  readonly isSigned: boolean;
}

export interface PayerStatesOptions {
  ask: (questions: readonly PayerQuestion[]) => Promise<PayerAnswer[]>;
  /** Milliseconds since 1970. */
  now: () => number;
}

interface Question {
  readonly payment: Payment;
  /** True where its signature need not be looked at again. */
  isKnown: boolean;
  readonly answer: PromiseWithResolvers<PayerState>;
}

/** Questions in one call at most: what every node answers within its gas limit for calls. */
const MAX_QUESTIONS = 100;
/** Calls under way at once. */
const MAX_CALLS = 2;
/** Good signatures that are remembered: a seller verifies and then settles, and a key's signature can never turn bad. */
const REMEMBERED = 10_000;

export class PayerStates {
  readonly #options: PayerStatesOptions;
  readonly #waiting: Question[] = [];
  #calls = 0;
  readonly #pumpSoon = oncePerTurn(() => this.#pump());
  /** Signatures by a key that the chain found good, by payer and nonce: the words that were signed, and the signature. */
  readonly #signed = new Map<string, Pick<Payment, "authorization" | "signature">>();

  constructor(options: PayerStatesOptions) {
    this.#options = options;
  }

  /** Reads one, or throws `RpcRefusal` or `CHAIN_UNREACHABLE`. */
  async read(payment: Payment): Promise<PayerState> {
    const answer = Promise.withResolvers<PayerState>();
    this.#waiting.push({ payment, isKnown: false, answer });
    this.#pumpSoon();
    return answer.promise;
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#calls < MAX_CALLS) {
      this.#calls += 1;
      void this.#readAll(this.#take()).finally(() => {
        this.#calls -= 1;
        this.#pump();
      });
    }
  }

  /** As many as go into one call. */
  #take(): Question[] {
    let bytes = 0;
    let count = 0;
    for (const question of this.#waiting) {
      question.isKnown = this.#isKnown(question.payment);
      bytes += questionBytes(toAsk(question));
      if (count === MAX_QUESTIONS || (count > 0 && !fitsOneCall(bytes))) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #readAll(questions: readonly Question[]): Promise<void> {
    try {
      const answers = await this.#options.ask(questions.map(toAsk));
      for (const [at, question] of questions.entries()) this.#answer(question, answers[at]!);
    } catch (error) {
      if (error instanceof RpcRefusal && questions.length > 1) {
        // A wallet's code may have used up the call's gas: whoever it was must not answer for the others.
        const half = questions.length >> 1;
        await this.#readAll(questions.slice(0, half));
        await this.#readAll(questions.slice(half));
      } else for (const { answer } of questions) answer.reject(error);
    }
  }

  #answer(question: Question, { blockTime, ...state }: PayerAnswer): void {
    const { payment, isKnown, answer } = question;
    if (isKnown && state.isContract) {
      // Since it was found good the key has lent its address to a contract, which judges now.
      this.#signed.delete(settlementKey(payment));
      this.#waiting.push(question);
      return;
    }
    if (state.isSigned && !state.isContract) this.#remember(payment);
    const clock = BigInt(Math.floor(this.#options.now() / 1000));
    const time = clock > blockTime ? clock : blockTime;
    answer.resolve({ ...state, isSigned: state.isSigned || isKnown, time });
  }

  #isKnown(payment: Payment): boolean {
    const known = this.#signed.get(settlementKey(payment));
    return known !== undefined && isSamePayment(known, payment);
  }

  #remember(payment: Payment): void {
    const [oldest] = this.#signed.keys();
    if (this.#signed.size >= REMEMBERED && oldest !== undefined) this.#signed.delete(oldest);
    const { authorization, signature } = payment;
    this.#signed.set(settlementKey(payment), { authorization, signature });
  }
}

function toAsk({ payment, isKnown }: Question): PayerQuestion {
  const { authorization, signature } = payment;
  return { authorization, signature: isKnown ? undefined : signature };
}
