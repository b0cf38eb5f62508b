/** The reference facilitator (`@x402/core` with `@x402/evm`), wired as its documentation does: one viem account, polled receipts. */
import { x402Facilitator } from "@x402/core/facilitator";
import type { PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { registerExactEvmScheme } from "@x402/evm/exact/facilitator";
import { createWalletClient, http, type LocalAccount, publicActions } from "viem";
import { baseSepolia } from "viem/chains";

interface Settled {
  success: boolean;
  transaction: string;
  errorReason?: string;
}

export function referenceFacilitator(rpcUrl: string, account: LocalAccount) {
  const client = createWalletClient({
    account,
    chain: baseSepolia,
    transport: http(rpcUrl),
    pollingInterval: 10,
  }).extend(publicActions);
  const signer = toFacilitatorEvmSigner({
    address: account.address,
    getCode: (args) => client.getCode(args),
    readContract: (args) => client.readContract({ ...args, args: args.args ?? [] }),
    verifyTypedData: (args) => client.verifyTypedData(args as never),
    writeContract: (args) => client.writeContract(args),
    sendTransaction: (args) => client.sendTransaction(args as never),
    waitForTransactionReceipt: (args) => client.waitForTransactionReceipt(args),
  });
  const facilitator = registerExactEvmScheme(new x402Facilitator(), {
    signer,
    networks: "eip155:84532",
  });
  const unpack = (body: unknown) => {
    const { paymentPayload, paymentRequirements } = body as {
      paymentPayload: PaymentPayload;
      paymentRequirements: PaymentRequirements;
    };
    return [paymentPayload, paymentRequirements] as const;
  };
  return {
    facilitator,
    /** As its HTTP service answers: what it throws becomes a failure. */
    settle: async (body: unknown): Promise<Settled> => {
      try {
        return await facilitator.settle(...unpack(body));
      } catch (error) {
        return { success: false, transaction: "", errorReason: String(error).slice(0, 100) };
      }
    },
    verify: (body: unknown) => facilitator.verify(...unpack(body)),
  };
}
