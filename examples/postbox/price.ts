import type { PriceFunction } from "../../provider/index.ts";

export const priceOfBox: PriceFunction = ({ size = "1" }) => {
  const cents = 50n * BigInt(size);
  const amount = `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
  return { amount, freeform: `${size} GB for a month`, interval: "month" };
};
