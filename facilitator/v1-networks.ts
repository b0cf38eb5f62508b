/** The EVM networks that x402 v1 has names for (`NetworkSchema` of `x402` 1.2.0), with their chain ids. */
export const V1_NETWORKS: Readonly<Record<string, number>> = {
  abstract: 2741,
  "abstract-testnet": 11_124,
  base: 8453,
  "base-sepolia": 84_532,
  avalanche: 43_114,
  "avalanche-fuji": 43_113,
  iotex: 4689,
  sei: 1329,
  "sei-testnet": 1328,
  polygon: 137,
  "polygon-amoy": 80_002,
  peaq: 3338,
  story: 1514,
  educhain: 41_923,
  "skale-base-sepolia": 324_705_682,
};
