/** A local chain with what payment tests need around it: funded payers, signed authorizations, a clock that can be moved. */
import { randomBytes } from "node:crypto";
import {
  type Address,
  createWalletClient,
  encodeFunctionData,
  type Hex,
  http,
  type LocalAccount,
  toHex,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import {
  type Chain,
  type LocalChain,
  openChain,
  startLocalChain,
  TOKEN_ABI,
} from "../../chain/index.ts";
import { type Asset, type Authorization, authorizationTypedData } from "../../protocol/index.ts";

export interface TestChain extends AsyncDisposable {
  readonly local: LocalChain;
  readonly chain: Chain;
  readonly rpcUrl: string;
  readonly asset: Asset;
  /** A new account that holds this much. */
  newPayer(usdc?: bigint, ether?: bigint): Promise<LocalAccount>;
  /** Moves the chain's clock forward and mines enough blocks to make that final. */
  advance(seconds: number): Promise<void>;
  rpc(method: string, ...params: unknown[]): Promise<unknown>;
}

/** Opens a chain for one test file; close it. */
export async function openTestChain(): Promise<TestChain> {
  const local = await startLocalChain();
  const { rpcUrl, asset } = local;
  const chain = await openChain({ rpcUrl, asset });
  const rpc = (method: string, ...params: unknown[]) =>
    chain.client.request<{ Method: string; Parameters: unknown[]; ReturnType: unknown }>({
      method,
      params,
    });
  return {
    local,
    chain,
    rpcUrl,
    asset,
    rpc,
    async newPayer(usdc = 0n, ether = 0n) {
      const account = privateKeyToAccount(generatePrivateKey());
      await local.fund(account.address, { usdc, ether });
      return account;
    },
    async advance(seconds) {
      await rpc("evm_increaseTime", toHex(seconds));
      await local.mine(4);
    },
    [Symbol.asyncDispose]: () => local.close(),
  };
}

/** An authorization valid from now for two minutes, to an address nobody else uses. */
export function newAuthorization(
  from: Address,
  fields: Partial<Authorization> = {},
): Authorization {
  const now = BigInt(Math.floor(Date.now() / 1000));
  return {
    from,
    to: toHex(randomBytes(20)),
    value: 10_000n,
    validAfter: now - 60n,
    validBefore: now + 120n,
    nonce: toHex(randomBytes(32)),
    ...fields,
  };
}

/** The payer's signature over an authorization. */
export function sign(
  payer: LocalAccount,
  asset: Asset,
  authorization: Authorization,
): Promise<Hex> {
  return payer.signTypedData(authorizationTypedData(asset, authorization));
}

/** The token's call that uses a signed authorization. */
export function transferCall(authorization: Authorization, signature: Hex): Hex {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  return encodeFunctionData({
    abi: TOKEN_ABI,
    functionName: "transferWithAuthorization",
    args: [from, to, value, validAfter, validBefore, nonce, signature],
  });
}

/** Sends a call from a funded account and returns its receipt, also when it reverted. */
export async function sendCall(
  { rpcUrl, chain }: Pick<TestChain, "rpcUrl" | "chain">,
  account: LocalAccount,
  { to, data }: { to: Address; data: Hex },
) {
  const wallet = createWalletClient({ account, transport: http(rpcUrl) });
  const hash = await wallet.sendTransaction({ to, data, gas: 1_000_000n, chain: null });
  return chain.client.waitForTransactionReceipt({ hash, pollingInterval: 10 });
}

/** A smart wallet for tests: it holds whatever it is given, and takes any signature whose first byte is 0x42 (ERC-1271). */
export async function newSmartWallet(test: TestChain, usdc = 0n): Promise<Address> {
  const address: Address = toHex(randomBytes(20));
  await test.rpc("anvil_setCode", address, SMART_WALLET_CODE);
  await test.local.fund(address, { usdc });
  return address;
}

/** Returns `(calldata[100] == 0x42) * (0x1626ba7e << 224)`: the first byte of the signature, and ERC-1271's yes or zero. */
const SMART_WALLET_CODE = "0x6064355f1a604214631626ba7e60e01b025f5260205ff3";
