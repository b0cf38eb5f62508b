/**
 * A buyer for somebody's own client to pay with: an address with play money whose key is no secret, because it is worth
 * nothing. It is not the user's wallet, whose book would not know of such payments.
 */
import { join } from "node:path";
import type { Address, Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { formatDecimal, parseDecimal } from "../../protocol/index.ts";
import { openKeyFile } from "./key-file.ts";
import type { World } from "./world.ts";

export interface Buyer {
  address: Address;
  privateKey: Hex;
  keyFile: string;
  /** Decimal text. */
  balance: string;
}

const FUNDS = "1000.00";

/** The world's buyer, funded when it is first asked for. */
export async function openBuyer({ dir, chain, localChain, asset }: World): Promise<Buyer> {
  const keyFile = join(dir, "buyer", "key");
  const privateKey = openKeyFile(keyFile).reveal();
  const { address } = privateKeyToAccount(privateKey);
  if ((await chain.balanceOf(address)) === 0n) {
    await localChain.fund(address, {
      usdc: parseDecimal(FUNDS, asset.decimals),
      ether: 10n ** 18n,
    });
  }
  const balance = formatDecimal(await chain.balanceOf(address), asset.decimals);
  return { address, privateKey, keyFile, balance };
}
