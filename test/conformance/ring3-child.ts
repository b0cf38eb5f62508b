/** The ring 3 shop as a program that the tester starts, kills and starts again; its fault stands in `FAULT`. */
import { openRing3Shop, type Ring3Fault } from "./ring3-shop.ts";

const { FACILITATOR_URL = "", WITNESS_URL = "", DATABASE, PORT, FAULT } = process.env;
await openRing3Shop({
  facilitatorUrl: FACILITATOR_URL,
  witnessUrl: WITNESS_URL,
  ...(DATABASE !== undefined && { file: DATABASE }),
  port: Number(PORT),
  fault: FAULT as Ring3Fault | undefined,
});
