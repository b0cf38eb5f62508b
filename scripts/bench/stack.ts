/** A stack as it is run: a buyer, and a seller with its facilitator, each in a process of its own. */
import type { Address } from "viem";
import type { BuyerFigure, BuyerTurn, StackTurn } from "./buyer-child.ts";
import type { Place, SellerTurn } from "./seller-child.ts";
import { openTurnProcess } from "./turn-process.ts";

export interface Stack extends AsyncDisposable {
  readonly name: string;
  /** Opens the seller on a fresh chain, and has the buyer buy there. */
  take(turn: StackTurn): Promise<number>;
}

export async function openStack(name: string): Promise<Stack> {
  await using opening = new AsyncDisposableStack();
  const seller = opening.use(
    await openTurnProcess<SellerTurn, Place | null>("seller-child.ts", [name]),
  );
  const buyer = opening.use(
    await openTurnProcess<BuyerTurn, BuyerFigure>("buyer-child.ts", [name]),
  );
  const address = (await buyer.take({})) as Address;
  const opened = opening.move();
  return {
    name,
    async take(turn) {
      const place = await seller.take({ buyer: address });
      const figure = await buyer.take({ ...turn, place: place! });
      await seller.take({ buyer: null });
      return Number(figure);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
