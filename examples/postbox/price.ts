export const SIZES = ["1", "5", "25"];

export function priceOfBox({ size = "1" }: Readonly<Record<string, string>>) {
  const cents = 50n * BigInt(size);
  const amount = `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
  return { amount, freeform: `${size} GB for a month`, interval: "month" } as const;
}
